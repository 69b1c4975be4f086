"""The phases of an upgrade, as its users lived through them. Pure.

From the first to the last moment of the load, every moment is in exactly one phase. While the load balancer has a
node out, that is the phase, whatever the cluster's state; else it is what the upgrade state says.
"""

from dataclasses import dataclass
from itertools import pairwise

from simulator.verdict.model import Evidence
from zdu.events import ClusterObserved, LoadStarted, LoadStopped

BEFORE, BETWEEN, AFTER = "before", "all in", "after"
WORDS = {
    "READY_TO_UPGRADE": "upgrade mode",
    "MIXED": "MIXED",
    "READY_TO_RUN_UPGRADE_TASKS": "ready to run upgrade tasks",
    "RUNNING_UPGRADE_TASKS": "upgrade tasks",
    "UPGRADE_TASKS_FAILED": "upgrade tasks failed",
}


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
        """Whether a moment belongs to it; of two phases that meet the later one has the moment."""
        return any(from_s <= t_s < to_s for from_s, to_s in self.stretches)


def find_phases(evidence: Evidence) -> list[Phase]:
    """The phases of a run in the order in which each began; none if there was no load."""
    starts, ends = evidence.events(LoadStarted), evidence.events(LoadStopped)
    if not starts:
        return []
    begin_s, end_s = starts[0][0], ends[-1][0] if ends else evidence.envelopes[-1].t_s
    changes = _state_changes(evidence)
    cuts = {begin_s, end_s, *(t_s for t_s, _ in changes)}
    for absence in evidence.absences:
        cuts |= {absence.out_s, end_s if absence.back_s is None else absence.back_s}
    inside = sorted(cut for cut in cuts if begin_s <= cut <= end_s)
    found: dict[str, list[tuple[float, float]]] = {}
    for from_s, to_s in pairwise(inside):
        stretches = found.setdefault(_name((from_s + to_s) / 2, changes, evidence), [])
        if stretches and stretches[-1][1] == from_s:
            stretches[-1] = (stretches[-1][0], to_s)
        else:
            stretches.append((from_s, to_s))
    return [Phase(name, tuple(stretches)) for name, stretches in found.items()]


def _state_changes(evidence: Evidence) -> list[tuple[float, str]]:
    """As the database has them, to the millisecond; as the nodes showed them, if nobody could read it."""
    return evidence.history or [(t_s, seen.state) for t_s, seen in evidence.events(ClusterObserved)]


def _name(t_s: float, changes: list[tuple[float, str]], evidence: Evidence) -> str:
    out = {absence.node for absence in evidence.absences if absence.covers(t_s)}
    if out:
        return f"{' and '.join(node for node in evidence.nodes if node in out)} out"
    if evidence.wanted:
        window = evidence.rolled_within or (float("inf"), 0.0)
        return BEFORE if t_s < window[0] else AFTER if t_s > window[1] else BETWEEN
    so_far = [state for at_s, state in changes if at_s <= t_s]
    if not so_far or (so_far[-1] == "STABLE" and set(so_far) == {"STABLE"}):
        return BEFORE
    return WORDS.get(so_far[-1], AFTER)
