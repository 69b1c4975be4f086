"""Which steps wait for which, and which would wait for ever: for a step that cannot be over before them. Pure.

Theory of operation
-------------------
Every step has a beginning and an end, and some of these moments come after others, whatever happens:

    a step's end after its beginning                  a step's beginning after the end of the one before it
    the beginning of what is inside after its own     its own end after the end of what is inside
    with ``after: name``, its beginning after the end of the step of that name

A story can be played if nobody waits in a circle. Each ``after`` is put in if it closes no circle, in the order of
the file, and is a mistake otherwise: all other waiting is by the order of the file and closes none.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from simulator.scenario.steps import Loc, Step

Moment = tuple[Loc, bool]
"""The beginning of the step at that place, or with True its end."""


@dataclass
class _Order:
    """What comes after what: from a moment to those that wait for it."""

    later: dict[Moment, list[Moment]] = field(default_factory=lambda: defaultdict(list))

    def put(self, first: Moment, then: Moment) -> None:
        self.later[first].append(then)

    def leads(self, first: Moment, to: Moment) -> bool:
        """Whether ``to`` waits for ``first``, directly or not."""
        seen, open_ = {first}, [first]
        while open_:
            moment = open_.pop()
            if moment == to:
                return True
            new = [later for later in self.later.get(moment, ()) if later not in seen]
            seen.update(new)
            open_ += new
        return False


def waits_for_ever(steps: Sequence[tuple[Loc, Step]], top: int) -> list[tuple[Loc, Step]]:
    """The steps whose ``after`` names one that cannot be over before they begin, in the order of the file.

    ``steps`` are all steps of a timeline with the way to each, those inside of others included; the ways of its own
    steps have ``top`` parts.
    """
    order = _Order()
    for loc, step in steps:
        order.put((loc, False), (loc, True))
        for inner, _ in step.inner:
            order.put((loc, False), ((*loc, *inner), False))
            order.put(((*loc, *inner), True), (loc, True))
    for row in _rows(steps, top):
        for before, after in pairwise(row):
            order.put((before, True), (after, False))
    places = {step.name: loc for loc, step in steps if step.name}
    found = []
    for loc, step in steps:
        if step.after not in places:
            continue
        if order.leads((loc, False), (places[step.after], True)):
            found.append((loc, step))
        else:
            order.put((places[step.after], True), (loc, False))
    return found


def _rows(steps: Iterable[tuple[Loc, Step]], top: int) -> list[list[Loc]]:
    """The places that are played one after the other: the timeline, each branch, the steps of each repeat."""
    rows: dict[Loc, list[Loc]] = defaultdict(list)
    for loc, _ in steps:
        rows[loc[:-1] if len(loc) > top else ()].append(loc)
    return list(rows.values())
