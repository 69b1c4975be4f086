"""Which load balancers there are, and what is refused before anything starts."""

import pytest

from simulator.balancers import KINDS, check_balancer, for_balancer, programs
from simulator.scenario import load
from simulator.scenario.document import parse_document
from simulator.scenario.load import read_scenario
from simulator.scenario.model import Scenario
from zdu.errors import ExitCode, UsageError


def story_with(fault: str, more: str = "") -> Scenario:
    text = (
        'name: s\ntitle: t\ncluster: {version: "7.3.0"}\n'
        f"timeline: [observe: {{for: 1s}}, fault: {{name: {fault}}}]\n{more}\n"
    )
    return read_scenario(parse_document(text, "f.yaml"))


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


def test_a_fault_that_the_load_balancer_cannot_have_is_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("simulator.balancers.choice.software_of", lambda kind: kind)
    fixated = "session.fixated_to_dead_node"
    with pytest.raises(UsageError, match=f"{fixated}: only our own load balancer"):
        check_balancer("haproxy", story_with(fixated))
    check_balancer("ours", story_with(fixated))
    with pytest.raises(UsageError, match=rf"{fixated}: balancer\.stickiness is none"):
        check_balancer("ours", story_with(fixated, "balancer: {stickiness: none}"))


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"ours"}))
def test_behind_a_real_load_balancer_its_administrator_drains(kind: str) -> None:
    assert not load("valiantys", for_balancer(kind)).cluster.node_upgrade_mode
    assert load("valiantys", for_balancer("ours")).cluster.node_upgrade_mode
