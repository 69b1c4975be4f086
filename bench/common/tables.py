"""Figures and how they are shown: medians, ratios, Markdown tables, and where in a document they stand. Pure."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from simulator.percentiles import rank
from zdu.markdown import markdown_table, replaced_between_markers

__all__ = [
    "Target",
    "markdown_table",
    "median_or_nan",
    "number",
    "percentile",
    "replaced_between_markers",
    "rotated",
    "targets_table",
]


def median_or_nan(values: Sequence[float]) -> float:
    """The median; NaN if there is none, because every round was invalid."""
    return statistics.median(values) if values else math.nan


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that ``share`` of the sorted values do not exceed (nearest rank); NaN of nothing."""
    if not ordered:
        return math.nan
    return ordered[rank(share, len(ordered)) - 1]


def rotated(items: Sequence[str], turn: int) -> list[str]:
    """The same items, beginning with another one at each turn, so that none is always measured first."""
    start = turn % len(items)
    return [*items[start:], *items[:start]]


def number(value: float, digits: int = 0) -> str:
    """``12,345`` or ``1.23``; a dash for what was not measured."""
    return "–" if math.isnan(value) else f"{value:,.{digits}f}"


@dataclass(frozen=True)
class Target:
    """Something that was promised: ``value`` is to be at least or at most ``bound``."""

    name: str
    value: float
    bound: float
    at_least: bool
    unit: str = ""

    @property
    def met(self) -> bool | None:
        """None if it was not measured."""
        if math.isnan(self.value):
            return None
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def row(self) -> list[str]:
        """What, wanted, found, verdict."""
        verdict = {True: "met", False: "**not met**", None: "not measured"}[self.met]
        sign = "≥" if self.at_least else "≤"
        return [self.name, f"{sign} {self.bound:g}{self.unit}", number(self.value, 2) + self.unit, verdict]


def targets_table(targets: Sequence[Target]) -> str:
    """One row a target."""
    return markdown_table(["Target", "wanted", "found", "verdict"], [target.row() for target in targets])
