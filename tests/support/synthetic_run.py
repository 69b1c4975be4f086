"""A made-up run of the Valiantys scenario: its events, its requests and its result, without starting anything.

It is the same in every particular each time it is made, so that reports of it can be compared and looked at.
"""

from dataclasses import dataclass, replace
from math import sin
from random import Random
from typing import Any

from simulator.record.requests import RequestRecord
from simulator.verdict.sessions import Move, follow_sessions
from zdu.events import (
    BalancerObserved,
    ChapterStarted,
    ClusterObserved,
    Envelope,
    Event,
    LoadStarted,
    LoadStopped,
    NodeBack,
    NodeObserved,
    NodeTakenOut,
    ProcessExited,
    ProcessStarted,
    ProcessStopping,
    RunEnded,
    RunStarted,
    StepStarted,
)

OLD, NEW = "7.3.0", "7.3.2"
END_S = 26.0
_PROBES = {kind: {"intended": 234, "on_time": 234} for kind in ("probe_new", "probe_reused")}


@dataclass(frozen=True)
class SyntheticRun:
    """What the report is made from."""

    result: dict[str, Any]
    envelopes: list[Envelope]
    requests: list[RequestRecord]


@dataclass(frozen=True)
class _Outage:
    """One node's way through the roll; times in seconds since the run began."""

    node: str
    drains: float
    drained: float
    stops: float
    gone: float
    starts: float
    runs: float
    back: float


OUTAGES = (
    _Outage("node1", 5.6, 6.5, 6.6, 7.7, 8.7, 10.1, 10.9),
    _Outage("node2", 13.2, 14.1, 14.2, 15.3, 16.3, 17.7, 18.5),
)


def passing_run() -> SyntheticRun:
    """A run in which nobody noticed anything."""
    envelopes = _envelopes()
    requests = _requests(failing=False)
    return SyntheticRun(_result(requests, "pass"), envelopes, requests)


def failing_run() -> SyntheticRun:
    """The same without drain: a node is stopped and requests are lost until the balancer notices."""
    envelopes = _envelopes()
    requests = _requests(failing=True)
    return SyntheticRun(_result(requests, "fail"), envelopes, requests)


def _envelopes() -> list[Envelope]:
    timed: list[tuple[float, Event]] = [(0.0, _started()), *_story(), *_cluster()]
    for node in ("node1", "node2"):
        timed += [
            (0.4, ProcessStarted(node, 4000 + int(node[-1]), f"http://127.0.0.1:808{node[-1]}", OLD, f"{node}.log")),
            (0.5, NodeObserved(node, "STARTING")),
            (1.5, NodeObserved(node, "RUNNING", OLD, 73011)),
            (1.9, BalancerObserved(node, "READY", "UP", "2 checks passed", 1.9)),
        ]
    for outage in OUTAGES:
        timed += _outage(outage)
    timed += [(2.0, LoadStarted(24, 10.0)), (END_S - 0.6, LoadStopped(_PROBES)), (END_S, RunEnded())]
    timed.sort(key=lambda pair: pair[0])
    return [Envelope(seq, t_s, 1_700_000_000_000 + int(t_s * 1000), event) for seq, (t_s, event) in enumerate(timed)]


def _started() -> RunStarted:
    return RunStarted(
        scenario="valiantys",
        seed=7,
        command="zdu run valiantys --seed 7",
        database="sqlite",
        load_balancer="zdu-lb",
        time_scale=60.0,
        nodes=["node1", "node2"],
        version_from=OLD,
        version_to=NEW,
        software={"python": "3.11.2", "zdu": "0.1.0"},
        played={"story": "Nobody is to notice.\n\nThis is `that` test again."},
    )


def _story() -> list[tuple[float, Event]]:
    return [
        (2.0, ChapterStarted(1, "Two nodes of Jira 7.3.0, users at work on both", "")),
        (2.0, StepStarted(0, "Two nodes of Jira 7.3.0, users at work on both")),
        (5.4, ChapterStarted(2, "The nodes are upgraded", "One <by> one.", "Look at <node1>.")),
        (5.4, StepStarted(1, "Jira is put into upgrade mode on node 1", "node1")),
        (5.6, StepStarted(2, "The load balancer drains it", "node1")),
        (8.7, StepStarted(3, "It starts as 7.3.2 and joins again", "node1")),
        (13.2, StepStarted(4, "The load balancer drains it", "node2")),
        (16.3, StepStarted(5, "It starts as 7.3.2 and joins again", "node2")),
        (21.0, StepStarted(6, "The upgrade is finalised", "node1")),
        (23.0, StepStarted(7, "All nodes on 7.3.2, users still at work")),
    ]


def _cluster() -> list[tuple[float, Event]]:
    seen = (
        (1.6, "STABLE", "node1"),
        (1.7, "STABLE", "node2"),
        (5.5, "READY_TO_UPGRADE", "node1"),
        (6.0, "READY_TO_UPGRADE", "node2"),
        (7.9, "MIXED", "node2"),
        (10.2, "MIXED", "node1"),
        (18.0, "READY_TO_RUN_UPGRADE_TASKS", "node1"),
        (18.3, "READY_TO_RUN_UPGRADE_TASKS", "node2"),
        (21.1, "RUNNING_UPGRADE_TASKS", "node1"),
        (21.6, "RUNNING_UPGRADE_TASKS", "node2"),
        (22.1, "STABLE", "node1"),
        (22.4, "STABLE", "node2"),
    )
    return [(t_s, ClusterObserved(state, node)) for t_s, state, node in seen]


def _outage(at: _Outage) -> list[tuple[float, Event]]:
    node = at.node
    return [
        (at.drains, NodeObserved(node, "DRAINING", OLD, 73011)),
        (
            at.drains + 0.2,
            BalancerObserved(node, "READY", "STOPPING", "the node asks to be drained", at.drains + 0.2),
        ),
        (at.drained, NodeTakenOut(node, at.drained)),
        (at.stops, ProcessStopping(node, "SIGTERM")),
        (at.stops + 0.1, NodeObserved(node, "STOPPING", OLD, 73011)),
        (at.stops + 0.9, BalancerObserved(node, "READY", "DOWN", "L4CON", at.stops + 0.9)),
        (at.gone, ProcessExited(node, 0, expected=True)),
        (at.gone + 0.1, NodeObserved(node, "")),
        (at.starts, ProcessStarted(node, 5000, "http://127.0.0.1:8081", NEW, f"{node}.log")),
        (at.starts + 0.1, NodeObserved(node, "STARTING")),
        (at.runs, NodeObserved(node, "RUNNING", NEW, 73013)),
        (at.runs + 0.3, BalancerObserved(node, "READY", "GOING_UP", "1 of 2 checks passed", at.runs + 0.3)),
        (at.back, BalancerObserved(node, "READY", "UP", "2 checks passed", at.back)),
        (at.back, NodeBack(node, at.back)),
    ]


def _version(node: str, t_s: float) -> str:
    outage = next(one for one in OUTAGES if one.node == node)
    return NEW if t_s >= outage.starts else OLD


def _is_out(node: str, t_s: float) -> bool:
    outage = next(one for one in OUTAGES if one.node == node)
    return outage.drained - 0.5 <= t_s < outage.back


def _requests(*, failing: bool) -> list[RequestRecord]:
    random = Random(7)
    records: list[RequestRecord] = []
    for kind, connection in (("probe_new", "new"), ("probe_reused", "reused")):
        for tick in range(int((END_S - 2.6) * 10)):
            at = 2.0 + tick / 10
            node = "node2" if _is_out("node1", at) or (tick % 2 and not _is_out("node2", at)) else "node1"
            records.append(_record(random, len(records), kind, kind, "/secure/Dashboard.jspa", at, node, connection))
    kinds = ("view_issue", "view_dashboard", "list_issues", "create_issue", "edit_issue", "comment_issue")
    for user in range(1, 25):
        node, at = f"node{user % 2 + 1}", 2.0 + random.random()
        while at < END_S - 0.7:
            moved = _is_out(node, at)
            if moved:
                node = "node2" if node == "node1" else "node1"
            kind = random.choices(kinds, (8, 3, 3, 2, 2, 2))[0]
            record = _record(random, len(records), f"user{user}", kind, f"/browse/ZDU-{user}", at, node, "reused")
            records.append(replace(record, signed_in=moved, attempts=2 if moved and user % 7 == 0 else 1))
            at = record.end_s + 0.2 + random.random() * 0.6
    if failing:
        records = [_broken(record) if _is_lost(record) else record for record in records]
    return sorted(records, key=lambda record: record.end_s)


def _record(
    random: Random, number: int, session: str, kind: str, path: str, at: float, node: str, connection: str
) -> RequestRecord:
    latency_s = 0.004 + random.expovariate(1 / 0.006) + max(sin(at - 8), 0) * 0.004
    return RequestRecord(
        id=number,
        session=session,
        kind=kind,
        method="POST" if kind.endswith("_issue") and kind != "view_issue" else "GET",
        path=path,
        intended_s=at,
        sent_s=at + 0.0005,
        first_byte_s=at + latency_s * 0.8,
        end_s=at + latency_s,
        node=node,
        version=_version(node, at),
        connection=connection,
        status=200,
        outcome="ok",
        detail="",
    )


def _is_lost(record: RequestRecord) -> bool:
    return 7.0 < record.intended_s < 7.7 and record.id % 3 == 0


def _broken(record: RequestRecord) -> RequestRecord:
    return replace(
        record,
        node="",
        version="",
        status=502,
        outcome="server_error",
        detail="zdu-lb: connection_terminated, node1 closed it",
        attempts=2,
        end_s=record.end_s + 0.2,
    )


def _move(move: Move) -> dict[str, Any]:
    return {
        "session": move.session,
        "t_s": move.t_s,
        "from_node": move.from_node,
        "to_node": move.to_node,
        "lost": move.lost.value,
    }


def _result(requests: list[RequestRecord], verdict: str) -> dict[str, Any]:
    failed = sum(record.failed for record in requests)
    lost = f"{failed} requests failed between 7.0 s and 7.7 s, while node1 was being stopped"
    return {
        "schema": 1,
        "scenario": "valiantys",
        "seed": 7,
        "verdict": verdict,
        "sentence": f"{NEW} rolled over 2 nodes and nobody noticed."
        if not failed
        else f"Users noticed: {failed} requests failed.",
        "reasons": [lost] if failed else [],
        "interrupted": False,
        "duration_s": END_S,
        "command": "zdu run valiantys --seed 7",
        "database": "sqlite",
        "load_balancer": "zdu-lb",
        "time_scale": 60.0,
        "version_from": OLD,
        "version_to": NEW,
        "software": {"python": "3.11.2", "aiohttp": "3.14.0", "uvloop": "0.23.0"},
        "requests": {
            "total": len(requests),
            "failed": failed,
            "by_kind": {},
            "latency_ms": {"p50": 9.1, "p90": 21.0, "p99": 34.2, "max": 61.0},
        },
        "probes": {
            "new": {
                "sent": 234,
                "failed": failed // 2,
                "longest_outage_ms": 600 if failed else 0,
                "outages": [{"from_s": 7.1, "to_s": 7.7, "outcomes": ["server_error"]}] if failed else [],
            },
            "reused": {"sent": 234, "failed": failed // 2, "longest_outage_ms": 500 if failed else 0},
        },
        "sessions": {
            "total": 24,
            "moved": 24,
            "silent_relogins": 24,
            "lost": 0,
            "each_move": [_move(move) for move in follow_sessions([r for r in requests if r.by_user]).moves],
        },
        "writes": {"acknowledged": 187, "lost": 0, "duplicated": 0},
        "states": [],
        "nodes": [
            {"id": "node1", "version_from": OLD, "version_to": NEW, "down_s": 1.0},
            {"id": "node2", "version_from": OLD, "version_to": NEW, "down_s": 1.0},
        ],
        "checks": [
            {
                "name": "no_failed_request",
                "ok": not failed,
                "detail": lost if failed else f"{len(requests)} requests, all answered",
            },
            {"name": "no_session_lost", "ok": True, "detail": "24 sessions moved, 24 signed in again unseen"},
            {"name": "writes_exactly_once", "ok": True, "detail": "187 of 187 acknowledged writes found once"},
            {
                "name": "legal_state_order",
                "ok": True,
                "detail": "STABLE, READY_TO_UPGRADE, MIXED, READY_TO_RUN_UPGRADE_TASKS, and on to STABLE",
            },
            {
                "name": "no_request_after_taken_out",
                "kind": "proof",
                "ok": not failed,
                "detail": "the last one was answered 0.04 s before node1 was out",
            },
        ],
        "failures": [],
    }
