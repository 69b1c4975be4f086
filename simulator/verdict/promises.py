"""What must not happen: each function answers one question; a broken promise fails the run."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from signal import SIGKILL, Signals

from simulator.load.judge import WORK_LOST
from simulator.verdict.consistency import (
    answers_come_from_where_they_say,
    last_writes_stay,
    nobody_sees_another_user,
    open_writes_are_resolved,
    own_writes_are_read,
    sessions_move_for_a_reason,
    versions_come_in_order,
)
from simulator.verdict.explain import explain
from simulator.verdict.legal_states import illegal_steps, not_in_order
from simulator.verdict.model import Check, CheckKind, Evidence, examples
from simulator.verdict.rolling import breaches_come, early_finalising_is_refused
from simulator.verdict.sessions import follow_sessions
from simulator.verdict.statements import refused_statements, tell
from zdu.events import (
    BalancerAudited,
    ClusterAudited,
    ClusterObserved,
    NodeLogsAudited,
    NodeNotStarted,
    ProcessExited,
    ProcessStarted,
    ProcessStopping,
    RunAborted,
    RunEnded,
    RunInterrupted,
    UpgradeHistory,
    WritesAudited,
)

Promise = Callable[[Evidence], Iterator[Check]]


SHELL_SAYS = 128
"""A program that reports its end by a signal as an exit code of its own adds this, as shells and the JVM do."""


def _check(name: str, otherwise: str, ok: bool, detail: str) -> Check:
    return Check(name, otherwise, CheckKind.PROMISE, ok, detail)


def shared_sessions_go_on(evidence: Evidence) -> Iterator[Check]:
    """Where all nodes share the sessions, nobody is even signed in again."""
    if evidence.sessions_kind != "shared":
        return
    report = follow_sessions(evidence.user_requests)
    yield _check(
        "nobody had to be signed in again",
        "users were signed in again although sessions are shared",
        not report.silent_relogins,
        f"{report.moved} sessions moved, {report.silent_relogins} silent sign-ins",
    )


def no_work_is_lost(evidence: Evidence) -> Iterator[Check]:
    """No bulk edit is gone when its user goes on with it; only if somebody did any."""
    bulk = [request for request in evidence.user_requests if request.kind.startswith("bulk_")]
    if not bulk:
        return
    lost = [request for request in bulk if request.outcome == WORK_LOST]
    detail = f"{len(lost)} lost, {sum(request.acknowledged_write for request in bulk)} finished"
    if lost:
        detail += f"; the first: {explain(lost[0], evidence)}"
    yield _check("no half-done bulk edit was lost", "half-done bulk edits were lost", not lost, detail)


def writes_are_kept_once(evidence: Evidence) -> Iterator[Check]:
    """Every acknowledged write is in the database once, and every node shows it."""
    for _, audit in evidence.events(WritesAudited):
        detail = f"{audit.acknowledged} acknowledged, {len(audit.lost)} lost, {len(audit.duplicated)} twice"
        wrong = audit.lost + audit.duplicated
        told_wrong = f"; {examples(wrong)}" if wrong else ""
        yield _check(
            "every acknowledged write is there exactly once",
            "acknowledged writes are lost or doubled",
            not wrong,
            detail + told_wrong,
        )
        blind = {node: missing for node, missing in audit.unreadable.items() if missing}
        told = "; ".join(f"{node} does not show {examples(missing)}" for node, missing in blind.items())
        name = "every acknowledged write is readable through every node"
        yield _check(
            name,
            "a node does not show all acknowledged writes",
            not blind,
            told or f"{_looked_at(audit)} through {', '.join(audit.unreadable)}",
        )


def _looked_at(audit: WritesAudited) -> str:
    """How much was read through each node, in words: a sample says that it is one."""
    if audit.issues_read == audit.issues_written:
        return "all issues with a write were looked at"
    return (
        f"a sample of {audit.issues_read:,} of the {audit.issues_written:,} issues with a write, some of each kind "
        "and from each node, was looked at"
    )


def states_come_in_order(evidence: Evidence) -> Iterator[Check]:
    """The cluster's upgrade state took legal steps only, in the database and as each node showed it."""
    wrong: list[str] = []
    told = ""
    for _, history in evidence.events(UpgradeHistory):
        states = [str(row["state"]) for row in history.rows]
        wrong += [f"in the database: {step}" for step in illegal_steps(states)]
        numbers = [int(row["order_number"]) for row in history.rows]
        if any(later <= earlier for earlier, later in pairwise(numbers)):
            wrong.append(f"order_number does not grow: {numbers}")
        told = " → ".join(states)
        for node in evidence.nodes:
            seen = [event.state for _, event in evidence.events(ClusterObserved) if event.seen_by == node]
            wrong += [f"{node} showed {state}" for state in not_in_order(seen, states)]
    yield _check(
        "the upgrade state took legal steps only",
        "the upgrade state took an illegal step",
        not wrong,
        "; ".join(wrong) or told or "no step seen",
    )


def schema_serves_everyone(evidence: Evidence) -> Iterator[Check]:
    """Every node, of whichever version, could run its statements on the schema that they share."""
    if not evidence.events(NodeLogsAudited):
        return
    told = [tell(statement, evidence) for statement in refused_statements(evidence)]
    yield _check(
        "every version could work on the shared schema",
        "a version could not work on the shared schema",
        not told,
        examples(told) if told else "no node's log tells of a statement that did not fit",
    )


def taken_out_is_out(evidence: Evidence) -> Iterator[Check]:
    """A node that was taken out answered nothing, and the load balancer's log has no attempt, until it was back."""
    late = [
        request
        for absence in evidence.absences
        for request in evidence.requests
        if request.node == absence.node
        and request.sent_s > absence.out_s
        and (absence.back_s is None or request.end_s < absence.back_s)
    ]
    told = [f"request {r.id} went to {r.node} at {r.sent_s:.2f} s" for r in late]
    told += [attempt for _, audit in evidence.events(BalancerAudited) for attempt in audit.stray_attempts]
    detail = f"{len(evidence.absences)} times a node was out, {len(told)} requests were sent to it meanwhile"
    if told:
        detail += f"; {examples(told)}"
    detail += "".join(f"; {audit.untold}" for _, audit in evidence.events(BalancerAudited) if audit.untold)
    yield _check(
        "no request went to a node after it was taken out",
        "requests went to a node after it was taken out",
        not told,
        detail,
    )


def processes_live(evidence: Evidence) -> Iterator[Check]:
    """No process ended unless it was asked to, and those asked ended well; after an interrupt haste is fair."""
    wrong = []
    interrupted_s = min((t_s for t_s, _ in evidence.events(RunInterrupted)), default=float("inf"))
    for t_s, exit_ in evidence.events(ProcessExited):
        if not exit_.expected:
            wrong.append(f"{exit_.process} died at {t_s:.2f} s ({_how(exit_.returncode)}); nobody had stopped it")
        elif exit_.returncode != 0 and t_s < interrupted_s and not _killed_on_purpose(exit_, t_s, evidence):
            wrong.append(f"{exit_.process} was stopped at {t_s:.2f} s and ended badly ({_how(exit_.returncode)})")
    detail = "; ".join(wrong) or "every process ran until it was stopped"
    yield _check("every process lived until it was stopped", "a process died", not wrong, detail)


def _killed_on_purpose(exit_: ProcessExited, t_s: float, evidence: Evidence) -> bool:
    """Whether it was told to end by the very signal that it ended by: a fault, or a hand, has killed it."""
    told = [e.signal for at_s, e in evidence.events(ProcessStopping) if e.process == exit_.process and at_s <= t_s]
    if evidence.wanted and told[-1:]:  # not every program has a handler for the signal that is to stop it
        number = getattr(Signals, told[-1], None)
        return number is not None and exit_.returncode in {-number, SHELL_SAYS + number}
    return exit_.returncode == -SIGKILL and told[-1:] == ["SIGKILL"]


def story_is_played(evidence: Evidence) -> Iterator[Check]:
    """Every step of the timeline could be carried out; nothing to say of one that was interrupted or broke off."""
    aborted = [event.reason for _, event in evidence.events(RunAborted)]
    told = bool(aborted or evidence.events(RunEnded))
    if told and not evidence.events(RunInterrupted):
        check = _check(
            "the story was played to its end",
            "the story could not be played to its end",
            not aborted,
            "; ".join(aborted) or "every step took effect",
        )
        yield replace(check, undecided=evidence.undecided_end)


def cluster_is_upgraded(evidence: Evidence) -> Iterator[Check]:
    """In the end each node says that it runs the wanted version in a STABLE cluster."""
    for _, audit in evidence.events(ClusterAudited):
        wrong = [
            f"{node} says {said.get('version') or 'nothing'}, {said.get('state') or 'no state'}"
            for node, said in audit.nodes.items()
            if (said.get("version"), said.get("state")) != (evidence.version_to, "STABLE")
        ]
        detail = "; ".join(wrong) or f"{', '.join(audit.nodes)} run {evidence.version_to} and show STABLE"
        name = f"the cluster is STABLE on {evidence.version_to}"
        check = _check(name, "the cluster is not upgraded", not wrong, detail)
        yield replace(check, undecided=bool(wrong) and evidence.undecided_end)


def who_has_to_be_refused_is(evidence: Evidence) -> Iterator[Check]:
    """Each node of the story that the cluster had to refuse was, with a reason, and the upgrade state did not move.

    From the start of that node until it was refused no row was written: a node that is not let in changes nothing.
    """
    if not evidence.refusals:
        return
    wrong, told = [], []
    for node, version in evidence.refusals:
        refused = [(t_s, e) for t_s, e in evidence.events(NodeNotStarted) if (e.node, e.version) == (node, version)]
        if not refused:
            wrong.append(f"{node} was not refused with {version}")
            continue
        t_s, event = refused[0]
        begun_s = max(at_s for at_s, e in evidence.events(ProcessStarted) if e.process == node and at_s <= t_s)
        moved = [state for at_s, state in evidence.history if begun_s <= at_s <= t_s]
        wrong += [f"the state went to {state} while {node} was being refused" for state in moved]
        told.append(f'{node} said "{event.reason}"')
    yield _check(
        "the cluster refused who had to be refused",
        "the cluster did not refuse who had to be refused",
        not wrong,
        "; ".join(wrong) or "; ".join(told),
    )


def _how(returncode: int) -> str:
    return f"signal {-returncode}" if returncode < 0 else f"exit code {returncode}"


PROMISES: tuple[Promise, ...] = (
    shared_sessions_go_on,
    no_work_is_lost,
    nobody_sees_another_user,
    own_writes_are_read,
    answers_come_from_where_they_say,
    sessions_move_for_a_reason,
    versions_come_in_order,
    writes_are_kept_once,
    open_writes_are_resolved,
    last_writes_stay,
    states_come_in_order,
    schema_serves_everyone,
    taken_out_is_out,
    processes_live,
    story_is_played,
    cluster_is_upgraded,
    who_has_to_be_refused_is,
    breaches_come,
    early_finalising_is_refused,
)
