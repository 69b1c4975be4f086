"""The part of the reference that explains the sentences of ``expect``, made from the tables that parse them."""

from collections.abc import Iterable
from textwrap import fill

from simulator.record.requests import REQUEST_KINDS
from simulator.scenario.objectives import GROUPS
from simulator.scenario.quantities import CLUSTER_IS, QUANTITIES, Quantity, Unit
from simulator.scenario.sometimes import HAPPENINGS, WITH_NAMES

_PARTS = {
    "during upgrade": "from the start of the upgrade until the cluster is STABLE again",
    "before upgrade": "until the upgrade is started",
    "after upgrade": "once the cluster is STABLE again",
    "while MIXED": "as long as the cluster is in that state; any of its states",
    "while node1 is out": "as long as the load balancer has that node out",
    "while a node is out": "as long as any node is out",
}


def sentence_tables() -> list[str]:
    """The tables of objectives, of what may follow them, and of what may happen sometimes."""
    kinds = ", ".join(f"`{kind}`" for kind in REQUEST_KINDS)
    groups = "; ".join(f"`{name}`, {meaning}" for name, meaning in GROUPS.items())
    return [
        "### Objectives",
        _text(
            "Each is a quantity, a comparison (`<` or `<=`, `>` or `>=` where more is better, `=` for either) and a "
            "limit; or `no` and what must not be."
        ),
        _rows(("sentence", "limit", "`of`", "part", "what is measured"), map(_quantity, QUANTITIES)),
        _text(f"`of` names a kind of request: {kinds}. Or several: {groups}."),
        "The part of the run that counts may be named at the end; without it, all of it counts.",
        _rows(("part", "which is"), ((f"`{part}`", meaning) for part, meaning in _PARTS.items())),
        "### `sometimes`",
        "`at least N times` may follow each.",
        _rows(
            ("sentence", "what must have been seen"),
            ((f"`{sentence}`", meaning) for sentence, meaning in {**HAPPENINGS, **WITH_NAMES}.items()),
        ),
    ]


def _quantity(quantity: Quantity) -> tuple[str, ...]:
    words = [f"`{words}`" for words in quantity.words]
    if quantity is CLUSTER_IS:
        words = ["`cluster is STABLE within 60s`"]
    words += [f"`no {quantity.none[0]}`"] if quantity.none else []
    units = {Unit.COUNT: "number", Unit.SHARE: "percentage", Unit.DURATION: "duration"}
    limit = " or ".join(units[unit] for unit in quantity.units)
    yes = ("yes" if quantity.takes_of else "–", "yes" if quantity.takes_scope else "–")
    return (" or ".join(words), limit, *yes, quantity.meaning)


def _text(words: str) -> str:
    return fill(words, width=118, break_long_words=False, break_on_hyphens=False)


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
