"""What must have happened at least once: never seen, the run has shown nothing. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator

from simulator.load.judge import LOGIN_PAGE
from simulator.record.requests import PROBE_KINDS
from simulator.scenario.sometimes import Sometimes
from simulator.verdict.consistency import went_back_count
from simulator.verdict.model import Check, CheckKind, Evidence
from simulator.verdict.outages import outages_of
from simulator.verdict.parts import inside, state_windows
from simulator.verdict.sessions import follow_sessions
from zdu.events import NodeObserved, WritesAudited


def sometimes_seen(evidence: Evidence) -> Iterator[Check]:
    """One check for each thing that the scenario wants to have seen."""
    for wanted in evidence.expect.happenings:
        count = _count(wanted, evidence)
        told = "never seen" if not count else f"seen {count:,} times" if count > 1 else "seen once"
        if 0 < count < wanted.least:
            told += f", {wanted.least:,} times are needed"
        yield Check(
            f"sometimes: {wanted.text}",
            f"it did not happen that {wanted.text}" if not count else f"it happened too seldom that {wanted.text}",
            CheckKind.SOMETIMES,
            count >= wanted.least,
            told,
        )


def _count(wanted: Sometimes, evidence: Evidence) -> int:
    match wanted.what:
        case "cluster":
            return len(state_windows(wanted.state, evidence))
        case "node" if wanted.state == "out":
            return sum(wanted.name in {"", absence.node} for absence in evidence.absences)
        case "node":
            observed = [event for _, event in evidence.events(NodeObserved)]
            return sum(event.state == wanted.state and wanted.name in {"", event.node} for event in observed)
        case "fault":
            return _fault_fired(wanted.name, evidence)
    return _HAPPENED[wanted.what](evidence)


def _fault_fired(name: str, evidence: Evidence) -> int:
    """How often a fault took effect, by the events of that kind."""
    fired = (envelope.event for envelope in evidence.envelopes if envelope.event.kind == "fault_fired")
    return sum(getattr(event, "fault", "") == name for event in fired)


def _mixed_serves_both(evidence: Evidence) -> int:
    """The good answers of the version that gave fewer of them."""
    windows = state_windows("MIXED", evidence)
    answered = Counter(
        request.version
        for request in evidence.user_requests
        if not request.failed and inside(request.sent_s, windows)
    )
    return min(answered[version] for version in evidence.version_order) if len(evidence.version_order) > 1 else 0


def _ambiguous_writes(evidence: Evidence) -> int:
    audits = evidence.events(WritesAudited)
    return len(audits[-1][1].ambiguous) if audits else 0


_HAPPENED: dict[str, Callable[[Evidence], int]] = {
    "MIXED serves both versions": _mixed_serves_both,
    "a session moves": lambda evidence: len(follow_sessions(evidence.user_requests).moves),
    "a session meets an older version": went_back_count,
    "a user is signed in silently": lambda evidence: sum(r.signed_in for r in evidence.user_requests),
    "a user meets the log-in page": lambda evidence: sum(r.outcome == LOGIN_PAGE for r in evidence.user_requests),
    "a request fails": lambda evidence: len(evidence.failed_requests),
    "a request is retried": lambda evidence: sum(r.attempts > 1 for r in evidence.requests),
    "a search is behind": lambda evidence: sum(bool(r.behind_s) for r in evidence.user_requests),
    "a write is ambiguous": _ambiguous_writes,
    "an outage is seen": lambda evidence: sum(len(outages_of(evidence, kind)) for kind in PROBE_KINDS),
}
