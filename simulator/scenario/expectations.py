"""What a scenario expects: sentences that must hold, things that must have happened, how much evidence is enough."""

from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import Field, model_validator

from simulator.scenario.coherence import Problem, node_ids
from simulator.scenario.fields import Section, Share, Whole
from simulator.scenario.objectives import Objective, Scope, parse_objective
from simulator.scenario.quantities import LONGEST_OUTAGE
from simulator.scenario.sentences import ObjectiveText, SometimesText
from simulator.scenario.sometimes import Sometimes, parse_sometimes
from simulator.scenario.words import Misread


class Expectations(Section):
    """What must hold. A broken objective makes the verdict *fail*; evidence that is missing, *inconclusive*."""

    objectives: tuple[ObjectiveText, ...] = ()
    """What must hold, one sentence each, see below; a list in place of `expect` is short for this key alone."""
    sometimes: tuple[SometimesText, ...] = ()
    """What must have happened at least once, one sentence each, see below; never seen is *inconclusive*."""
    min_sessions_moved_per_node: Annotated[Whole, Field(ge=0)] = 1
    """Each node taken out must have had this many sessions to move, or the run has shown nothing."""
    min_requests_per_version_while_mixed: Annotated[Whole, Field(ge=0)] = 20
    """Each version must have answered this many requests in the state MIXED, or the run has shown nothing."""
    min_requests_while_refused: Annotated[Whole, Field(ge=0)] = 20
    """While a node was refused, the others must have answered this many requests, or the run has shown nothing."""
    min_arrivals_sent: Share = 1.0
    """The share of the intended arrivals that must have been sent; what was dropped was not measured."""
    min_probe_rate_kept: Share = 0.95
    """The share of probes and arrivals that must have been sent on time, or the measurement is not to be trusted."""

    @model_validator(mode="before")
    @classmethod
    def _in_short(cls, data: object) -> object:
        """A list is the objectives."""
        return {"objectives": data} if isinstance(data, list | tuple) else data

    @model_validator(mode="after")
    def _say_it_once(self) -> Self:
        known: dict[object, str] = {}
        for objective in self.parsed:
            if objective.subject in known:
                other = known[objective.subject]
                raise ValueError(f"{objective.text!r} is about the same as {other!r}: say it once")
            known[objective.subject] = objective.text
        return self

    @property
    def parsed(self) -> tuple[Objective, ...]:
        """The objectives, understood."""
        return tuple(map(parse_objective, self.objectives))

    @property
    def happenings(self) -> tuple[Sometimes, ...]:
        """What must have happened, understood."""
        return tuple(map(parse_sometimes, self.sometimes))

    @property
    def longest_outage_s(self) -> float | None:
        """How long an outage may be at any time; None if no objective says."""
        limits = [o.limit for o in self.parsed if o.quantity is LONGEST_OUTAGE and o.scope == Scope()]
        return limits[0] if limits else None


def replacing(sentences: Iterable[str], others: Iterable[str]) -> list[str]:
    """The sentences with ``others`` in place of those that are about the same; ones that cannot be read stay."""
    new = list({_subject(text): text for text in others}.values())
    subjects = {_subject(text) for text in new}
    return [text for text in sentences if _subject(text) not in subjects] + new


def unknown_nodes(expect: Expectations, nodes: int) -> list[Problem]:
    """The objectives and happenings that name a node which the cluster does not have."""
    known = node_ids(nodes)
    named = [("objectives", index, o.text, o.scope.node) for index, o in enumerate(expect.parsed)]
    named += [
        ("sometimes", index, h.text, h.name if h.what == "node" else "") for index, h in enumerate(expect.happenings)
    ]
    return [
        Problem(
            ("expect", key, index),
            f"there is no node {node!r} for {text!r}; this cluster has {known[0]} to {known[-1]}",
        )
        for key, index, text, node in named
        if node and node not in known
    ]


def _subject(text: object) -> object:
    try:
        return parse_objective(str(text)).subject
    except Misread:
        return text
