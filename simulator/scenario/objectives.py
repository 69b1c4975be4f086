"""The sentences of ``expect``: what must hold, in a language of one line. Pure: text in, an :class:`Objective` out.

    no requests lost                              sessions kept >= 99.5%
    p99 of view_issue < 800ms during upgrade      longest outage < 1s while node1 is out
    rate of errors < 0.1% while MIXED             cluster is STABLE within 60s

A sentence that cannot be read raises :class:`simulator.scenario.words.Misread`, which knows where it went wrong.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from simulator.record.requests import REQUEST_KINDS
from simulator.scenario.quantities import CLUSTER_IS, PERCENTILE, QUANTITIES, Quantity, Unit
from simulator.scenario.words import Reader
from zdu.durations import format_duration

CLUSTER_STATES = (
    "STABLE",
    "READY_TO_UPGRADE",
    "MIXED",
    "READY_TO_RUN_UPGRADE_TASKS",
    "RUNNING_UPGRADE_TASKS",
    "UPGRADE_TASKS_FAILED",
)
GROUPS = {
    "reads": "requests that only read",
    "writes": "requests that are to leave something in the database",
    "probes": "the probes of both kinds, instead of the users",
}
"""What ``of`` may name besides a kind of request."""


_BY_WORDS = {words: quantity for quantity in QUANTITIES for words in quantity.words if words.islower()}
_NONE = {words: quantity for quantity in QUANTITIES for words in quantity.none}
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,3})?)|max|median")


class Part(StrEnum):
    """A part of the run, by how it lies to what :class:`Scope` names."""

    WHOLE = ""
    DURING = "during"
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class Scope:
    """The part of the run that counts: all of it, or as long as something is so.

    ``what`` is ``upgrade``, a state of the cluster, or ``out``; then ``node`` is which node, empty for any.
    """

    part: Part = Part.WHOLE
    what: str = ""
    node: str = ""

    def __str__(self) -> str:
        """As it is written."""
        if self.what == "out":
            return f"while {self.node or 'a node'} is out"
        return " ".join(filter(None, (self.part.value, self.what)))


@dataclass(frozen=True)
class Objective:
    """One sentence, understood. ``limit`` is a count, a share from 0 to 1, or seconds, by ``unit``."""

    text: str
    quantity: Quantity
    unit: Unit
    comparison: str
    limit: float
    share: float = 0.0
    """The percentile as a share: 0.99 for p99, 1 for the maximum."""
    of: str = ""
    scope: Scope = Scope()
    state: str = ""
    since: str = ""

    @property
    def subject(self) -> tuple[object, ...]:
        """What it is about, without its limit: two sentences of one subject contradict or repeat each other."""
        return (self.quantity.name, self.unit, self.share, self.of, self.scope, self.state, self.since)

    def holds_for(self, value: float) -> bool:
        """Whether a measured value is within the limit; what floating point adds at the end does not count."""
        value = round(value, 9)
        match self.comparison:
            case "<":
                return value < self.limit
            case "<=":
                return value <= self.limit
            case ">":
                return value > self.limit
        return value >= self.limit

    def written_limit(self) -> str:
        """The limit as people write it."""
        match self.unit:
            case Unit.COUNT:
                return f"{self.limit:,.0f}"
            case Unit.SHARE:
                return f"{self.limit * 100:g}%"
        return format_duration(self.limit)


def parse_objective(text: str) -> Objective:
    """Understand one sentence. Raises Misread."""
    words = Reader(text)
    if words.take("no"):
        objective = _forbidden(words)
    elif words.take("cluster"):
        objective = _cluster_is(words)
    else:
        objective = _limited(words)
    words.end(_what_may_follow(objective))
    return objective


def _forbidden(words: Reader) -> Objective:
    """``no requests lost``, after the ``no``."""
    quantity = words.take_phrase(_NONE, "after 'no'")
    of = _of(words) if quantity.takes_of else ""
    scope = _scope(words) if quantity.takes_scope else Scope()
    return Objective(words.text, quantity, quantity.units[0], "<=", 0.0, of=of, scope=scope)


def _limited(words: Reader) -> Objective:
    """``p99 of view_issue < 800ms during upgrade``."""
    share, quantity = _percentile(words)
    if quantity is None:
        extra = ["no requests lost", "p99", "cluster is STABLE within"]
        quantity = words.take_phrase(_BY_WORDS, "at the beginning of an objective", extra)
    of = _of(words) if quantity.takes_of else ""
    comparison = words.take_comparison()
    if (comparison in {">", ">="}) is not quantity.more_is_better and comparison != "=":
        right = "> or >=" if quantity.more_is_better else "< or <="
        more = "more" if quantity.more_is_better else "less"
        raise words.misread_last(f"expected {right}, not {comparison}: {more} is better here")
    limit, unit = _limit(words, quantity)
    if comparison == "=":
        comparison = ">=" if quantity.more_is_better else "<="
    scope = _scope(words) if quantity.takes_scope else Scope()
    return Objective(words.text, quantity, unit, comparison, limit, share=share, of=of, scope=scope)


def _percentile(words: Reader) -> tuple[float, Quantity | None]:
    found = words.take_match(_PERCENTILE)
    if found is None:
        return 0.0, None
    if found[1] is None:
        return (1.0 if found[0] == "max" else 0.5), PERCENTILE
    share = round(float(found[1]) / 100, 6)
    if not 0 < share < 1:
        raise words.misread_last(f"{found[0]} is no percentile; p50, p90, p95, p99 and p99.9 are usual")
    return share, PERCENTILE


def _cluster_is(words: Reader) -> Objective:
    """``cluster is STABLE within 60s of MIXED``, after ``cluster``."""
    words.expect("is")
    state = words.take_one_of(CLUSTER_STATES, "a state of the cluster")
    words.expect("within")
    limit_s = words.take_duration()
    since = words.take_one_of(CLUSTER_STATES, "a state of the cluster") if words.take("of") else ""
    return Objective(words.text, CLUSTER_IS, Unit.DURATION, "<=", limit_s, state=state, since=since)


def _of(words: Reader) -> str:
    if not words.take("of"):
        return ""
    return words.take_one_of((*REQUEST_KINDS, *GROUPS), "a kind of request")


def _limit(words: Reader, quantity: Quantity) -> tuple[float, Unit]:
    if quantity.units == (Unit.DURATION,):
        return words.take_duration(), Unit.DURATION
    number, percent = words.take_number(" or ".join(quantity.units))
    unit = Unit.SHARE if percent else Unit.COUNT
    if unit not in quantity.units:
        raise words.misread_last(f"expected {' or '.join(quantity.units)}")
    if unit is Unit.COUNT and number != int(number):
        raise words.misread_last("expected a whole number, or a percentage")
    if unit is Unit.SHARE and number > 100:
        raise words.misread_last("more than 100% cannot be")
    return (number / 100 if percent else number), unit


def _scope(words: Reader) -> Scope:
    """``during upgrade``, ``while MIXED``, ``while node1 is out``, ``before upgrade``; the whole run without any."""
    for part in (Part.BEFORE, Part.AFTER):
        if words.take(part):
            words.take("the")
            words.expect("upgrade")
            return Scope(part, "upgrade")
    if not (words.take("during") or words.take("while")):
        return Scope()
    words.take("the")
    if words.take("upgrade"):
        return Scope(Part.DURING, "upgrade")
    if words.take("cluster"):
        words.expect("is")
        return Scope(Part.DURING, words.take_one_of(CLUSTER_STATES, "a state of the cluster"))
    node = "" if words.take("a node") else words.take_node()
    if node is None:
        known = ("upgrade", *CLUSTER_STATES, "node1 is out", "a node is out")
        return Scope(Part.DURING, words.take_one_of(CLUSTER_STATES, "a part of the run", known))
    words.take("is")
    words.expect("out")
    return Scope(Part.DURING, "out", node)


def _what_may_follow(objective: Objective) -> Sequence[str]:
    if objective.quantity is CLUSTER_IS:
        return () if objective.since else ("of STATE",)
    return ("during …", "while …") if objective.quantity.takes_scope and not objective.scope.part else ()
