"""A run in which the cluster has to refuse a node: blameless, and then spoilt in one thing each."""

from collections.abc import Callable

import pytest

from simulator.record.requests import RequestRecord
from simulator.verdict import Evidence, Verdict, reach_verdict
from tests.support.evidence import OLD, PROBES_FINE, evidence, good_events, request
from zdu.events import (
    ClusterAudited,
    ClusterObserved,
    Event,
    LoadStopped,
    NodeBack,
    NodeNotStarted,
    NodeTakenOut,
    ProcessExited,
    ProcessStarted,
    ProcessStopping,
    UpgradeHistory,
)

Events = list[tuple[float, Event]]
MAJOR = "8.0.3"
WHY = f"Your node with Jira version {MAJOR} will not start up with version {OLD} because …"
STATES = {"READY_TO_UPGRADE": 3.0, "STABLE": 9.0}
RETOLD = (ClusterObserved, UpgradeHistory, ClusterAudited, NodeTakenOut, NodeBack, ProcessExited, ProcessStopping)


def history(states: dict[str, float]) -> UpgradeHistory:
    rows = [
        {"order_number": number, "state": state, "database_time": at_s * 1000}
        for number, (state, at_s) in enumerate(sorted(states.items(), key=lambda row: row[1]), start=1)
    ]
    return UpgradeHistory(rows, database_now_ms=15_200)


def refused_events(states: dict[str, float] = STATES, *, says_why: bool = True) -> Events:
    """Node1 is out from 4 to 12 s; it has 8.0.3 from 6 s on, says ERROR at 7 s, and is put back at 10 s."""
    kept = [
        (at_s, event)
        for at_s, event in good_events()
        if not isinstance(event, RETOLD) and not (isinstance(event, ProcessStarted) and at_s > 1.0)
    ]
    audit = {node: {"version": OLD, "build": 73011, "state": "STABLE"} for node in ("node1", "node2")}
    return [
        *kept,
        *((at_s, ClusterObserved(state, "node2")) for state, at_s in states.items()),
        (4.0, NodeTakenOut("node1", 4.0)),
        (4.1, ProcessStopping("node1", "SIGTERM")),
        (5.0, ProcessExited("node1", 0, expected=True)),
        (6.0, ProcessStarted("node1", 13, "http://127.0.0.1:1", MAJOR, "logs/node1.log")),
        *([(7.0, NodeNotStarted("node1", MAJOR, WHY))] if says_why else []),
        (10.0, ProcessExited("node1", 0, expected=True)),
        (10.1, ProcessStarted("node1", 14, "http://127.0.0.1:1", OLD, "logs/node1.log")),
        (12.0, NodeBack("node1", 12.0)),
        (15.1, ClusterAudited(audit)),
        (15.2, history(states)),
    ]


def served(without: tuple[float, float] = (0.0, 0.0)) -> list[RequestRecord]:
    """Everybody is on node2 while node1 is out; nobody comes in the stretch ``without``."""
    found: list[RequestRecord] = []
    for tick in range(20, 150):
        at_s = tick / 10
        for session, home in (("s1", "node1"), ("s2", "node2")):
            node = "node2" if 3.95 <= at_s < 12.0 else home
            if not without[0] <= at_s <= without[1]:
                found.append(request(len(found) + 1, at_s, node, session=session, version=OLD))
        for kind, connection in (("probe_new", "new"), ("probe_reused", "reused")):
            made = request(len(found) + 1, at_s, "node2", session=kind, kind=kind, connection=connection, version=OLD)
            found.append(made)
    return found


def judged(events: Events | None = None, requests: list[RequestRecord] | None = None) -> Verdict:
    whole = evidence(refused_events() if events is None else events, served() if requests is None else requests)
    return reach_verdict(
        Evidence(
            **{
                **whole.__dict__,
                "rolled": ("node1",),
                "version_to": OLD,
                "refusals": (("node1", MAJOR),),
            }
        )
    )


def broken(verdict: Verdict) -> list[str]:
    return [check.name for check in verdict.checks if not check.ok]


def test_a_refused_node_that_nobody_noticed_passes_and_is_told() -> None:
    verdict = judged()

    assert (verdict.word, broken(verdict)) == ("pass", [])
    assert "the cluster refused node1 with 8.0.3 and its other nodes served on with 7.3.0" in verdict.sentence
    (refused,) = [check for check in verdict.checks if check.name == "the cluster refused who had to be refused"]
    assert WHY in refused.detail


def a_node_that_joined() -> Verdict:
    return judged(refused_events(says_why=False))


def a_state_that_moved() -> Verdict:
    return judged(refused_events({**STATES, "MIXED": 6.5, "READY_TO_RUN_UPGRADE_TASKS": 6.6}))


@pytest.mark.parametrize("spoil", [a_node_that_joined, a_state_that_moved])
def test_a_node_that_joined_after_all_or_moved_the_state_fails_the_run(spoil: Callable[[], Verdict]) -> None:
    verdict = spoil()

    assert verdict.word == "fail"
    assert "the cluster refused who had to be refused" in broken(verdict)


def test_a_refusal_during_which_nobody_was_served_proves_nothing() -> None:
    requests = served(without=(7.0, 10.0))
    ended = LoadStopped(PROBES_FINE, sent=len(requests))
    events = [(at_s, ended if isinstance(event, LoadStopped) else event) for at_s, event in refused_events()]
    verdict = judged(events, requests)

    assert verdict.word == "inconclusive"
    assert broken(verdict) == ["the others served while a node was refused"]
