"""How the canary's users fare: what a roll with ``canary_expect`` is told of the nodes that went first.

The sentences are measured as those of a verdict are, over the users' requests that the canary has answered since it
came back. A breach is a sentence that can no longer hold with as many requests as are needed to tell; until so many
have come the canary is not judged, and the roll waits.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from simulator.record.requests import RequestRecord
from simulator.roll import NodeSeen
from simulator.roll_policy import RollPolicy
from simulator.scenario.expectations import Expectations
from simulator.scenario.objectives import Objective, parse_objective
from simulator.scenario.quantities import PERCENTILE, Unit
from simulator.verdict.measures import Measured, measure
from simulator.verdict.model import Evidence
from zdu.events import CanaryJudged


class Fares(NamedTuple):
    """How users fare: ``trouble`` is what they suffered that they must not, empty if nothing.

    ``judged`` is whether there are requests enough to tell, ``told`` each sentence with what was measured.
    """

    trouble: str
    judged: bool
    told: str


class CanaryWatch:
    """Follows the requests of a run for as long as one roll lasts."""

    def __init__(self, policy: RollPolicy, requests: Sequence[RequestRecord]) -> None:
        """``requests`` is a list that grows."""
        self._policy = policy
        self._canary = policy.order[: policy.canary]
        self._objectives = tuple(map(parse_objective, policy.canary_expect))
        self._requests = requests
        self._looked_at = len(requests)
        self._back_since_s: dict[str, float] = {}
        self._answered: list[RequestRecord] = []
        self._fares = fares(self._objectives, self._answered)

    def look(self, seen: tuple[NodeSeen, ...], now_s: float) -> tuple[NodeSeen, ...]:
        """The cluster as it is seen at ``now_s`` of the run, with what is to be said of the canary's users."""
        if not self._objectives:
            return seen
        for node in seen:
            if node.node_id not in self._canary or node.version != self._policy.to_version or not node.carries_load:
                self._back_since_s.pop(node.node_id, None)
            else:
                self._back_since_s.setdefault(node.node_id, now_s)
        if self._read_on():
            self._fares = fares(self._objectives, self._answered)
        trouble, judged, _ = self._fares
        return tuple(
            replace(node, trouble=trouble and f"{node.node_id} is a bad canary: {trouble}", judged=judged)
            if node.node_id in self._back_since_s
            else node
            for node in seen
        )

    def judged(self) -> CanaryJudged:
        """What is to be said of the canary by now, for the record."""
        trouble, judged, told = self._fares
        outcome = "fail" if trouble else "pass" if judged else "inconclusive"
        return CanaryJudged(list(self._canary), self._policy.to_version, outcome, told)

    def _read_on(self) -> bool:
        """Whether the canary has answered anybody since the last look."""
        new = self._requests[self._looked_at :]
        self._looked_at += len(new)
        theirs = [r for r in new if r.by_user and r.sent_s >= self._back_since_s.get(r.node, float("inf"))]
        self._answered += theirs
        return bool(theirs)


def fares(objectives: Sequence[Objective], requests: list[RequestRecord]) -> Fares:
    """How users fare by the requests that the canary has answered so far."""
    evidence = Evidence([], requests, Expectations(), (), (), "", "")
    measured = [(objective, measure(objective, evidence)) for objective in objectives]
    lost = [f"{one.text!r} does not hold ({what.told})" for one, what in measured if _is_lost(one, what)]
    return Fares(
        trouble=lost[0] if lost else "",
        judged=bool(lost) or all(what.samples >= what.needed for _, what in measured),
        told="; ".join(f"{one.text!r}: {what.told}; {_samples(what)}" for one, what in measured),
    )


def _samples(measured: Measured) -> str:
    return f"{measured.samples:,} samples of at least {measured.needed:,}"


def _is_lost(objective: Objective, measured: Measured) -> bool:
    """Whether it does not hold, and will not with as many samples as are needed."""
    if measured.value is None or objective.holds_for(measured.value):
        return False
    if objective.quantity is PERCENTILE:
        return measured.samples >= measured.needed
    if objective.unit is Unit.SHARE:
        return measured.value * measured.samples > objective.limit * max(measured.samples, measured.needed)
    return True
