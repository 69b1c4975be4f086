"""The figures of a run as tables."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.of_jira import of_jira
from simulator.record.requests import RequestRecord
from simulator.report.content import Move, amount, ms, part, seconds

PERCENTILES = ("p50", "p90", "p99", "p99.9", "max")


@dataclass(frozen=True)
class Figure:
    """One cell; ``few``: too few samples for the figure to mean anything. ``bad`` speaks against the run."""

    text: str
    few: bool = False
    bad: bool = False


@dataclass(frozen=True)
class Table:
    """A heading, the columns, and rows that begin with a name. ``note`` explains the figures."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Figure, ...], ...]
    note: str = ""


def latency_tables(result: Mapping[str, Any], requests: Sequence[RequestRecord]) -> list[Table]:
    """Latency by phase of the upgrade, and by kind of request."""
    note = (
        "Milliseconds from the moment at which the request should have been sent to its last byte, of all requests. "
        "Pale and in brackets: fewer samples than the percentile needs."
    )
    tables = [
        Table(
            "Latency by phase of the upgrade",
            ("phase", "lasted", "requests", *PERCENTILES),
            tuple(_phase(phase) for phase in result.get("phases") or []),
            "Of the users' requests; the phases are those behind the charts above.",
        ),
        Table(
            "Latency by kind of request",
            ("kind", "sent", "failed", "second try", *PERCENTILES),
            _kinds(part(part(result, "requests"), "by_kind"), requests),
            note,
        ),
    ]
    return [table for table in tables if table.rows]


def _phase(phase: Mapping[str, Any]) -> tuple[Figure, ...]:
    latency = part(phase, "latency_ms")
    head = (str(phase.get("name", "")), seconds(phase.get("duration_s")), f"{amount(latency.get('samples')):,}")
    return (*map(Figure, head), *_percentiles(latency))


def _kinds(kinds: Mapping[str, Any], requests: Sequence[RequestRecord]) -> tuple[tuple[Figure, ...], ...]:
    """The most frequent kind first."""
    again = Counter(request.kind for request in requests if request.attempts > 1 and not request.failed)
    ordered = sorted(kinds.items(), key=lambda item: (-amount(item[1].get("total")), item[0]))
    return tuple(
        (
            Figure(kind.replace("_", " ")),
            Figure(f"{amount(found.get('total')):,}"),
            Figure(f"{amount(found.get('failed')):,}", bad=bool(found.get("failed"))),
            Figure(f"{again[kind]:,}"),
            *_percentiles(part(found, "latency_ms")),
        )
        for kind, found in ordered
    )


def _percentiles(latency: Mapping[str, Any]) -> list[Figure]:
    few = latency.get("too_few_for") or ()
    return [_latency(latency.get(name), few=name in few) for name in PERCENTILES]


def _latency(value: object, *, few: bool) -> Figure:
    if not isinstance(value, int | float):
        return Figure("–")
    return Figure(f"({value:,.1f})" if few else f"{value:,.1f}", few=few)


def small_tables(result: Mapping[str, Any], moves: Sequence[Move]) -> list[Table]:
    """Nodes, probes, sessions, moves and writes."""
    sessions = _SESSION_WORDS if of_jira(result) else _PLAIN_SESSION_WORDS
    tables = [
        Table(
            "Nodes",
            ("node", "version before", "version after", "out of the balancer"),
            tuple(_node(node) for node in result.get("nodes") or []),
        ),
        Table("Probes", ("connections", "sent", "failed", "longest outage"), tuple(_probes(result))),
        Table("Moves of sessions", ("from", "to", "moves", "what they cost"), tuple(_moves(moves))),
        Table("How long leaving nodes were still sent requests", _LAG_COLUMNS, tuple(_lags(result))),
        Table("Sessions", (), _counts(part(result, "sessions"), sessions)),
    ]
    if of_jira(result):
        tables.append(Table("Writes", (), _counts(part(result, "writes"), _WRITE_WORDS)))
    return [table for table in tables if table.rows]


_LAG_COLUMNS = ("node", "leaving from", "new connections", "kept alive", "once stopping")


def _lags(result: Mapping[str, Any]) -> list[tuple[Figure, ...]]:
    """The load balancer's lag each time that a node said it was leaving."""
    return [
        (
            Figure(str(lag.get("node", ""))),
            Figure(seconds(lag.get("said_s"))),
            *(_lag(part(lag, name)) for name in ("new", "reused", "after_stopping")),
        )
        for lag in part(result, "lb_lag").get("each") or []
    ]


def _lag(reached: Mapping[str, Any]) -> Figure:
    if not reached.get("requests"):
        return Figure("none")
    return Figure(f"{ms(reached.get('last_ms'))} ({amount(reached['requests']):,})")


def _node(node: Mapping[str, Any]) -> tuple[Figure, ...]:
    words = (node.get("id", ""), node.get("version_from", ""), node.get("version_to", ""))
    return (*(Figure(str(word)) for word in words), Figure(seconds(node.get("down_s"))))


def _probes(result: Mapping[str, Any]) -> list[tuple[Figure, ...]]:
    names = {"new": "a new one each time", "reused": "kept alive"}
    found = {names.get(name, name): probe for name, probe in part(result, "probes").items()}
    rows = [_probe(name, probe, ms(probe.get("longest_outage_ms"))) for name, probe in found.items()]
    control = part(result, "control_probe")
    return [*rows, _probe("control: this machine alone", control, "")] if control else rows


def _probe(name: str, probe: Mapping[str, Any], outage: str) -> tuple[Figure, ...]:
    failed = amount(probe.get("failed"))
    sent = f"{amount(probe.get('sent')):,}"
    if isinstance(probe.get("intended"), int) and probe["intended"] != probe.get("sent"):
        sent += f" of {probe['intended']:,}"
    return Figure(name), Figure(sent), Figure(f"{failed:,}", bad=failed > 0), Figure(outage)


def _moves(moves: Sequence[Move]) -> list[tuple[Figure, ...]]:
    """By direction, in the order in which each was first taken."""
    ways: dict[tuple[str, str], Counter[str]] = {}
    for move in moves:
        ways.setdefault((move.from_node, move.to_node), Counter())[move.lost or "unknown"] += 1
    return [
        (
            Figure(source),
            Figure(target),
            Figure(f"{costs.total():,}"),
            Figure(", ".join(f"{cost}: {count:,}" for cost, count in costs.items())),
        )
        for (source, target), costs in ways.items()
    ]


_SESSION_WORDS = {
    "total": "signed in",
    "moved": "moved to another node",
    "silent_relogins": "signed in again without seeing the log-in page",
    "lost": "thrown back to the log-in page",
    "unsaved_work": "forms and half-done work lost with a session",
    "to_older_version": "moves to an older version",
}
_PLAIN_SESSION_WORDS = {key: _SESSION_WORDS[key] for key in ("total", "moved", "lost", "to_older_version")}
_WRITE_WORDS = {
    "acknowledged": "acknowledged to the user",
    "lost": "lost",
    "duplicated": "in the database more than once",
    "unacknowledged": "without an acknowledgement",
    "ambiguous": "of these open until the audit",
    "overwritten": "overwritten by an older one",
}


def _counts(counted: Mapping[str, Any], words: Mapping[str, str]) -> tuple[tuple[Figure, ...], ...]:
    return tuple(
        (Figure(words[key]), Figure("unknown" if counted[key] is None else f"{amount(counted[key]):,}"))
        for key in words
        if key in counted
    )
