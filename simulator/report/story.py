"""The story of a run, told in the order of the blog: chapters, their steps, and the node's page after each step."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from simulator.report.changes import Change
from simulator.report.lanes import Step
from simulator.report.moments import Moment, Moments, Visit
from simulator.report.upgrade_page import UpgradePage, page_of
from zdu.events import ChapterStarted, Envelope, LoadStopped, RunAborted, RunEnded, RunInterrupted, StepStarted


@dataclass(frozen=True)
class ToldStep:
    """A step, and the page as it was when the step was done; no page where nothing has changed."""

    step: Step
    done_s: float
    page: UpgradePage | None


@dataclass(frozen=True)
class Chapter:
    """A step of the timeline, and all that the operator did for it; a record without any has one, untitled."""

    title: str
    text: str
    notes: str
    steps: tuple[ToldStep, ...]


def find_steps(envelopes: Iterable[Envelope]) -> list[Step]:
    """The steps that were begun."""
    begun = [(envelope.t_s, envelope.event) for envelope in envelopes if isinstance(envelope.event, StepStarted)]
    return [Step(number, t_s, event.title, event.node) for number, (t_s, event) in enumerate(begun, start=1)]


def story_end_s(envelopes: Sequence[Envelope]) -> float:
    """When the story was over: the load was stopped, or the run broke off."""
    ends = (LoadStopped, RunAborted, RunInterrupted, RunEnded)
    found = [envelope.t_s for envelope in envelopes if isinstance(envelope.event, ends)]
    return min(found, default=envelopes[-1].t_s if envelopes else 0.0)


def tell_story(
    envelopes: Sequence[Envelope], nodes: Sequence[str], changes: Sequence[Change], visits: Sequence[Visit]
) -> list[Chapter]:
    """All chapters that were begun."""
    steps = find_steps(envelopes)
    moments = Moments(nodes, changes, visits)
    ends = [step.t_s for step in steps[1:]] + [story_end_s(envelopes)]
    before: Moment | None = None
    last: UpgradePage | None = None
    told = []
    for step, done_s in zip(steps, ends, strict=False):
        moment = moments.at(max(done_s, step.t_s))
        page = page_of(moment, step.node, before)
        if page and last and page.state == last.state and not any(row.news for row in page.rows):
            page = None
        told.append(ToldStep(step, done_s, page))
        if page:
            before, last = moment, page
    return _in_chapters(envelopes, told)


def _in_chapters(envelopes: Sequence[Envelope], told: Sequence[ToldStep]) -> list[Chapter]:
    begun = [(e.t_s, e.event) for e in envelopes if isinstance(e.event, ChapterStarted)]
    if not begun:
        return [Chapter("", "", "", tuple(told))] if told else []
    limits = [t_s for t_s, _ in begun] + [float("inf")]
    return [
        Chapter(
            title=chapter.title,
            text=chapter.text,
            notes=chapter.notes,
            steps=tuple(one for one in told if from_s <= one.step.t_s < to_s),
        )
        for (_, chapter), (from_s, to_s) in zip(begun, pairwise(limits), strict=True)
    ]
