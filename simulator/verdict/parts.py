"""The parts of a run, cut in one place. Pure.

Three things cut a run: the upgrade state, node by node being out, and the upgrade as a whole. From these come the
*windows* that a sentence means (``while MIXED``, ``while node1 is out``, ``during upgrade``), which may overlap, and
the *phases* that users lived through, which do not: each moment of the load is in exactly one. Where two parts meet,
the later one has the moment.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import inf

from simulator.scenario.objectives import Part, Scope
from simulator.verdict.model import Evidence
from zdu.events import ClusterObserved, LoadStarted, LoadStopped

Windows = list[tuple[float, float]]
"""Stretches in order, in seconds of the run, each without its end."""

BEFORE, BETWEEN, AFTER = "before", "all in", "after"
WORDS = {
    "READY_TO_UPGRADE": "upgrade mode",
    "MIXED": "MIXED",
    "READY_TO_RUN_UPGRADE_TASKS": "ready to run upgrade tasks",
    "RUNNING_UPGRADE_TASKS": "upgrade tasks",
    "UPGRADE_TASKS_FAILED": "upgrade tasks failed",
}


def inside(at_s: float, windows: Windows) -> bool:
    """Whether that moment lies in one of the stretches."""
    return any(from_s <= at_s < to_s for from_s, to_s in windows)


def overlaps_s(from_s: float, to_s: float, windows: Windows) -> list[float]:
    """How much of a stretch lies in each of the windows that it touches, in seconds."""
    return [
        min(to_s, until_s) - max(from_s, since_s)
        for since_s, until_s in windows
        if from_s <= until_s and since_s <= to_s
    ]


def windows_of(scope: Scope, evidence: Evidence) -> Windows:
    """The stretches that a sentence means; none if there was no such part."""
    if scope.part is Part.WHOLE:
        return [(-inf, inf)]
    if scope.what == "out":
        return [(a.out_s, _back_s(a.back_s)) for a in evidence.absences if scope.node in {"", a.node}]
    if scope.what != "upgrade":
        return state_windows(scope.what, evidence)
    return _around_the_upgrade(scope.part, evidence)


def state_windows(state: str, evidence: Evidence) -> Windows:
    """When the cluster was in that state: from the database's row that says so to the next one."""
    return [(from_s, to_s) for from_s, to_s, name in _states(evidence.history) if name == state]


@dataclass(frozen=True)
class Phase:
    """A phase and when it was: ``node1 out``, or ``MIXED`` in several stretches."""

    name: str
    stretches: tuple[tuple[float, float], ...]

    @property
    def duration_s(self) -> float:
        """All stretches together."""
        return sum(to_s - from_s for from_s, to_s in self.stretches)

    def covers(self, t_s: float) -> bool:
        """Whether a moment belongs to it."""
        return inside(t_s, list(self.stretches))


def find_phases(evidence: Evidence) -> list[Phase]:
    """The phases of a run in the order in which each began; none if there was no load.

    While the load balancer has a node out, that is the phase, whatever the cluster's state; else it is what the
    upgrade state says: as the database has it, to the millisecond; as the nodes showed it, if nobody could read that.
    """
    starts, ends = evidence.events(LoadStarted), evidence.events(LoadStopped)
    if not starts:
        return []
    begin_s, end_s = starts[0][0], ends[-1][0] if ends else evidence.envelopes[-1].t_s
    states = _states(evidence.history or [(t_s, seen.state) for t_s, seen in evidence.events(ClusterObserved)])
    cuts = {begin_s, end_s, *(from_s for from_s, _, _ in states)}
    for absence in evidence.absences:
        cuts |= {absence.out_s, _back_s(absence.back_s)}
    found: dict[str, Windows] = {}
    for from_s, to_s in pairwise(sorted(cut for cut in cuts if begin_s <= cut <= end_s)):
        stretches = found.setdefault(_phase_at((from_s + to_s) / 2, states, evidence), [])
        goes_on = bool(stretches) and stretches[-1][1] == from_s
        stretches.append((stretches.pop()[0] if goes_on else from_s, to_s))
    return [Phase(name, tuple(stretches)) for name, stretches in found.items()]


def _states(changes: list[tuple[float, str]]) -> list[tuple[float, float, str]]:
    """From when to when the cluster was in which state. It begins STABLE; a change within no time is none."""
    rows = [(-inf, "STABLE"), *changes, (inf, "")]
    return [(from_s, to_s, state) for (from_s, state), (to_s, _) in pairwise(rows) if from_s < to_s]


def _back_s(back_s: float | None) -> float:
    """When a node that was out came back: at no time, if it never did."""
    return inf if back_s is None else back_s


def _phase_at(t_s: float, states: list[tuple[float, float, str]], evidence: Evidence) -> str:
    out = {absence.node for absence in evidence.absences if absence.covers(t_s)}
    if out:
        return f"{' and '.join(node for node in evidence.nodes if node in out)} out"
    if evidence.wanted:
        window = evidence.rolled_within or (inf, inf)
        return BEFORE if t_s < window[0] else AFTER if t_s > window[1] else BETWEEN
    so_far = [state for from_s, _, state in states if from_s <= t_s]
    return BEFORE if set(so_far) == {"STABLE"} else WORDS.get(so_far[-1], AFTER)


def _around_the_upgrade(part: Part, evidence: Evidence) -> Windows:
    """The upgrade lasts from the first row of the history to the last one that says STABLE.

    Another application has no such history: there it is from the first node that is out to the last one that is back.
    """
    if evidence.wanted:
        window = evidence.rolled_within
        return _around(part, *window) if window else []
    starts = [at_s for at_s, state in evidence.history if state == "READY_TO_UPGRADE"]
    if not starts:
        return []
    ends = [at_s for at_s, state in evidence.history if state == "STABLE" and at_s > starts[0]]
    return _around(part, starts[0], ends[-1] if ends else inf)


def _around(part: Part, start_s: float, end_s: float) -> Windows:
    match part:
        case Part.BEFORE:
            return [(-inf, start_s)]
        case Part.AFTER:
            return [(end_s, inf)] if end_s < inf else []
    return [(start_s, end_s)]
