"""Percentiles, one rule for all of them: nearest rank, and how many samples each needs. Pure.

What is printed, drawn, judged and shown live counts by this rule. Only the values differ: the histogram of a result
has them by bucket (:mod:`simulator.verdict.histogram`), a drawing or an objective has each one.
"""

from collections.abc import Sequence
from math import ceil

_DECIMALS = 6
"""A share is written in decimals: 0.07 of 100 is 7, though the product of the two floats is a little more."""


def rank(share: float, count: int) -> int:
    """Which of ``count`` ordered values, from 1 on, is the least that ``share`` of them do not exceed."""
    return max(1, ceil(round(share * count, _DECIMALS)))


def percentile(ordered: Sequence[float], share: float) -> float:
    """The least of the ``ordered`` values that ``share`` of them do not exceed. ValueError without values."""
    if not ordered:
        raise ValueError("there is no percentile of nothing")
    return ordered[rank(share, len(ordered)) - 1]


def samples_for(share: float) -> int:
    """How many samples a percentile needs not to be the maximum by another name: 100 for p99, 1,000 for p99.9."""
    return 1 if share >= 1 else ceil(round(1 / (1 - share), _DECIMALS))
