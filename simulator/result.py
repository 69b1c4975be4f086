"""``result.json``: the verdict and its figures, for programs. The keys are a promise; more may come, none goes."""

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from simulator.of_jira import JIRA
from simulator.record.requests import CONTROL_KIND, PROBE_KINDS, RequestRecord
from simulator.verdict import Evidence, Verdict
from simulator.verdict.consistency import reason_of, went_back_count
from simulator.verdict.explain import explain
from simulator.verdict.lag import Lag, find_lags, longest_ms
from simulator.verdict.latency import Latency, by_phase
from simulator.verdict.outages import Outage, outages_of
from simulator.verdict.parts import Phase
from simulator.verdict.sessions import Move
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
MOVES_LISTED = 20_000
"""Beyond that the list stops; ``sessions.moves`` still counts them all, and ``requests.csv`` has them."""


def build_result(evidence: Evidence, verdict: Verdict) -> dict[str, Any]:
    """Everything that can be said of a run, from its record."""
    _, started = evidence.events(RunStarted)[0]
    ends = evidence.events(RunEnded)
    audits = [audit for _, audit in evidence.events(WritesAudited)]
    failed = evidence.failed_requests
    return {
        "schema": SCHEMA,
        "scenario": started.scenario,
        "began": datetime.fromtimestamp(evidence.envelopes[0].wall_ms / 1000, UTC).isoformat(timespec="milliseconds"),
        "seed": started.seed,
        "verdict": verdict.word,
        "sentence": verdict.sentence,
        "reasons": list(verdict.reasons),
        "interrupted": bool(evidence.events(RunInterrupted)),
        "duration_s": round(ends[-1][0] if ends else evidence.envelopes[-1].t_s, 2),
        "database": started.database,
        "application": _application(started),
        "load_balancer": started.load_balancer,
        "version_from": started.version_from,
        "version_to": started.version_to,
        "rolled_back_from": evidence.rolled_back_from or None,
        "time_scale": started.time_scale,
        "software": started.software,
        "command": started.command,
        "load": {"users": evidence.users, "arrivals": evidence.arrival_counts or None},
        "requests": {
            "total": len(evidence.requests),
            "failed": len(failed),
            "by_kind": _by_kind(evidence.requests),
            "by_outcome": dict(Counter(request.outcome for request in evidence.requests)),
            "retried_by_load_balancer": _retried(evidence, started),
            "latency_ms": Latency.of(evidence.requests).as_dict(),
        },
        "probes": {kind.removeprefix("probe_"): _probe(evidence, kind) for kind in PROBE_KINDS},
        "control_probe": _control_probe(evidence),
        "phases": [_phase(phase, latency) for phase, latency in by_phase(evidence)],
        "lb_lag": _lb_lag(find_lags(evidence)),
        "sessions": {
            "total": verdict.sessions.total,
            "moved": verdict.sessions.moved,
            "moves": len(verdict.sessions.moves),
            "silent_relogins": verdict.sessions.silent_relogins,
            "lost": len(verdict.sessions.lost),
            "unsaved_work": verdict.sessions.unsaved_work,
            "to_older_version": went_back_count(evidence),
            "moves_cost": {loss.value: count for loss, count in verdict.sessions.losses.items()},
            "each_move": [_move(move, evidence) for move in verdict.sessions.moves[:MOVES_LISTED]],
        },
        "writes": {
            "acknowledged": audits[-1].acknowledged if audits else _acknowledged(evidence.requests),
            "lost": len(audits[-1].lost) if audits else None,
            "duplicated": len(audits[-1].duplicated) if audits else None,
            "unacknowledged": sum(bool(request.write) and request.failed for request in evidence.requests),
            "ambiguous": audits[-1].ambiguous if audits else None,
            "overwritten": audits[-1].overwritten if audits else None,
            "issues": audits[-1].issues_written if audits else None,
            "issues_read_through_nodes": audits[-1].issues_read if audits else None,
        },
        "states": _states(evidence),
        "nodes": [_node(evidence, node) for node in evidence.nodes],
        "checks": [
            {
                "name": check.name,
                "kind": check.kind.value,
                "ok": check.ok,
                "outcome": check.word,
                "detail": check.detail,
                "figures": asdict(check.figures) if check.figures else None,
            }
            for check in verdict.checks
        ],
        "failures": [explain(request, evidence) for request in failed[:FAILURES_LISTED]],
    }


def _application(started: RunStarted) -> str:
    """Jira, the command by which another application's nodes are started, or the address of what was certified."""
    if started.certified:
        return str(started.certified["url"])
    node = started.played.get("node")
    return " ".join(node["command"]) if node else JIRA


def _retried(evidence: Evidence, started: RunStarted) -> int | None:
    """Requests that the load balancer sent more than once: ours tells clients, others at most their logs."""
    if started.load_balancer.startswith("zdu-lb"):
        return sum(request.attempts > 1 for request in evidence.requests)
    audits = evidence.events(BalancerAudited)
    return audits[-1][1].retried if audits else None


def _by_kind(requests: list[RequestRecord]) -> dict[str, dict[str, Any]]:
    kinds: dict[str, list[RequestRecord]] = {}
    for request in requests:
        kinds.setdefault(request.kind, []).append(request)
    return {
        kind: {
            "total": len(those),
            "failed": sum(r.failed for r in those),
            "latency_ms": (latency := Latency.of(those)).as_dict(),
            "histogram": latency.histogram.as_dict(),
        }
        for kind, those in sorted(kinds.items())
    }


def _phase(phase: Phase, latency: Latency) -> dict[str, Any]:
    """What users waited in one phase of the upgrade; probes are not among them."""
    return {
        "name": phase.name,
        "stretches_s": [[round(from_s, 3), round(to_s, 3)] for from_s, to_s in phase.stretches],
        "duration_s": round(phase.duration_s, 3),
        "latency_ms": latency.as_dict(),
        "histogram": latency.histogram.as_dict(),
    }


def _probe(evidence: Evidence, kind: str) -> dict[str, Any]:
    those = [request for request in evidence.requests if request.kind == kind]
    outages = outages_of(evidence, kind)
    return {
        "sent": len(those),
        "intended": evidence.probe_counts.get(kind, {}).get("intended"),
        "failed": sum(request.failed for request in those),
        "longest_outage_ms": round(max((outage.duration_ms for outage in outages), default=0.0), 1),
        "outages": [_outage(outage, evidence) for outage in outages],
    }


def _outage(outage: Outage, evidence: Evidence) -> dict[str, Any]:
    return {
        "from_s": round(outage.from_s, 3),
        "to_s": round(outage.to_s, 3),
        "failed": outage.failed,
        "outcomes": list(outage.outcomes),
        "nodes": list(outage.nodes),
        "machine_ms": round(outage.machine_ms(evidence.troubles), 1),
        "stretches": [
            {
                "from_s": round(stretch.from_s, 3),
                "to_s": round(stretch.to_s, 3),
                "cause": stretch.cause,
                "failed": stretch.failed,
                "nodes": list(stretch.nodes),
            }
            for stretch in outage.stretches
        ],
    }


def _lb_lag(lags: list[Lag]) -> dict[str, Any]:
    """How long requests still went to nodes that had said that they were leaving; null where none did."""
    return {
        "new_ms": longest_ms(lag.new for lag in lags),
        "reused_ms": longest_ms(lag.reused for lag in lags),
        "after_stopping_ms": longest_ms(lag.after_stopping for lag in lags),
        "each": [
            {
                **asdict(lag.leaving),
                "new": asdict(lag.new),
                "reused": asdict(lag.reused),
                "after_stopping": asdict(lag.after_stopping),
            }
            for lag in lags
        ],
    }


def _control_probe(evidence: Evidence) -> dict[str, Any]:
    """What the machine itself did: the same instrument, at a server that has nothing to do with the cluster."""
    return {
        "sent": len(evidence.control),
        "intended": evidence.probe_counts.get(CONTROL_KIND, {}).get("intended"),
        "failed": sum(request.failed for request in evidence.control),
        "latency_ms": Latency.of(evidence.control).as_dict(),
        "troubles": [
            {"from_s": round(trouble.from_s, 3), "to_s": round(trouble.to_s, 3), "why": trouble.why}
            for trouble in evidence.troubles
        ],
    }


def _move(move: Move, evidence: Evidence) -> dict[str, Any]:
    """One move of one session: who, when, from where to where, why, and what it cost."""
    return {
        "session": move.session,
        "user": move.user,
        "t_s": round(move.t_s, 3),
        "request": move.request_id,
        "from_node": move.from_node,
        "from_version": move.from_version,
        "to_node": move.to_node,
        "to_version": move.to_version,
        "reason": reason_of(move, evidence) or None,
        "lost": move.lost.value,
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
