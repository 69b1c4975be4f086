"""A small, complete and blameless record of a run; tests spoil one thing in it."""

from collections.abc import Sequence
from dataclasses import replace

from simulator.record.requests import RequestRecord
from simulator.scenario.expectations import Expectations
from simulator.verdict import Evidence
from zdu.events import (
    BalancerAudited,
    BalancerObserved,
    ClusterAudited,
    ClusterObserved,
    Envelope,
    Event,
    LoadStarted,
    LoadStopped,
    NodeBack,
    NodeLogsAudited,
    NodeTakenOut,
    ProcessExited,
    ProcessStarted,
    ProcessStopping,
    RunEnded,
    RunStarted,
    UpgradeHistory,
    WritesAudited,
)

OLD, NEW = "7.3.0", "7.3.2"
STATES = {
    "READY_TO_UPGRADE": 3.0,
    "MIXED": 5.0,
    "READY_TO_RUN_UPGRADE_TASKS": 12.0,
    "RUNNING_UPGRADE_TASKS": 13.0,
    "STABLE": 14.0,
}
RUNNING = [{"node": node, "t_s": 1.2, "state": "RUNNING"} for node in ("node1", "node2")]
BACK_S = {"node1": 7.0, "node2": 12.0}
"""From when on each node answers with the new version."""
PROBES_FINE = {kind: {"intended": 100, "on_time": 100} for kind in ("probe_new", "probe_reused")}


def request(number: int, at_s: float, node: str = "node1", **changes: object) -> RequestRecord:
    """A good request of session s1 at ``at_s``, answered by ``node`` after 10 ms."""
    good = RequestRecord(
        id=number,
        session="s1",
        kind="view_issue",
        method="GET",
        path="/browse/ZDU-1",
        intended_s=at_s,
        sent_s=at_s,
        first_byte_s=at_s + 0.01,
        end_s=at_s + 0.01,
        node=node,
        version=version_of(node, at_s),
        connection="reused",
        status=200,
        outcome="ok",
        detail="",
    )
    return replace(good, **changes)  # type: ignore[arg-type]  # the caller names fields of the record


def version_of(node: str, at_s: float) -> str:
    """With which version the node answers at that time."""
    return NEW if at_s >= BACK_S.get(node, at_s + 1) else OLD


def good_events() -> list[tuple[float, Event]]:
    """Two nodes, rolled one after the other: node1 is out from 4 to 7 s, node2 from 9 to 12 s."""
    history = [
        {"order_number": number, "state": state, "database_time": at_s * 1000}
        for number, (state, at_s) in enumerate(STATES.items(), start=1)
    ]
    shown = [(at_s, ClusterObserved(state, node)) for state, at_s in STATES.items() for node in ("node1", "node2")]
    events: list[tuple[float, Event]] = [
        (0.0, RunStarted("valiantys", 7, "zdu run", "sqlite", "zdu-lb", 60.0, ["node1", "node2"], OLD, NEW, {})),
        (1.0, ProcessStarted("node1", 11, "http://127.0.0.1:1", OLD, "logs/node1.log")),
        (1.0, ProcessStarted("node2", 12, "http://127.0.0.1:2", OLD, "logs/node2.log")),
        (1.5, LoadStarted(2, 10.0)),
        *shown,
    ]
    for node, out_s, back_s in (("node1", 4.0, 7.0), ("node2", 9.0, 12.0)):
        events += [
            (out_s - 0.1, BalancerObserved(node, "READY", "STOPPING", "the node says DRAINING", out_s - 0.1)),
            (out_s, NodeTakenOut(node, out_s)),
            (out_s + 0.1, ProcessStopping(node, "SIGTERM")),
            (out_s + 1.0, ProcessExited(node, 0, expected=True)),
            (out_s + 2.0, ProcessStarted(node, 13, "http://127.0.0.1:1", NEW, f"logs/{node}.log")),
            (back_s, BalancerObserved(node, "READY", "UP", "the node says RUNNING", back_s)),
            (back_s, NodeBack(node, back_s)),
        ]
    audit = {node: {"version": NEW, "build": 73013, "state": "STABLE"} for node in ("node1", "node2")}
    return [
        *events,
        (15.0, LoadStopped(PROBES_FINE, sent=520)),
        (15.1, ClusterAudited(audit)),
        (15.1, BalancerAudited(1000, [])),
        (15.1, NodeLogsAudited([], RUNNING)),
        (15.2, UpgradeHistory(history, database_now_ms=15_200)),
        (15.3, WritesAudited(1, [], [], {"node1": [], "node2": []})),
        (16.0, RunEnded()),
    ]


def good_requests() -> list[RequestRecord]:
    """Sessions s1 (first on node1) and s2 (first on node2) and both probes, each every 0.1 s from 2 to 15 s."""
    found: list[RequestRecord] = []
    for tick in range(20, 150):
        at_s = tick / 10
        for session, home in (("s1", "node1"), ("s2", "node2")):
            node = _serving(home, at_s)
            found.append(request(len(found) + 1, at_s, node, session=session))
        for kind, connection in (("probe_new", "new"), ("probe_reused", "reused")):
            node = _serving("node1", at_s)
            found.append(request(len(found) + 1, at_s, node, session=kind, kind=kind, connection=connection))
    found[4] = replace(found[4], kind="create_issue", write="w000001", issue="ZDU-9")
    return found


def _serving(home: str, at_s: float) -> str:
    """A session stays where it is until that node is taken out."""
    if home == "node1":
        return "node1" if at_s < 3.95 or at_s >= 8.95 else "node2"
    return "node2" if at_s < 8.95 else "node1"


def evidence(
    events: Sequence[tuple[float, Event]] | None = None,
    requests: list[RequestRecord] | None = None,
    expect: Expectations | None = None,
    sessions_kind: str = "remember-me",
    refusals: tuple[tuple[str, str], ...] = (),
    rolled_back_from: str = "",
    control: list[RequestRecord] | None = None,
) -> Evidence:
    """The good run, or what of it was replaced."""
    told = sorted(good_events() if events is None else events, key=lambda pair: pair[0])
    return Evidence(
        envelopes=[Envelope(n, at_s, round(at_s * 1000), event) for n, (at_s, event) in enumerate(told, start=1)],
        requests=good_requests() if requests is None else requests,
        expect=expect or Expectations(),
        nodes=("node1", "node2"),
        rolled=("node1", "node2"),
        version_from=OLD,
        version_to=OLD if rolled_back_from else NEW,
        refusals=refusals,
        rolled_back_from=rolled_back_from,
        users=2,
        sessions_kind=sessions_kind,
        control=control or [],
    )
