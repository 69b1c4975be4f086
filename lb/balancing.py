"""Which of several usable nodes gets a new session.

The pool asks one :class:`Algorithm`. Requests that are bound to a node by their cookie count in its load, too: they
are in ``in_flight`` like all others.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from lb.config import Balance


class Candidate(NamedTuple):
    """A node that may be chosen, with what an algorithm may want to weigh."""

    name: str
    weight: float
    in_flight: int


class Algorithm(Protocol):
    """Chooses among candidates; may remember earlier choices.

    A candidate of weight 0 counts as 1: it is here because nothing else is usable.
    """

    def choose(self, candidates: Sequence[Candidate]) -> Candidate:
        """One of ``candidates``, which are never empty and always come in the same order."""
        ...


class Rng(Protocol):
    """The part of ``random.Random`` that draws nodes."""

    def random(self) -> float:
        """A number from 0 up to, but not including, 1."""
        ...

    def uniform(self, a: float, b: float, /) -> float:
        """A number between ``a`` and ``b``."""
        ...


def algorithm_for(balance: Balance, rng: Rng) -> Algorithm:
    """The algorithm that the configuration names; ``rng`` serves those that draw."""
    if balance is Balance.LEASTCONN:
        return LeastConnections()
    if balance is Balance.RANDOM:
        return TwoChoices(rng)
    return SmoothRoundRobin()


class SmoothRoundRobin:
    """Weighted round robin that interleaves: weights 2 and 1 give a, b, a and not a, a, b.

    nginx's algorithm: each round every candidate gains its weight, the richest is chosen and pays the sum of all.
    Over any ``sum of weights`` consecutive rounds with unchanged candidates, each is chosen exactly ``weight`` times.
    """

    def __init__(self) -> None:
        self._credit: dict[str, float] = {}

    def choose(self, candidates: Sequence[Candidate]) -> Candidate:
        """The next node in turn."""
        credits_of = self._credit
        chosen = candidates[0]
        total, most = 0.0, -math.inf
        for candidate in candidates:
            name, weight, _ = candidate
            gain = weight or 1
            total += gain
            credits_of[name] = credit = credits_of.get(name, 0) + gain
            if credit > most:
                chosen, most = candidate, credit
        credits_of[chosen.name] -= total
        return chosen


class LeastConnections:
    """The node with the fewest requests in flight by its weight (HAProxy's ``leastconn``); equals take turns."""

    def __init__(self) -> None:
        self._turns = SmoothRoundRobin()

    def choose(self, candidates: Sequence[Candidate]) -> Candidate:
        """The least busy node, as it would be with this request."""
        loads = [_load(candidate) for candidate in candidates]
        least = min(loads)
        return self._turns.choose([c for c, load in zip(candidates, loads, strict=True) if load == least])


class TwoChoices:
    """Two different nodes are drawn by weight and the less busy one is taken: the power of two choices.

    Nearly as even as least connections, and it never sends a herd to the one node that is empty (Mitzenmacher 2001;
    HAProxy's ``random(2)``).
    """

    def __init__(self, rng: Rng) -> None:
        self._rng = rng

    def choose(self, candidates: Sequence[Candidate]) -> Candidate:
        """The less busy of two draws; of equals the first drawn, so that weights hold when nothing is going on."""
        first = self._draw(candidates)
        others = [candidate for candidate in candidates if candidate is not first]
        if not others:
            return first
        second = self._draw(others)
        return second if _load(second) < _load(first) else first

    def _draw(self, candidates: Sequence[Candidate]) -> Candidate:
        point = self._rng.random() * sum(candidate.weight or 1 for candidate in candidates)
        for candidate in candidates:
            point -= candidate.weight or 1
            if point < 0:
                return candidate
        return candidates[-1]


def _load(candidate: Candidate) -> float:
    """Requests by weight, this one included, so that of two empty nodes the stronger one is the less busy."""
    return (candidate.in_flight + 1) / (candidate.weight or 1)
