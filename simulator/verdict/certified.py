"""The checks of a system that is not ours: what can be judged from outside, and nothing that cannot. Pure."""

from collections.abc import Iterator

from simulator.verdict.model import Check, CheckKind, Evidence
from simulator.verdict.objectives import objectives_hold
from simulator.verdict.proofs import (
    generator_had_what_it_needs,
    probes_kept_their_rate,
    probes_looked_everywhere,
    users_worked_throughout,
    was_not_interrupted,
)
from simulator.verdict.sessions import SessionReport, follow_sessions
from simulator.verdict.sometimes import sometimes_seen
from zdu.events import CommandEnded, RunInterrupted

LEAST_PROBES = 20
"""So many probes of each kind must have looked, while the command ran or in all."""


def command_ended_well(evidence: Evidence) -> Iterator[Check]:
    """The command that did the upgrade said that it succeeded; only if there was one and nobody interrupted it."""
    if evidence.events(RunInterrupted):
        return  # whoever interrupts the measurement interrupts the command too
    for _, event in evidence.events(CommandEnded):
        detail = f"it ended with exit code {event.returncode}"
        yield Check("the command succeeded", "the command failed", CheckKind.PROMISE, event.returncode == 0, detail)


def well_before(evidence: Evidence) -> Iterator[Check]:
    """Nothing failed before the command began: what was wrong already is no fault of the upgrade."""
    ends = evidence.events(CommandEnded)
    if not ends:
        return
    early = [request for request in evidence.requests if request.end_s < ends[0][1].began_s]
    failed = sum(request.failed for request in early)
    yield Check(
        "the system was well before the command",
        "the system was not well before the command",
        CheckKind.PROOF,
        bool(early) and not failed,
        f"{failed} of {len(early)} requests failed before it began",
    )


def probes_looked_meanwhile(evidence: Evidence) -> Iterator[Check]:
    """Enough probes looked while it happened."""
    ends = evidence.events(CommandEnded)
    from_s, to_s = (ends[0][1].began_s, ends[0][0]) if ends else (0.0, evidence.envelopes[-1].t_s)
    counts = {
        kind: sum(r.kind == kind and from_s <= r.intended_s <= to_s for r in evidence.requests)
        for kind in ("probe_new", "probe_reused")
    }
    detail = ", ".join(f"{count} of {kind}" for kind, count in counts.items())
    ok = all(count >= LEAST_PROBES for count in counts.values())
    name = "enough probes looked while it happened"
    yield Check(
        name, "too few probes looked while it happened", CheckKind.PROOF, ok, f"{detail}; {LEAST_PROBES} each"
    )


def sessions_had_to_move(evidence: Evidence) -> Iterator[Check]:
    """Where answers say their node: some session had to move, or no node was ever out of the way."""
    told = evidence.certified.get("node_header") or evidence.certified.get("node_cookie")
    if not told or not evidence.certified.get("command"):
        return
    moved = follow_sessions(evidence.user_requests).moved
    yield Check(
        "sessions had to move",
        "no session had to move",
        CheckKind.PROOF,
        moved > 0,
        f"{moved} sessions moved, by what {told} says",
    )


def visitors_worked_throughout(evidence: Evidence) -> Iterator[Check]:
    """As in a run; not asked of a measurement that has probes only."""
    if evidence.users:
        yield from users_worked_throughout(evidence)


CERTIFIED = (
    objectives_hold,
    command_ended_well,
    was_not_interrupted,
    well_before,
    probes_looked_meanwhile,
    sessions_had_to_move,
    probes_kept_their_rate,
    probes_looked_everywhere,
    visitors_worked_throughout,
    generator_had_what_it_needs,
    sometimes_seen,
)


def certified_sentence(evidence: Evidence, sessions: SessionReport) -> str:
    """What a good measurement means, and no more."""
    command = evidence.certified.get("command")
    what = f"`{' '.join(command)}` ran" if command else f"{evidence.certified['url']} was looked at"
    who = f" and {evidence.users} visitors read" if evidence.users else ""
    told = evidence.certified.get("node_header") or evidence.certified.get("node_cookie")
    moved = f"{sessions.moved} sessions moved" if told else "whether sessions moved cannot be told from outside"
    failed = len(evidence.failed_requests)
    noticed = "Within what was allowed" if failed or sessions.lost else "Nobody noticed"
    return (
        f"{noticed}: {what}{who}. Of {len(evidence.requests):,} requests {failed or 'none'} failed, "
        f"{len(sessions.lost) or 'no'} sessions were lost; {moved}."
    )
