"""What a virtual user does next. Pure: the choices come from a seeded generator that is passed in."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

_VERBS = ("Check", "Repair", "Replace", "Measure", "Describe", "Simplify", "Test", "Order", "Clean", "Review")
_THINGS = ("search page", "mail gateway", "import", "print queue", "backup", "report", "board", "filter", "dashboard")
_REMARKS = ("Seen again today.", "Works for me now.", "Please look at this first.", "Done, ready for review.")


def choose_action(weights: Mapping[str, float], rng: "Random") -> str:
    """One action, by its weight. At least one weight is more than 0."""
    names = list(weights)
    return rng.choices(names, weights=[weights[name] for name in names])[0]


def think_time_s(shortest_s: float, longest_s: float, rng: "Random") -> float:
    """How long the user looks at a page."""
    return rng.uniform(shortest_s, longest_s)


def choose_issue(own: Sequence[str], common: Sequence[str], rng: "Random") -> str:
    """An issue to work on: one's own as often as any other; own ones show whether one's writes are still there."""
    pools = [pool for pool in (own, common) if pool]
    return rng.choice(rng.choice(pools))


def invent_summary(rng: "Random") -> str:
    """A believable summary."""
    return f"{rng.choice(_VERBS)} the {rng.choice(_THINGS)}"


def invent_comment(rng: "Random") -> str:
    """A believable comment."""
    return rng.choice(_REMARKS)
