"""Which of several usable nodes gets a new session.

The pool asks one :class:`Algorithm`; another one (least connections, two random choices) is another small class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Candidate:
    """A node that may be chosen, with what an algorithm may want to weigh."""

    name: str
    weight: int
    in_flight: int


class Algorithm(Protocol):
    """Chooses among candidates; may remember earlier choices."""

    def choose(self, candidates: Sequence[Candidate]) -> Candidate:
        """One of ``candidates``, which are never empty and always come in the same order."""
        ...


class SmoothRoundRobin:
    """Weighted round robin that interleaves: weights 2 and 1 give a, b, a and not a, a, b.

    nginx's algorithm: each round every candidate gains its weight, the richest is chosen and pays the sum of all.
    Over any ``sum of weights`` consecutive rounds with unchanged candidates, each is chosen exactly ``weight`` times.
    """

    def __init__(self) -> None:
        self._credit: dict[str, int] = {}

    def choose(self, candidates: Sequence[Candidate]) -> Candidate:
        """The next node in turn. Candidates of weight 0 count as 1: they are here because nothing else is usable."""
        total = 0
        for candidate in candidates:
            gain = max(1, candidate.weight)
            total += gain
            self._credit[candidate.name] = self._credit.get(candidate.name, 0) + gain
        chosen = max(candidates, key=lambda candidate: self._credit[candidate.name])
        self._credit[chosen.name] -= total
        return chosen
