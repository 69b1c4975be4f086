"""Which load balancers there are, and what is refused before anything starts."""

import pytest

from simulator.balancers import KINDS, check_balancer, for_balancer, programs
from simulator.scenario import load
from zdu.errors import ExitCode, UsageError


def test_an_absent_program_is_one_message_that_names_debians_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "find_program", lambda name: None)
    with pytest.raises(UsageError, match="apache2 is not on this machine") as caught:
        check_balancer("apache", load("valiantys", for_balancer("apache")))
    assert "apt-get install --no-install-recommends apache2" in caught.value.hint
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_node_cannot_ask_a_load_balancer_that_checks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.balancers.choice.software_of", lambda kind: kind)
    asking = load("valiantys", [*for_balancer("nginx"), "cluster.node_upgrade_mode=true"])
    with pytest.raises(UsageError, match="nginx checks no node's health"):
        check_balancer("nginx", asking)
    check_balancer("haproxy", asking)


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"ours"}))
def test_behind_a_real_load_balancer_its_administrator_drains(kind: str) -> None:
    assert not load("valiantys", for_balancer(kind)).cluster.node_upgrade_mode
    assert load("valiantys", for_balancer("ours")).cluster.node_upgrade_mode


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"ours"}))
def test_a_fault_of_our_own_load_balancer_is_refused_with_another_before_anything_starts(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.balancers.choice.software_of", lambda kind: kind)
    fixated = "timeline.1={fault: {name: session.fixated_to_dead_node}}"
    scenario = load("valiantys", [*for_balancer(kind), fixated])
    with pytest.raises(UsageError, match=f"session.fixated_to_dead_node is put on by .* not of {kind}") as caught:
        check_balancer(kind, scenario)
    assert "--lb ours" in caught.value.hint
    check_balancer("ours", scenario)
