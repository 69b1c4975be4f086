"""A run in which both nodes went to the new version and back: judged like an upgrade, only that it ends elsewhere."""

from dataclasses import replace

from simulator.record.requests import RequestRecord
from simulator.verdict import reach_verdict
from tests.support.evidence import NEW, OLD, evidence, good_events, good_requests
from zdu.events import ClusterAudited, ClusterObserved, Event, ProcessStarted, UpgradeHistory

STATES = ("READY_TO_UPGRADE", "MIXED", "READY_TO_RUN_UPGRADE_TASKS", "MIXED", "READY_TO_UPGRADE", "STABLE")
RETOLD = (ClusterObserved, UpgradeHistory, ClusterAudited)
FROM_S, STEP_S = 3.0, 2.0


def rolled_back(ends_with: str = OLD, states: tuple[str, ...] = STATES) -> list[tuple[float, Event]]:
    timed = [(FROM_S + STEP_S * index, state) for index, state in enumerate(states)]
    rows = [
        {"order_number": number, "state": state, "database_time": at_s * 1000}
        for number, (at_s, state) in enumerate(timed, start=1)
    ]
    audit = {node: {"version": ends_with, "build": 73011, "state": states[-1]} for node in ("node1", "node2")}
    return [
        *((at_s, event) for at_s, event in good_events() if not isinstance(event, RETOLD)),
        *((at_s, ClusterObserved(state, node)) for at_s, state in timed for node in ("node1", "node2")),
        (15.1, ClusterAudited(audit)),
        (15.2, UpgradeHistory(rows, database_now_ms=15_200)),
    ]


def test_a_cluster_that_is_stable_on_its_old_version_again_passes() -> None:
    verdict = reach_verdict(evidence(rolled_back(), rolled_back_from=NEW))

    assert [check for check in verdict.checks if not check.ok] == []
    assert verdict.word == "pass"
    assert f"2 nodes went from {OLD} to {NEW} and back to {OLD}" in verdict.sentence


def test_a_cluster_that_was_not_brought_back_fails() -> None:
    verdict = reach_verdict(evidence(rolled_back(ends_with=NEW), rolled_back_from=NEW))

    assert [check.name for check in verdict.checks if not check.ok] == [f"the cluster is STABLE on {OLD}"]


def test_a_cluster_that_was_never_cancelled_fails() -> None:
    verdict = reach_verdict(evidence(rolled_back(states=STATES[:-1]), rolled_back_from=NEW))

    assert [check.name for check in verdict.checks if not check.ok] == [f"the cluster is STABLE on {OLD}"]


def test_a_cancel_while_mixed_is_an_illegal_step() -> None:
    states = ("READY_TO_UPGRADE", "MIXED", "STABLE")
    verdict = reach_verdict(evidence(rolled_back(states=states), rolled_back_from=NEW))

    assert "the upgrade state took legal steps only" in [check.name for check in verdict.checks if not check.ok]


def test_a_roll_back_in_which_the_new_version_answered_nobody_proves_nothing() -> None:
    def by_the_old(request: RequestRecord) -> RequestRecord:
        return replace(request, version=OLD)

    requests = [by_the_old(request) for request in good_requests()]
    starts = ProcessStarted("node1", 13, "http://127.0.0.1:1", OLD, "logs/node1.log")
    events = [
        (at_s, replace(starts, process=event.process) if isinstance(event, ProcessStarted) else event)
        for at_s, event in rolled_back()
    ]
    verdict = reach_verdict(evidence(events, requests=requests, rolled_back_from=NEW))

    assert verdict.word == "inconclusive"
    assert f"0 requests answered by {NEW}" in verdict.sentence
