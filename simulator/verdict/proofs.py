"""What must have happened for the run to mean anything; a missing proof makes it inconclusive."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

from simulator.verdict.model import Check, CheckKind, Evidence
from simulator.verdict.sessions import follow_sessions
from zdu.events import NotAudited, RunInterrupted, WritesAudited

Proof = Callable[[Evidence], Iterator[Check]]


def _check(name: str, otherwise: str, ok: bool, detail: str) -> Check:
    return Check(name, otherwise, CheckKind.PROOF, ok, detail)


def was_not_interrupted(evidence: Evidence) -> Iterator[Check]:
    """Nobody stopped the run before its end."""
    signals = [event.signal for _, event in evidence.events(RunInterrupted)]
    yield _check(
        "the run was not interrupted",
        "the run was interrupted",
        not signals,
        f"interrupted by {signals[0]}" if signals else "it was not",
    )


def sessions_moved(evidence: Evidence) -> Iterator[Check]:
    """Each node that was taken out had sessions that had to move."""
    report = follow_sessions(evidence.user_requests)
    least = evidence.expect.min_sessions_moved_per_node
    counts = {node: report.moved_away_from(node) for node in evidence.rolled}
    detail = ", ".join(f"{count} from {node}" for node, count in counts.items()) or "no node was taken out"
    ok = all(count >= least for count in counts.values())
    yield _check(
        "sessions had to move",
        "too few sessions had to move",
        ok,
        detail if ok else f"{detail}; at least {least} each are needed",
    )


def mixed_saw_traffic(evidence: Evidence) -> Iterator[Check]:
    """While the cluster was MIXED, both versions answered users."""
    if evidence.version_from == evidence.version_to:
        return
    windows = _mixed_windows(evidence)
    least = evidence.expect.min_requests_per_version_while_mixed
    answered = Counter(
        request.version
        for request in evidence.requests
        if any(from_s <= request.sent_s <= to_s for from_s, to_s in windows)
    )
    counts = {version: answered[version] for version in (evidence.version_from, evidence.version_to)}
    detail = ", ".join(f"{count} requests answered by {version}" for version, count in counts.items())
    if not windows:
        detail = "the cluster never was MIXED"
    ok = bool(windows) and all(count >= least for count in counts.values())
    yield _check(
        "MIXED saw traffic on both versions",
        "MIXED saw too little traffic on both versions",
        ok,
        detail if ok else f"{detail}; {least} each are needed",
    )


def probes_kept_their_rate(evidence: Evidence) -> Iterator[Check]:
    """The instrument worked: probes were started when they were meant to be."""
    least = evidence.expect.min_probe_rate_kept
    counts = evidence.probe_counts
    shares = {kind: n["on_time"] / n["intended"] for kind, n in counts.items() if n["intended"]}
    ok = len(shares) == 2 and all(share >= least for share in shares.values())
    told = ", ".join(f"{kind}: {n['on_time']} of {n['intended']} on time" for kind, n in counts.items())
    yield _check("the probes kept their rate", "the probes did not keep their rate", ok, told or "no probe was sent")


def writes_were_audited(evidence: Evidence) -> Iterator[Check]:
    """Users wrote something, and the auditor could look for it."""
    audits = [audit for _, audit in evidence.events(WritesAudited)]
    ok = bool(audits) and audits[-1].acknowledged > 0
    hindered = [event.reason for _, event in evidence.events(NotAudited)]
    detail = f"{audits[-1].acknowledged} acknowledged writes looked for" if audits else "the audit did not take place"
    detail = "; ".join([detail, *hindered])
    yield _check("writes were made and looked for", "no write was made and looked for", ok, detail)


def _mixed_windows(evidence: Evidence) -> list[tuple[float, float]]:
    """When the cluster was MIXED: from the database's row that says so to the next one."""
    rows = [*evidence.history, (float("inf"), "")]
    return [(from_s, to_s) for (from_s, state), (to_s, _) in pairwise(rows) if state == "MIXED"]


PROOFS: tuple[Proof, ...] = (
    was_not_interrupted,
    sessions_moved,
    mixed_saw_traffic,
    probes_kept_their_rate,
    writes_were_audited,
)
