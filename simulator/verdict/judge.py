"""From checks to one word and one sentence."""

from dataclasses import dataclass

from simulator.verdict.application import APPLICATION, application_sentence
from simulator.verdict.certified import CERTIFIED, certified_sentence
from simulator.verdict.explain import node_tried
from simulator.verdict.faults import faults_behind
from simulator.verdict.model import Check, Evidence, Word
from simulator.verdict.objectives import objectives_hold
from simulator.verdict.promises import PROMISES
from simulator.verdict.proofs import PROOFS
from simulator.verdict.rolling import tell_haste
from simulator.verdict.sessions import SessionReport, follow_sessions, tell_sessions
from simulator.verdict.sometimes import sometimes_seen
from simulator.verdict.statements import refused_statements, tell
from zdu.durations import format_duration
from zdu.errors import ExitCode
from zdu.events import WritesAudited

EXIT_CODES: dict[Word, ExitCode] = {
    "pass": ExitCode.PASS,
    "fail": ExitCode.FAIL,
    "inconclusive": ExitCode.INCONCLUSIVE,
}

JIRA = (objectives_hold, *PROMISES, *PROOFS, sometimes_seen)
OFTEN = 0.01
"""If more than this share of the users' requests took longer than people's patience, they noticed."""


@dataclass(frozen=True)
class Verdict:
    """The answer to "did anyone notice?", and all that led to it."""

    word: Word
    sentence: str
    reasons: tuple[str, ...]
    checks: tuple[Check, ...]
    sessions: SessionReport


def reach_verdict(evidence: Evidence) -> Verdict:
    """What is broken fails the run; what is missing or undecided makes it inconclusive; only then it passes."""
    asked = CERTIFIED if evidence.certified else APPLICATION if evidence.wanted else JIRA
    checks = tuple(check for ask in asked for check in ask(evidence))
    broken = [check for check in checks if check.word == "fail"]
    missing = [check for check in checks if check.word == "inconclusive"]
    word: Word = "fail" if broken else "inconclusive" if missing else "pass"
    sessions = follow_sessions(evidence.user_requests)
    return Verdict(
        word=word,
        sentence=_sentence(word, broken or missing, evidence, sessions),
        reasons=tuple(f"{check.otherwise}: {check.detail}" for check in broken + missing),
        checks=checks,
        sessions=sessions,
    )


def _journey(evidence: Evidence) -> str:
    """What happened to the cluster, as the end of a sentence."""
    if evidence.refusals and evidence.version_from == evidence.version_to:
        refused = ", ".join(f"{node} with {version}" for node, version in evidence.refusals)
        return f"the cluster refused {refused} and its other nodes served on with {evidence.version_from}"
    if evidence.rolled_back_from:
        tried = f"{len(evidence.rolled)} nodes went from {evidence.version_from} to {evidence.rolled_back_from}"
        return f"{tried} and back to {evidence.version_to}"
    if not evidence.rolled:
        out = ", ".join(dict.fromkeys(absence.node for absence in evidence.absences))
        return f"the load balancer did without {out} for a while" if out else "nothing happened to the nodes"
    return f"{len(evidence.rolled)} nodes went from {evidence.version_from} to {evidence.version_to}"


def _sentence(word: Word, wrong: list[Check], evidence: Evidence, sessions: SessionReport) -> str:
    if word == "pass" and evidence.certified:
        return certified_sentence(evidence, sessions)
    if word == "pass" and evidence.wanted:
        return application_sentence(evidence, sessions) + _slow(evidence)
    if word == "pass":
        journey = _journey(evidence)
        written = sum(audit.acknowledged for _, audit in evidence.events(WritesAudited))
        failed, lost = len(evidence.failed_requests), len(sessions.lost)
        slow = _slow(evidence)
        calm = "Nobody lost anything, but people had to wait" if slow else "Nobody noticed"
        return (
            f"{'Within what was allowed' if failed or lost else calm}: "
            f"{journey} while {evidence.users} users worked. "
            f"Of {len(evidence.requests):,} requests {failed or 'none'} failed, {sessions.moved} sessions moved and "
            f"{lost or 'none'} was lost, all {written:,} acknowledged writes are there."
            f"{slow}{_people(evidence, sessions)}{tell_haste(evidence)}"
        )
    if word == "inconclusive":
        return f"This run proves nothing: {wrong[0].otherwise} ({wrong[0].detail})."
    failed, lost = len(evidence.failed_requests), len(sessions.lost)
    if failed or lost:
        also = f" and {lost} sessions were lost" if lost else ""
        noticed = f"Users noticed: {failed:,} of {len(evidence.requests):,} requests failed{also}."
        noticed += _faults(evidence)
        refused = refused_statements(evidence)
        if refused:
            noticed += f" {tell(refused[0], evidence)}."
        return noticed + _people(evidence, sessions)
    return f"The upgrade went wrong: {wrong[0].otherwise} ({wrong[0].detail})."


def _faults(evidence: Evidence) -> str:
    """What was made to go wrong as the failed requests were on their way, as a sentence to follow."""
    told = [faults_behind(request, node_tried(request, evidence), evidence) for request in evidence.failed_requests]
    explained = [words for words in told if words]
    if not explained:
        return ""
    most = max(dict.fromkeys(explained), key=explained.count)
    return f" {explained.count(most):,} of them {most}."


def _slow(evidence: Evidence) -> str:
    """That people had to wait, to follow other sentences; empty if hardly one in a hundred had to."""
    waited = [r.latency_ms for r in evidence.user_requests if r.latency_ms > evidence.patience_s * 1000]
    if len(waited) <= len(evidence.user_requests) * OFTEN:
        return ""
    return (
        f" {len(waited):,} requests of users took longer than {format_duration(evidence.patience_s)}, the longest "
        f"{max(waited) / 1000:.1f} s."
    )


def _people(evidence: Evidence, sessions: SessionReport) -> str:
    """What it meant to those who were moved, to follow other sentences."""
    told = tell_sessions(sessions, evidence.sessions_kind, evidence.user_requests)
    return f" {told}" if told else ""
