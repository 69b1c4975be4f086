"""Figures and how they are shown: medians, ratios, Markdown tables, and where in a document they stand. Pure."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.common.errors import BenchError


def median_or_nan(values: Sequence[float]) -> float:
    """The median; NaN if there is none, because every round was invalid."""
    return statistics.median(values) if values else math.nan


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that ``share`` of the sorted values do not exceed (nearest rank); NaN of nothing."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def rotated(items: Sequence[str], turn: int) -> list[str]:
    """The same items, beginning with another one at each turn, so that none is always measured first."""
    start = turn % len(items)
    return [*items[start:], *items[:start]]


def number(value: float, digits: int = 0) -> str:
    """``12,345`` or ``1.23``; a dash for what was not measured."""
    return "–" if math.isnan(value) else f"{value:,.{digits}f}"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose source can be read too: first column left, the others right, all padded."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]

    def line(row: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return f"| {' | '.join([first, *others])} |"

    ruler = (
        "|" + "|".join("-" * (widths[0] + 2) if not i else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    )
    return "\n".join([line(cells[0]), ruler, *map(line, cells[1:])])


def replaced_between_markers(document: str, name: str, text: str) -> str:
    """``document`` with ``text`` between ``<!-- name -->`` and ``<!-- /name -->``.

    Raises BenchError if the markers are not there, each once and in this order.
    """
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if document.count(begin) != 1 or document.count(end) != 1 or document.index(begin) > document.index(end):
        raise BenchError(f"the document must have {begin} and then {end}, each once")
    before, rest = document.split(begin)
    after = rest.split(end)[1]
    return f"{before}{begin}\n{text.strip()}\n{end}{after}"


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
