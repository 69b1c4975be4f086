"""From the objectives of a scenario, and those that always hold, to checks: pass, fail or inconclusive. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from math import inf

from simulator.scenario import quantities as q
from simulator.scenario.objectives import Objective, parse_objective
from simulator.verdict.machine import tell_troubles
from simulator.verdict.measures import Measured, measure
from simulator.verdict.model import Check, CheckKind, Evidence, Figures
from zdu.durations import format_duration

OTHERWISE = {
    q.REQUESTS_LOST: "requests failed",
    q.ERROR_RATE: "too many requests failed",
    q.SESSIONS_LOST: "sessions were lost",
    q.SESSIONS_KEPT: "too many sessions were lost",
    q.WORK_LOST: "unsaved work was lost",
    q.SILENT_SIGN_INS: "users had to be signed in again",
    q.REQUESTS_RETRIED: "requests had to be dispatched again",
    q.PERCENTILE: "answers took too long",
    q.LONGEST_OUTAGE: "an outage lasted too long",
    q.TOTAL_OUTAGE: "the outages lasted too long",
    q.LONGEST_ABSENCE: "a node was out for too long",
    q.LB_LAG: "the load balancer learned too late that a node was leaving",
    q.SEARCH_DELAY: "searches showed old results for too long",
    q.CLUSTER_IS: "the cluster took too long",
}


def objectives_hold(evidence: Evidence) -> Iterator[Check]:
    """One check for each objective."""
    for objective in all_objectives(evidence):
        yield _check(objective, measure(objective, evidence), evidence)


def all_objectives(evidence: Evidence) -> tuple[Objective, ...]:
    """What the run is held to: first what holds without being said, then the scenario's own ones."""
    return (*_unsaid(evidence), *evidence.expect.parsed)


def _unsaid(evidence: Evidence) -> Iterator[Objective]:
    """What is expected of every run, unless the scenario says something else about it, for the whole of the run."""
    said = {objective.quantity for objective in evidence.expect.parsed if not (objective.scope.part or objective.of)}
    if not said & {q.REQUESTS_LOST, q.ERROR_RATE}:
        yield parse_objective("no request failed")
    if not said & {q.SESSIONS_LOST, q.SESSIONS_KEPT} and evidence.user_requests:
        yield parse_objective("no session was lost")
    if q.SEARCH_DELAY not in said and any(r.kind == "search_issues" and not r.failed for r in evidence.user_requests):
        fresh = parse_objective(f"search delay <= {format_duration(evidence.search_delay_s)}")
        yield replace(fresh, text="searches were up to date")


def _check(objective: Objective, measured: Measured, evidence: Evidence) -> Check:
    name, otherwise, kind = objective.text, OTHERWISE[objective.quantity], CheckKind.OBJECTIVE
    value = measured.value
    figures = Figures(
        value=None if value is None or value == inf else value,
        limit=objective.limit,
        comparison=objective.comparison,
        unit=objective.unit.name.lower(),
        samples=measured.samples,
    )
    if value is None or measured.samples == 0:
        return Check(name, f"nothing was measured for {name!r}", kind, False, measured.told, True, figures)
    if not objective.holds_for(value):
        spared = measured.without_machine
        if evidence.troubles and spared is not None and objective.holds_for(spared):
            otherwise = f"the machine was in trouble itself, so nobody knows whether {name}"
            told = f"{measured.told}; {tell_troubles(evidence.troubles)}"
            return Check(name, otherwise, kind, False, told, True, figures)
        return Check(name, otherwise, kind, False, measured.told, figures=figures)
    if measured.samples < measured.needed:
        told = f"{measured.told}; {measured.samples:,} samples, {measured.needed:,} are needed to tell"
        return Check(name, f"too few samples for {name!r}", kind, False, told, True, figures)
    return Check(name, otherwise, kind, True, measured.told, figures=figures)
