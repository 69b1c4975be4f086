"""How each quantity of an objective is measured, from the record of a run. Pure.

Every measure says how many samples it has and how many it would need; too few decide nothing. Where the machine may
have been in the way, it says what is left without that.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf

from simulator.percentiles import percentile, samples_for
from simulator.record.requests import PROBE_KINDS, RequestRecord
from simulator.scenario import quantities as q
from simulator.scenario.objectives import Objective
from simulator.scenario.quantities import Quantity, Unit
from simulator.verdict.explain import explain
from simulator.verdict.lag import find_lags
from simulator.verdict.machine import is_machines, troubled_s
from simulator.verdict.model import EXAMPLES, Evidence
from simulator.verdict.outages import Outage, outages_of, tell_outage
from simulator.verdict.parts import Windows, inside, overlaps_s, windows_of
from simulator.verdict.sessions import follow_sessions, tell_sessions


@dataclass(frozen=True)
class Measured:
    """What the record says: ``value`` in the objective's unit, None if there is nothing to measure.

    ``needed`` are the samples without which the value decides nothing, if it is within the limit.
    ``without_machine`` is the value without what the machine's own trouble may have caused.
    """

    value: float | None
    told: str
    samples: int
    needed: int = 1
    without_machine: float | None = None


Measure = Callable[[Objective, Evidence, Windows], Measured]
AddUp = Callable[[list[float]], float]


def measure(objective: Objective, evidence: Evidence) -> Measured:
    """Measure what an objective is about."""
    windows = windows_of(objective.scope, evidence)
    if not windows:
        return Measured(None, f"nothing happened {objective.scope}: there was no such time", 0)
    return _MEASURES[objective.quantity](objective, evidence, windows)


def percentile_ms(requests: Sequence[RequestRecord], share: float) -> float:
    """The latency that ``share`` of the requests do not exceed; infinite if a failed one decides."""
    return percentile(sorted(inf if request.failed else request.latency_ms for request in requests), share)


def _chosen(objective: Objective, evidence: Evidence, windows: Windows, *, probes: bool) -> list[RequestRecord]:
    """The requests that an objective is about; ``probes``: the probes as well, where it does not say."""
    of = objective.of

    def counts(request: RequestRecord) -> bool:
        match of:
            case "":
                return probes or not request.is_probe
            case "probes":
                return request.is_probe
            case "writes":
                return bool(request.write)
            case "reads":
                return request.method == "GET" and not request.is_probe
        return request.kind == of

    return [r for r in evidence.requests if counts(r) and inside(r.intended_s, windows)]


def _share_needs(objective: Objective) -> int:
    """So many samples that one of them is not more than the limit."""
    return ceil(round(1 / objective.limit, 6)) if objective.unit is Unit.SHARE and objective.limit > 0 else 1


def _requests_lost(objective: Objective, evidence: Evidence, windows: Windows) -> Measured:
    chosen = _chosen(objective, evidence, windows, probes=True)
    failed = sorted((r for r in chosen if r.failed), key=lambda r: r.intended_s)
    theirs = sum(not is_machines(request, evidence.troubles) for request in failed)
    told = f"{len(failed):,} of {len(chosen):,} failed"
    if failed:
        allowed = f", {objective.written_limit()} are allowed" if objective.limit else ""
        outcomes = ", ".join(f"{count} {word}" for word, count in Counter(r.outcome for r in failed).most_common())
        told += f"{allowed} ({outcomes}); the first: {explain(failed[0], evidence)}"
    if theirs < len(failed):
        told += f"; {len(failed) - theirs} of them while the machine was in trouble"
    return _counted(objective, len(failed), len(chosen), told, theirs)


def _requests_retried(objective: Objective, evidence: Evidence, windows: Windows) -> Measured:
    chosen = _chosen(objective, evidence, windows, probes=True)
    retried = [request for request in chosen if request.attempts > 1]
    told = f"{len(retried):,} of {len(chosen):,} were dispatched more than once"
    if retried:
        told += f"; the first: request {retried[0].id} of session {retried[0].session} at {retried[0].sent_s:.2f} s"
    return _counted(objective, len(retried), len(chosen), told)


def _counted(objective: Objective, count: int, of: int, told: str, theirs: int | None = None) -> Measured:
    if not of:
        return Measured(None, f"no such request was sent {objective.scope}".rstrip(), 0)
    as_share = objective.unit is Unit.SHARE
    return Measured(
        count / of if as_share else count,
        told,
        of,
        _share_needs(objective),
        None if theirs is None else theirs / of if as_share else theirs,
    )


def _sessions(objective: Objective, evidence: Evidence, _windows: Windows) -> Measured:
    report = follow_sessions(evidence.user_requests)
    lost = report.lost
    named = f": {', '.join(lost[:EXAMPLES])}{' …' if len(lost) > EXAMPLES else ''}" if lost else ""
    told = f"{len(lost)} of {report.total} sessions met the log-in page{named}"
    people = tell_sessions(report, evidence.sessions_kind, evidence.user_requests)
    told = f"{told}. {people}" if people else told
    if not report.total:
        return Measured(None, "nobody was signed in", 0)
    if objective.quantity is q.SESSIONS_KEPT:
        return Measured(1 - len(lost) / report.total, told, report.total)
    # All sessions there were are known: their share is no sample of anything, so however few decide.
    return replace(_counted(objective, len(lost), report.total, told), needed=1)


def _work_lost(_objective: Objective, evidence: Evidence, _windows: Windows) -> Measured:
    forms = sum(r.method == "POST" for r in evidence.user_requests)
    lost = follow_sessions(evidence.user_requests).unsaved_work
    return Measured(lost, f"{lost} forms and half-done bulk edits were lost, {forms:,} forms were sent", forms)


def _silent_sign_ins(_objective: Objective, evidence: Evidence, _windows: Windows) -> Measured:
    report = follow_sessions(evidence.user_requests)
    return Measured(
        report.silent_relogins, f"{report.silent_relogins} silent sign-ins, {report.moved} moved", report.total
    )


def _percentile(objective: Objective, evidence: Evidence, windows: Windows) -> Measured:
    chosen = _chosen(objective, evidence, windows, probes=False)
    needed = samples_for(objective.share)
    if not chosen:
        return Measured(None, f"no such request was sent {objective.scope}".rstrip(), 0, needed)
    value_ms = percentile_ms(chosen, objective.share)
    failed = sum(request.failed for request in chosen)
    told = f"{value_ms:.0f} ms" if value_ms < inf else "beyond any limit"
    told += f", of {len(chosen):,} requests" + (f", {failed} of which failed" if failed else "")
    calm = [r for r in chosen if not troubled_s(evidence.troubles, r.intended_s, r.end_s)]
    without_ms = percentile_ms(calm, objective.share) if len(calm) >= needed else 0.0
    return Measured(value_ms / 1000, told, len(chosen), needed, without_ms / 1000)


def _clipped(evidence: Evidence, windows: Windows, add_up: AddUp) -> list[tuple[float, float, Outage]]:
    """Each outage with how much of it lies within the windows, and what of that is not the machine's; in seconds.

    ``add_up`` makes one length of those in several windows.
    """
    found = []
    for kind in PROBE_KINDS:
        for outage in outages_of(evidence, kind):
            length_s = add_up([0.0, *overlaps_s(outage.from_s, outage.to_s, windows)])
            if length_s > 0:
                found.append((length_s, max(0.0, length_s - outage.machine_ms(evidence.troubles) / 1000), outage))
    return found


def _longest_outage(objective: Objective, evidence: Evidence, windows: Windows) -> Measured:
    probes = sum(r.is_probe and inside(r.intended_s, windows) for r in evidence.requests)
    outages = _clipped(evidence, windows, max)
    longest = max(outages, key=lambda outage: outage[0], default=None)
    longest_s = longest[0] if longest else 0.0
    told = f"the longest lasted {longest_s * 1000:.0f} ms, {objective.limit * 1000:.0f} ms are allowed"
    if longest:
        told += f"; {tell_outage(longest[2])}"
    return Measured(longest_s, told, probes, without_machine=max((theirs for _, theirs, _ in outages), default=0.0))


def _total_outage(_objective: Objective, evidence: Evidence, windows: Windows) -> Measured:
    probes = sum(r.is_probe and inside(r.intended_s, windows) for r in evidence.requests)
    outages = _clipped(evidence, windows, sum)
    totals = {
        kind: (
            sum(length_s for length_s, _, outage in outages if outage.kind == kind),
            sum(theirs_s for _, theirs_s, outage in outages if outage.kind == kind),
        )
        for kind in PROBE_KINDS
    }
    whole_s, theirs_s = max(totals.values())
    told = f"{whole_s * 1000:.0f} ms in {len(outages)} outages"
    return Measured(whole_s, told, probes, without_machine=theirs_s)


def _longest_absence(_objective: Objective, evidence: Evidence, _windows: Windows) -> Measured:
    end_s = evidence.envelopes[-1].t_s
    lengths = {a: (end_s if a.back_s is None else a.back_s) - a.out_s for a in evidence.absences}
    if not lengths:
        return Measured(None, "no node was ever out", 0)
    longest = max(lengths, key=lambda absence: lengths[absence])
    return Measured(
        lengths[longest], f"{longest.node} was out for {lengths[longest]:.2f} s, the longest", len(lengths)
    )


def _search_delay(objective: Objective, evidence: Evidence, _windows: Windows) -> Measured:
    searches = [r for r in evidence.user_requests if r.kind == "search_issues" and not r.failed]
    if not searches:
        return Measured(None, "nobody searched", 0)
    behind = [request for request in searches if request.behind_s]
    oldest_s = max((request.behind_s for request in behind), default=0.0)
    if not behind:
        return Measured(0.0, f"all {len(searches)} searches showed every change", len(searches))
    told = f"{len(behind)} of {len(searches)} searches missed a change, the oldest {oldest_s:.2f} s after it was made"
    stale = [request for request in behind if not objective.holds_for(request.behind_s)]
    if stale:
        first = stale[0]
        told += (
            f"; {objective.limit:g} s are allowed, {len(stale)} took longer; the first: request {first.id} through "
            f"{first.node} at {first.sent_s:.2f} s"
        )
    return Measured(oldest_s, told, len(searches))


def _lb_lag(_objective: Objective, evidence: Evidence, _windows: Windows) -> Measured:
    """The longest lag of any node, on new and on kept-alive connections alike."""
    lags = find_lags(evidence)
    late = [
        (reached.last_ms, lag.leaving.node) for lag in lags for reached in (lag.new, lag.reused) if reached.last_ms
    ]
    if not lags:
        return Measured(None, "no node was seen to say that it was leaving", 0)
    if not late:
        return Measured(0.0, "no request reached a node after it had said that it was leaving", len(lags))
    lag_ms, node = max(late)
    told = f"the last request reached {node} {lag_ms:.0f} ms after it had said that it was leaving"
    return Measured(lag_ms / 1000, told, len(lags))


def _cluster_is(objective: Objective, evidence: Evidence, _windows: Windows) -> Measured:
    since = objective.since or "READY_TO_UPGRADE"
    starts = [at_s for at_s, state in evidence.history if state == since]
    if not starts:
        return Measured(None, f"the cluster never was {since}, so no time began to run", 0)
    reached = [at_s for at_s, state in evidence.history if state == objective.state and at_s >= starts[0]]
    if not reached:
        return Measured(inf, f"the cluster never was {objective.state} after {since}", 1)
    took_s = reached[0] - starts[0]
    return Measured(took_s, f"{took_s:.2f} s after {since} the cluster was {objective.state}", 1)


_MEASURES: dict[Quantity, Measure] = {
    q.REQUESTS_LOST: _requests_lost,
    q.ERROR_RATE: _requests_lost,
    q.SESSIONS_LOST: _sessions,
    q.SESSIONS_KEPT: _sessions,
    q.WORK_LOST: _work_lost,
    q.SILENT_SIGN_INS: _silent_sign_ins,
    q.REQUESTS_RETRIED: _requests_retried,
    q.PERCENTILE: _percentile,
    q.LONGEST_OUTAGE: _longest_outage,
    q.TOTAL_OUTAGE: _total_outage,
    q.LONGEST_ABSENCE: _longest_absence,
    q.LB_LAG: _lb_lag,
    q.SEARCH_DELAY: _search_delay,
    q.CLUSTER_IS: _cluster_is,
}
