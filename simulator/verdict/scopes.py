"""Which stretches of a run a part of it means: ``during upgrade``, ``while MIXED``, ``while node1 is out``. Pure."""

from itertools import pairwise
from math import inf

from simulator.scenario.objectives import Part, Scope
from simulator.verdict.model import Evidence

Windows = list[tuple[float, float]]


def windows_of(scope: Scope, evidence: Evidence) -> Windows:
    """The stretches in order, in seconds of the run; none if there was no such part."""
    if scope.part is Part.WHOLE:
        return [(-inf, inf)]
    if scope.what == "out":
        return [
            (absence.out_s, inf if absence.back_s is None else absence.back_s)
            for absence in evidence.absences
            if scope.node in {"", absence.node}
        ]
    if scope.what != "upgrade":
        return state_windows(scope.what, evidence)
    return _around_the_upgrade(scope.part, evidence)


def state_windows(state: str, evidence: Evidence) -> Windows:
    """When the cluster was in that state: from the database's row that says so to the next one. It begins STABLE."""
    rows = [(-inf, "STABLE"), *evidence.history, (inf, "")]
    return [(from_s, to_s) for (from_s, name), (to_s, _) in pairwise(rows) if name == state and from_s < to_s]


def inside(at_s: float, windows: Windows) -> bool:
    """Whether that moment lies in one of the stretches."""
    return any(from_s <= at_s <= to_s for from_s, to_s in windows)


def overlaps_s(from_s: float, to_s: float, windows: Windows) -> list[float]:
    """How much of a stretch lies in each of the windows that it touches, in seconds."""
    return [
        min(to_s, until_s) - max(from_s, since_s)
        for since_s, until_s in windows
        if from_s <= until_s and since_s <= to_s
    ]


def _around_the_upgrade(part: Part, evidence: Evidence) -> Windows:
    """The upgrade lasts from the first row of the history to the last one that says STABLE.

    Another application has no such history: there it is from the first node that is out to the last one that is back.
    """
    if evidence.wanted:
        window = evidence.rolled_within
        starts, ends = ([window[0]], [window[1]]) if window else ([], [])
        return _around(part, starts, ends)
    starts = [at_s for at_s, state in evidence.history if state == "READY_TO_UPGRADE"]
    ends = [at_s for at_s, state in evidence.history if state == "STABLE" and at_s > starts[0]] if starts else []
    return _around(part, starts, ends)


def _around(part: Part, starts: list[float], ends: list[float]) -> Windows:
    if not starts:
        return []
    end_s = ends[-1] if ends else inf
    match part:
        case Part.BEFORE:
            return [(-inf, starts[0])]
        case Part.AFTER:
            return [(end_s, inf)] if ends else []
    return [(starts[0], end_s)]
