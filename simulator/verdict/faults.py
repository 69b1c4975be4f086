"""The faults of a run: when each was on, whether it took effect, and which requests it explains. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from simulator.record.requests import RequestRecord
from simulator.verdict.model import Check, CheckKind, Evidence, examples
from zdu.events import Envelope, FaultApplied, FaultFired, FaultReset

AFTERMATH_S = 3.0
"""A request that was sent so soon after a fault was over may still have suffered from it."""
NOTICED_WITHIN_S = 0.4
"""That a fault takes effect is looked at five times a second; a busy machine looks late."""


@dataclass(frozen=True)
class FaultWindow:
    """One fault, from when until when it was on; ``node`` is empty if it was about none.

    ``fired_s`` is when it was first seen to take effect, None if it never was.
    """

    number: int
    fault: str
    node: str
    from_s: float
    to_s: float
    fired_s: float | None

    @property
    def named(self) -> str:
        """For sentences: its name, and where."""
        return f"{self.fault}{f' on {self.node}' if self.node else ''}"


def fault_windows(envelopes: Iterable[Envelope]) -> list[FaultWindow]:
    """All faults of the run, in the order in which they were put on; one that was never taken back has no end."""
    applied: list[tuple[float, FaultApplied]] = []
    ends: dict[int, float] = {}
    fired: dict[int, float] = {}
    for envelope in envelopes:
        match envelope.event:
            case FaultApplied() as event:
                applied.append((envelope.t_s, event))
            case FaultFired(number=number):
                fired[number] = envelope.t_s
            case FaultReset(number=number):
                ends[number] = envelope.t_s
    return [
        FaultWindow(e.number, e.fault, e.node, t_s, ends.get(e.number, float("inf")), fired.get(e.number))
        for t_s, e in applied
    ]


def faults_behind(request: RequestRecord, node: str, evidence: Evidence) -> str:
    """Which faults may explain what a request suffered: ``while net.latency on node1 was on``; empty if none may.

    One that was on and had not taken effect yet explains nothing, nor does one of another node than that to which the
    request went; where nobody knows the node, any may.
    """
    found = [
        window
        for window in fault_windows(evidence.envelopes)
        if window.fired_s is not None
        and max(window.from_s, window.fired_s - NOTICED_WITHIN_S) <= request.end_s
        and request.sent_s <= window.to_s + AFTERMATH_S
        and (not node or not window.node or window.node == node)
    ]
    if not found:
        return ""
    was_on = [window for window in found if request.sent_s <= window.to_s]
    found = was_on or found
    names = " and ".join(dict.fromkeys(window.named for window in found))
    verb = "were" if " and " in names else "was"
    return f"while {names} {verb} on" if was_on else f"shortly after {names} {verb} on"


def faults_took_effect(evidence: Evidence) -> Iterator[Check]:
    """Every fault that was ordered met somebody; only if any was."""
    windows = fault_windows(evidence.envelopes)
    if not windows:
        return
    idle = [
        f"{window.named}, put on at {window.from_s:.2f} s, never took effect"
        for window in windows
        if window.fired_s is None
    ]
    stuck = [
        f"{event.fault} could not be taken back: {event.trouble}"
        for _, event in evidence.events(FaultReset)
        if event.trouble
    ]
    wrong = idle + stuck
    counts = {event.number: event.count for _, event in evidence.events(FaultReset)}
    told = "; ".join(f"{window.named}: {counts.get(window.number, 1)} times" for window in windows)
    yield Check(
        "every fault took effect",
        "a fault did not take effect" if idle else "a fault could not be taken back",
        CheckKind.PROOF,
        not wrong,
        examples(wrong) if wrong else told,
    )
