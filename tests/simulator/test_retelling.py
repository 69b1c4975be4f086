"""The story that nobody had written before is read off the record, whoever gave the commands."""

from collections.abc import Sequence

from simulator.record.requests import RequestRecord
from simulator.retelling import retell
from simulator.scenario.load import load_scenario
from simulator.scenario.model import Scenario
from simulator.up.cli import CLUSTER
from tests.support.evidence import request
from zdu.events import (
    Envelope,
    Event,
    LoadChanged,
    LoadStarted,
    NodeNotStarted,
    ProcessStarted,
    UpgradeHistory,
)


def started(node: str, version: str) -> ProcessStarted:
    return ProcessStarted(node, 1, "http://127.0.0.1:1", version)


def history(*rows: tuple[float, str, str]) -> UpgradeHistory:
    """Rows as time of the run, state and version; read at 100 s."""
    return UpgradeHistory(
        [{"database_time": int(t_s * 1000), "state": state, "cluster_version": v} for t_s, state, v in rows], 100_000
    )


def told(*events: tuple[float, Event], requests: Sequence[RequestRecord] = ()) -> Scenario:
    envelopes = [Envelope(seq, t_s, 0, event) for seq, (t_s, event) in enumerate(events, 1)]
    return retell(load_scenario(CLUSTER), envelopes, requests)


BEGIN = ((0.0, started("node1", "7.3.0")), (0.0, started("node2", "7.3.0")))


def actions(scenario: Scenario) -> list[str]:
    return [step.action_name for step in scenario.timeline]


def test_a_cluster_that_nobody_touched_has_no_story() -> None:
    scenario = told(*BEGIN, (100.0, history()))
    assert (actions(scenario), scenario.version_to) == (["observe"], "7.3.0")


def test_a_whole_upgrade_is_told_with_its_nodes_and_versions() -> None:
    rows = history(
        (10, "READY_TO_UPGRADE", "7.3.0"),
        (20, "MIXED", "7.3.0"),
        (40, "READY_TO_RUN_UPGRADE_TASKS", "7.3.0"),
        (50, "RUNNING_UPGRADE_TASKS", "7.3.0"),
        (51, "STABLE", "7.3.2"),
    )
    scenario = told(*BEGIN, (21.0, started("node2", "7.3.2")), (39.0, started("node1", "7.3.2")), (100.0, rows))
    assert actions(scenario) == ["start_upgrade", "roll", "roll", "finalise"]
    assert [step.roll.nodes for step in scenario.timeline if step.roll] == [("node2",), ("node1",)]
    assert (scenario.version_from, scenario.version_to, scenario.rolled_back_from) == ("7.3.0", "7.3.2", "")


def test_a_restart_with_the_same_version_is_no_upgrade() -> None:
    assert actions(told(*BEGIN, (5.0, started("node1", "7.3.0")), (100.0, history()))) == ["observe"]


def test_what_was_taken_back_is_told_as_a_roll_back_and_an_upgrade_without_a_node_as_cancelled() -> None:
    rows = history(
        *((1, "READY_TO_UPGRADE", "7.3.0"), (2, "STABLE", "7.3.0"), (10, "READY_TO_UPGRADE", "7.3.0")),
        *((20, "MIXED", "7.3.0"), (30, "READY_TO_UPGRADE", "7.3.0"), (31, "STABLE", "7.3.0")),
    )
    scenario = told(*BEGIN, (19.0, started("node1", "7.3.2")), (29.0, started("node1", "7.3.0")), (100.0, rows))
    assert actions(scenario) == ["start_upgrade", "cancel", "start_upgrade", "roll", "roll_back"]
    assert (scenario.version_to, scenario.rolled_back_from) == ("7.3.0", "7.3.2")


def test_a_node_that_could_not_start_is_told_as_refused_and_may_start_later() -> None:
    refused = (11.0, NodeNotStarted("node1", "7.3.2", "not in upgrade mode"))
    rows = history((20, "READY_TO_UPGRADE", "7.3.0"))
    scenario = told(
        *BEGIN, (10.0, started("node1", "7.3.2")), refused, (30.0, started("node1", "7.3.2")), (100.0, rows)
    )
    assert [(step.action_name, step.roll and step.roll.expect) for step in scenario.timeline] == [
        ("roll", "refused"),
        ("start_upgrade", None),
        ("roll", "joined"),
    ]


def test_only_users_who_came_early_and_stayed_are_asked_whether_they_worked_throughout() -> None:
    def worked(user: str, t_s: float) -> RequestRecord:
        return request(1, t_s, session=f"{user}.1")

    requests = [worked("s1", 1), worked("s2", 1), worked("s3", 10), worked("s1", 20), worked("s4", 90)]
    people = ((0.5, LoadStarted(3, 10)), (30.0, LoadChanged(2)), (80.0, LoadChanged(3)))
    assert told(*BEGIN, *people, requests=requests).load.users == 2


def test_a_program_that_ended_at_its_start_takes_nothing_from_the_start_before() -> None:
    ended = (11.0, NodeNotStarted("node1", "7.3.3", "no such table"))
    scenario = told(*BEGIN, (10.0, started("node1", "7.3.2")), ended, (100.0, history()))
    assert [step.roll.to for step in scenario.timeline if step.roll] == ["7.3.2", "7.3.3"]
