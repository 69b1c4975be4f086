"""What must have happened for the run to mean anything; a missing proof makes it inconclusive."""

from collections import Counter
from collections.abc import Callable, Iterator

from simulator.record.requests import OK, OWN_TROUBLE, PROBE_KINDS
from simulator.verdict.completeness import absences_were_seen, every_request_has_its_outcome, the_audit_was_whole
from simulator.verdict.faults import fault_windows, faults_took_effect
from simulator.verdict.model import Check, CheckKind, Evidence
from simulator.verdict.parts import inside, state_windows
from simulator.verdict.sessions import follow_sessions
from zdu.events import NotAudited, RunEnded, RunInterrupted, WritesAudited

LEAST_PROBES_PER_ABSENCE = 3
"""So many probes of each kind must fall into each absence of a node."""

FIXATED = "session.fixated_to_dead_node"
"""The fault that takes away what the proof is about: sessions that move."""

Proof = Callable[[Evidence], Iterator[Check]]


def _check(name: str, otherwise: str, ok: bool, detail: str) -> Check:
    return Check(name, otherwise, CheckKind.PROOF, ok, detail)


def was_not_interrupted(evidence: Evidence) -> Iterator[Check]:
    """Nobody stopped the run before its end, and nothing broke it off."""
    found = [f"interrupted by {event.signal}" for _, event in evidence.events(RunInterrupted)]
    if not evidence.events(RunEnded):
        found.append(f"its record breaks off at {evidence.envelopes[-1].t_s:.2f} s")
    yield _check(
        "the run was not interrupted",
        "the run was interrupted",
        not found,
        " and ".join(found) or "it was not",
    )


def sessions_moved(evidence: Evidence) -> Iterator[Check]:
    """Each node that was taken out had sessions that had to move."""
    report = follow_sessions(evidence.user_requests)
    least = evidence.expect.min_sessions_moved_per_node
    out = evidence.rolled or dict.fromkeys(absence.node for absence in evidence.absences)
    counts = {node: report.moved_away_from(node) for node in out}
    detail = ", ".join(f"{count} from {node}" for node, count in counts.items()) or "no node was taken out"
    ok = bool(counts) and all(count >= least for count in counts.values())
    detail = detail if ok else f"{detail}; at least {least} each are needed"
    detail += "".join(
        f"; from {window.from_s:.2f} s to {min(window.to_s, evidence.envelopes[-1].t_s):.2f} s {FIXATED} kept "
        "sessions on nodes that were gone, so they could not move"
        for window in fault_windows(evidence.envelopes)
        if window.fault == FIXATED and window.fired_s is not None
    )
    yield _check("sessions had to move", "too few sessions had to move", ok, detail)


def mixed_saw_traffic(evidence: Evidence) -> Iterator[Check]:
    """While the cluster was MIXED, both versions answered users, and well; probes do not count."""
    reached = evidence.rolled_back_from or evidence.version_to
    if evidence.version_from == reached:
        return
    windows = state_windows("MIXED", evidence)
    least = evidence.expect.min_requests_per_version_while_mixed
    answered = Counter(
        request.version
        for request in evidence.user_requests
        if not request.failed and inside(request.sent_s, windows)
    )
    counts = {version: answered[version] for version in (evidence.version_from, reached)}
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


def the_others_served(evidence: Evidence) -> Iterator[Check]:
    """While a refused node was alive and useless, the others answered users, and well."""
    if not evidence.refusals:
        return
    least = evidence.expect.min_requests_while_refused
    counts = {
        node: sum(
            request.node != node and not request.failed and from_s <= request.sent_s <= to_s
            for request in evidence.user_requests
        )
        for node, from_s, to_s in evidence.refused_windows()
    }
    detail = ", ".join(f"{count} requests answered while {node} was refused" for node, count in counts.items())
    ok = bool(counts) and all(count >= least for count in counts.values())
    yield _check(
        "the others served while a node was refused",
        "too little was served while a node was refused",
        ok,
        detail if ok else f"{detail or 'no node was refused'}; {least} each are needed",
    )


def probes_kept_their_rate(evidence: Evidence) -> Iterator[Check]:
    """The instrument worked: probes were started when they were meant to be."""
    least = evidence.expect.min_probe_rate_kept
    counts = evidence.probe_counts
    shares = {kind: n["on_time"] / n["intended"] for kind, n in counts.items() if n["intended"]}
    ok = shares.keys() >= set(PROBE_KINDS) and all(share >= least for share in shares.values())
    told = ", ".join(f"{kind}: {n['on_time']} of {n['intended']} on time" for kind, n in counts.items())
    yield _check("the probes kept their rate", "the probes did not keep their rate", ok, told or "no probe was sent")


def arrivals_kept_their_rate(evidence: Evidence) -> Iterator[Check]:
    """What was intended was sent, and on time; only with an open model.

    A generator that sends less than it was told to makes every figure look better than it is.
    """
    counts = evidence.arrival_counts
    if not counts:
        return
    intended = counts["intended"]
    ok = (
        intended > 0
        and counts["sent"] >= intended * evidence.expect.min_arrivals_sent
        and counts["on_time"] >= counts["sent"] * evidence.expect.min_probe_rate_kept
    )
    detail = (
        f"{counts['sent']:,} of {intended:,} arrivals sent, {counts['on_time']:,} of them on time, "
        f"{counts['dropped']:,} dropped because everybody was busy"
    )
    yield _check("the arrivals kept their rate", "the load was not what was intended", ok, detail)


def probes_looked_everywhere(evidence: Evidence) -> Iterator[Check]:
    """Both kinds of probe looked while each node was out, and the kept-alive kind really used kept connections."""
    if not evidence.probe_counts:
        return
    probes = {kind: [r for r in evidence.requests if r.kind == kind] for kind in PROBE_KINDS}
    blind = [
        f"{len(seen)} of {kind} while {absence.node} was out"
        for absence in evidence.absences
        for kind, those in probes.items()
        if len(seen := [r for r in those if absence.covers(r.intended_s)]) < LEAST_PROBES_PER_ABSENCE
    ]
    kept = sum(r.connection == "reused" for r in probes["probe_reused"])
    if kept * 2 < len(probes["probe_reused"]):
        blind.append(f"only {kept} of {len(probes['probe_reused'])} kept-alive probes found their connection kept")
    answered = sum(probe.outcome == OK for probe in evidence.control)
    if answered * 2 < len(evidence.control):
        blind.append(f"only {answered} of {len(evidence.control)} control probes were answered")
    told = f"{kept} of {len(probes['probe_reused'])} kept-alive probes on kept connections, all absences looked at"
    yield _check("the probes saw every absence", "the probes saw too little", not blind, "; ".join(blind) or told)


def users_worked_throughout(evidence: Evidence) -> Iterator[Check]:
    """Every user got good answers early and late: people who hang or never came cannot notice anything."""
    theirs = [request for request in evidence.user_requests if not request.is_arrival]
    if not evidence.users and evidence.arrival_counts.get("sent"):
        return  # nobody was to work all the time; the arrivals have a proof of their own
    good = [request for request in theirs if not request.failed]
    if not evidence.users or not good:
        yield _check("every user worked throughout", "users did not work throughout", False, "no user worked")
        return
    middle_s = (good[0].end_s + good[-1].end_s) / 2
    early = {request.user for request in good if request.end_s <= middle_s}
    late = {request.user for request in good if request.end_s > middle_s}
    count = len(early & late)
    detail = f"{count} of {evidence.users} users got good answers in both halves of the run"
    yield _check("every user worked throughout", "users did not work throughout", count >= evidence.users, detail)


def generator_had_what_it_needs(evidence: Evidence) -> Iterator[Check]:
    """No request stayed unsent for want of sockets or the like: that is this machine's trouble, not the cluster's."""
    unsent = [request for request in evidence.requests if request.outcome == OWN_TROUBLE]
    detail = f"{len(unsent)} requests could not be sent" + (f": {unsent[0].detail}" if unsent else "")
    yield _check("the generator could send every request", "the generator was short of something", not unsent, detail)


def writes_were_audited(evidence: Evidence) -> Iterator[Check]:
    """Users wrote something, and the auditor could look for it."""
    audits = [audit for _, audit in evidence.events(WritesAudited)]
    ok = bool(audits) and audits[-1].acknowledged > 0
    hindered = [event.reason for _, event in evidence.events(NotAudited)]
    detail = f"{audits[-1].acknowledged} acknowledged writes looked for" if audits else "the audit did not take place"
    detail = "; ".join([detail, *hindered])
    yield _check("writes were made and looked for", "no write was made and looked for", ok, detail)


PROOFS: tuple[Proof, ...] = (
    was_not_interrupted,
    sessions_moved,
    mixed_saw_traffic,
    the_others_served,
    probes_kept_their_rate,
    arrivals_kept_their_rate,
    probes_looked_everywhere,
    users_worked_throughout,
    generator_had_what_it_needs,
    writes_were_audited,
    faults_took_effect,
    every_request_has_its_outcome,
    absences_were_seen,
    the_audit_was_whole,
)
