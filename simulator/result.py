"""``result.json``: the verdict and its figures, for programs. The keys are a promise; more may come, none goes."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from simulator.record.requests import PROBE_KINDS, RequestRecord
from simulator.verdict import Evidence, Verdict
from simulator.verdict.explain import explain
from simulator.verdict.outages import find_outages
from zdu.events import (
    BalancerAudited,
    ClusterObserved,
    ProcessStarted,
    RunEnded,
    RunInterrupted,
    RunStarted,
    WritesAudited,
)

SCHEMA = 1
FAILURES_LISTED = 200


def build_result(evidence: Evidence, verdict: Verdict) -> dict[str, Any]:
    """Everything that can be said of a run, from its record."""
    _, started = evidence.events(RunStarted)[0]
    ends = evidence.events(RunEnded)
    audits = [audit for _, audit in evidence.events(WritesAudited)]
    failed = evidence.failed_requests
    return {
        "schema": SCHEMA,
        "scenario": started.scenario,
        "seed": started.seed,
        "verdict": verdict.word,
        "sentence": verdict.sentence,
        "reasons": list(verdict.reasons),
        "interrupted": bool(evidence.events(RunInterrupted)),
        "duration_s": round(ends[-1][0] if ends else evidence.envelopes[-1].t_s, 2),
        "database": started.database,
        "load_balancer": started.load_balancer,
        "version_from": started.version_from,
        "version_to": started.version_to,
        "rolled_back_from": evidence.rolled_back_from or None,
        "time_scale": started.time_scale,
        "software": started.software,
        "command": started.command,
        "requests": {
            "total": len(evidence.requests),
            "failed": len(failed),
            "by_kind": _by_kind(evidence.requests),
            "by_outcome": dict(Counter(request.outcome for request in evidence.requests)),
            "retried_by_load_balancer": _retried(evidence, started),
            "latency_ms": _latency_ms(evidence.requests),
        },
        "probes": {kind.removeprefix("probe_"): _probe(evidence, kind) for kind in PROBE_KINDS},
        "sessions": {
            "total": verdict.sessions.total,
            "moved": verdict.sessions.moved,
            "moves": len(verdict.sessions.moves),
            "silent_relogins": verdict.sessions.silent_relogins,
            "lost": len(verdict.sessions.lost),
        },
        "writes": {
            "acknowledged": audits[-1].acknowledged if audits else _acknowledged(evidence.requests),
            "lost": len(audits[-1].lost) if audits else None,
            "duplicated": len(audits[-1].duplicated) if audits else None,
            "unacknowledged": sum(bool(request.write) and request.failed for request in evidence.requests),
        },
        "states": _states(evidence),
        "nodes": [_node(evidence, node) for node in evidence.nodes],
        "checks": [
            {"name": check.name, "kind": check.kind.value, "ok": check.ok, "detail": check.detail}
            for check in verdict.checks
        ],
        "failures": [explain(request, evidence) for request in failed[:FAILURES_LISTED]],
    }


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of the ``ordered`` values do not exceed (nearest rank)."""
    if not ordered:
        raise ValueError("there is no percentile of nothing")
    rank = max(1, -(-len(ordered) * share // 1))
    return ordered[int(rank) - 1]


def _retried(evidence: Evidence, started: RunStarted) -> int | None:
    """Requests that the load balancer sent more than once: ours tells clients, others at most their logs."""
    if started.load_balancer.startswith("zdu-lb"):
        return sum(request.attempts > 1 for request in evidence.requests)
    audits = evidence.events(BalancerAudited)
    return audits[-1][1].retried if audits else None


def _latency_ms(requests: list[RequestRecord]) -> dict[str, float | None]:
    """Of all requests, failed ones included: a time-out was waited for as well."""
    ordered = sorted(request.latency_ms for request in requests)
    if not ordered:
        return {"p50": None, "p90": None, "p99": None, "max": None}
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {name: round(percentile(ordered, share), 1) for name, share in shares.items()}


def _by_kind(requests: list[RequestRecord]) -> dict[str, dict[str, Any]]:
    kinds: dict[str, list[RequestRecord]] = {}
    for request in requests:
        kinds.setdefault(request.kind, []).append(request)
    return {
        kind: {"total": len(those), "failed": sum(r.failed for r in those), "latency_ms": _latency_ms(those)}
        for kind, those in sorted(kinds.items())
    }


def _probe(evidence: Evidence, kind: str) -> dict[str, Any]:
    those = [request for request in evidence.requests if request.kind == kind]
    outages = find_outages(those, kind, evidence.patience_s)
    return {
        "sent": len(those),
        "intended": evidence.probe_counts.get(kind, {}).get("intended"),
        "failed": sum(request.failed for request in those),
        "longest_outage_ms": round(max((outage.duration_ms for outage in outages), default=0.0), 1),
        "outages": [
            {"from_s": round(o.from_s, 3), "to_s": round(o.to_s, 3), "failed": o.failed, "outcomes": list(o.outcomes)}
            for o in outages
        ],
    }


def _node(evidence: Evidence, node: str) -> dict[str, Any]:
    versions = [event.version for _, event in evidence.events(ProcessStarted) if event.process == node]
    end_s = evidence.envelopes[-1].t_s
    down_s = sum((end_s if a.back_s is None else a.back_s) - a.out_s for a in evidence.absences if a.node == node)
    return {
        "id": node,
        "version_from": versions[0] if versions else None,
        "version_to": versions[-1] if versions else None,
        "down_s": round(down_s, 2),
    }


def _states(evidence: Evidence) -> list[dict[str, Any]]:
    """The upgrade state as each node showed it, and as the database has it: the nodes are looked at now and then."""
    shown = [(t_s, event.state, event.seen_by) for t_s, event in evidence.events(ClusterObserved)]
    written = [(t_s, state, "database") for t_s, state in evidence.history]
    return [
        {"t_s": round(t_s, 3), "state": state, "seen_by": seen_by}
        for t_s, state, seen_by in sorted(shown + written, key=lambda seen: seen[0])
    ]


def _acknowledged(requests: list[RequestRecord]) -> int:
    return sum(request.acknowledged_write for request in requests)
