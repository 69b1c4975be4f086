"""What the player in the page is fed with: changes, moves, requests and failures, small enough for one file.

However long the run, the feed has an upper bound: changes and moves are few, and of requests so many are shown as
``MAX_REQUESTS`` says, evenly taken; of failures ``MAX_FAILURES``, the first ones and then evenly taken.
"""

from collections.abc import Container, Sequence
from operator import attrgetter, itemgetter
from typing import Any

from simulator.record.requests import RequestRecord
from simulator.report.changes import Change
from simulator.report.lanes import Segment, Step
from simulator.report.moments import Visit
from simulator.view.words import event_line
from zdu.events import Envelope, LoadStarted, LoadStopped, StepStarted

MAX_REQUESTS = 5_000
"""About 100 KB of the page; a run of 25 s and 24 users has a third of it."""
MAX_FAILURES = 500
FIRST_FAILURES = 100
"""These are never left out: the sentences of the report about the first failures lead to them."""
MAX_VISITS = 10_000
MAX_USERS = 300
"""More dots than this nobody can follow; the first of them are shown."""

_OK, _RETRIED, _FAILED = range(3)


def build_feed(
    *,
    envelopes: Sequence[Envelope],
    requests: Sequence[RequestRecord],
    nodes: Sequence[str],
    changes: Sequence[Change],
    visits: Sequence[Visit],
    cluster: Sequence[Segment],
    steps: Sequence[Step],
    end_s: float,
) -> dict[str, Any]:
    """The feed, as plain data for JSON. Times are seconds since the run began."""
    everybody = sorted({visit.user for visit in visits}, key=lambda name: (len(name), name))
    users = everybody[:MAX_USERS]
    failed = _failed(requests)
    failures = _thinned(failed)
    stopped = [e.t_s for e in envelopes if isinstance(e.event, LoadStopped)]
    started = [e.t_s for e in envelopes if isinstance(e.event, LoadStarted)]
    shown = _sample(requests, {request.id for _, request in failures}, users, nodes)
    return {
        "start_s": round(min(started, default=0.0), 3),
        "end_s": round(min(stopped, default=end_s), 3),
        "nodes": list(nodes),
        "users": users,
        "users_of": len(everybody),
        "old_version": next((change.value for change in changes if change.what == "version"), ""),
        "events": _events(changes, visits[:MAX_VISITS], set(users)),
        "requests": shown,
        "requests_of": len(requests),
        "marks": _marks(envelopes, steps),
        "steps": [{"t": round(step.t_s, 3), "number": step.number, "title": step.title} for step in steps],
        "cluster": [{"from_s": round(segment.start_s, 3), "state": segment.word} for segment in cluster],
        "failures": [{**_failure(request), "number": number} for number, request in failures],
        "failures_of": len(failed),
    }


def _failed(requests: Sequence[RequestRecord]) -> list[RequestRecord]:
    return sorted((request for request in requests if request.failed), key=attrgetter("sent_s", "id"))


def _thinned(failed: Sequence[RequestRecord]) -> list[tuple[int, RequestRecord]]:
    """Those failures that are shown, each with its number among all; the last one is always there."""
    numbered = list(enumerate(failed, start=1))
    if len(numbered) <= MAX_FAILURES:
        return numbered
    first, rest = numbered[:FIRST_FAILURES], numbered[FIRST_FAILURES:]
    stride = -(-len(rest) // (MAX_FAILURES - FIRST_FAILURES - 1))
    return [*first, *rest[:-1:stride], rest[-1]]


def _events(changes: Sequence[Change], visits: Sequence[Visit], users: set[str]) -> list[dict[str, Any]]:
    """Changes and visits, in one order. A visit is a move when the user was at another node before."""
    told: list[dict[str, Any]] = [
        {"t": round(change.t_s, 3), "what": change.what, "node": change.node, "value": change.value}
        for change in changes
    ]
    last: dict[str, str] = {}
    for visit in visits:
        moved = bool(visit.node and last.get(visit.user, visit.node) != visit.node)
        last[visit.user] = visit.node or last.get(visit.user, "")
        if visit.user in users:
            event = {"t": round(visit.t_s, 3), "what": "visit", "user": visit.user, "node": visit.node}
            told.append({**event, "moved": 1} if moved else event)
    return sorted(told, key=itemgetter("t"))


def _sample(
    requests: Sequence[RequestRecord], failures: Container[int], users: Sequence[str], nodes: Sequence[str]
) -> list[list[int]]:
    """Milliseconds, user, node (-1: none), outcome of all requests, or of evenly taken ones and of ``failures``."""
    ordered = sorted(requests, key=attrgetter("sent_s", "id"))
    stride = -(-len(ordered) // MAX_REQUESTS)
    user_numbers = {user: number for number, user in enumerate(users)}
    node_numbers = {node: number for number, node in enumerate(nodes)}
    return [
        [
            round(request.sent_s * 1000),
            user_numbers.get(request.user, -1),
            node_numbers.get(request.node, -1),
            _FAILED if request.failed else _RETRIED if request.attempts > 1 else _OK,
        ]
        for number, request in enumerate(ordered)
        if number % stride == 0 or request.id in failures
    ]


def _marks(envelopes: Sequence[Envelope], steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Where "next event" stops, in plain words: steps, and what changed in cluster and load balancer."""
    told = [(step.t_s, f"step {step.number}: {step.title}") for step in steps]
    told += [
        (getattr(envelope.event, "at_s", envelope.t_s), line)
        for envelope in envelopes
        if not isinstance(envelope.event, StepStarted) and (line := event_line(envelope.event))
    ]
    return [{"t": round(t_s, 3), "text": text} for t_s, text in sorted(told)]


def _failure(request: RequestRecord) -> dict[str, Any]:
    """One failed request, its end and its way in plain words."""
    return {
        "t": round(request.sent_s, 3),
        "id": request.id,
        "user": request.user,
        "node": request.node,
        "outcome": request.outcome.replace("_", " "),
        "title": f"{request.sent_s:.2f} s: request {request.id}, {request.kind.replace('_', ' ')}",
        "way": way_of(request),
    }


def way_of(request: RequestRecord) -> list[str]:
    """The way of a request from the one who sent it to its end, a line for each part of it."""
    who = "a probe" if not request.by_user else f"user {request.user} (session {request.session})"
    connection = _CONNECTIONS.get(request.connection, "connection")
    way = [
        f"{request.intended_s:.3f} s: {who} wants {request.method} {request.path}, request {request.id}",
        f"{request.sent_s:.3f} s: it is sent to the load balancer on a {connection}",
    ]
    tries = "once" if request.attempts == 1 else f"{request.attempts} times"
    if request.node:
        version = request.version or "version unknown"
        way.append(f"the load balancer dispatches it {tries}; {request.node} ({version}) answers")
    elif request.attempts:
        way.append(f"the load balancer dispatches it {tries}; no node answers")
    if request.first_byte_s is not None:
        way.append(f"{request.first_byte_s:.3f} s: the first byte of the answer is there, status {request.status}")
    ending = request.outcome.replace("_", " ") + (f": {request.detail}" if request.detail else "")
    way.append(f"{request.end_s:.3f} s: it ends with {ending}, {request.latency_ms:,.0f} ms after it was wanted")
    return way


_CONNECTIONS = {"new": "new connection", "reused": "kept-alive connection"}
