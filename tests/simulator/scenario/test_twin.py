import pytest

from simulator.scenario.document import parse_document
from simulator.scenario.load import read_scenario
from simulator.scenario.mistakes import ScenarioError
from simulator.scenario.twin import as_twin
from zdu.errors import UsageError

TEXT = """\
name: tiny
title: Tiny
cluster: {version: "7.3.0", node_upgrade_mode: true}
timeline:
  - observe: {for: 3s}
  - start_upgrade: {}
  - roll: {to: "7.3.2"}
  - finalise: {}
"""
TWIN = """\
twin:
  title: Just stopped
  set: {balancer.drain: false, timeline.roll.to: "7.3.1", load.think_time: {min: 1s, max: 2s}}
  ends: {verdict: fail, because: [no request failed]}
"""


def test_a_twin_has_what_it_changes_and_all_else_from_its_file() -> None:
    twin = read_scenario(as_twin(parse_document(TEXT + TWIN, "f")))

    assert (twin.name, twin.title, twin.twin) == ("tiny-twin", "Just stopped", None)
    assert (twin.balancer.drain, twin.version_to, twin.load.think_time.max) == (False, "7.3.1", 2.0)
    assert (twin.ends.verdict, twin.ends.because) == ("fail", ("no request failed",))
    assert twin.cluster.node_upgrade_mode


def test_a_twin_is_meant_to_fail_if_it_says_nothing_else() -> None:
    assert read_scenario(as_twin(parse_document(TEXT + TWIN.rpartition("  ends")[0], "f"))).ends.verdict == "fail"


def test_a_mistake_in_what_a_twin_changes_is_told_at_its_place() -> None:
    wrong = TWIN.replace("balancer.drain", "balancer.drian")

    with pytest.raises(ScenarioError) as raised:
        read_scenario(as_twin(parse_document(TEXT + wrong, "f")))

    assert [str(mistake) for mistake in raised.value.mistakes] == [
        "f:11:9: unknown key 'drian'; did you mean 'drain'?"
    ]


def test_a_scenario_without_a_twin_says_so() -> None:
    with pytest.raises(UsageError, match="f has no twin"):
        as_twin(parse_document(TEXT, "f"))
