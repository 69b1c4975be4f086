"""Two runs on one page, on one time axis: one HTML file that needs nothing but itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from simulator.record.reading import RunRecord
from simulator.report.changes import find_changes, node_names
from simulator.report.comparison import Comparison, compare
from simulator.report.content import Verdict, setup_of, verdict_of
from simulator.report.drawing import Drawing, Picture, draw, states_of
from simulator.report.feed import build_feed
from simulator.report.moments import find_visits
from simulator.report.page import inline_json, page_environment
from simulator.report.picture import picture_of
from simulator.report.scripts import PAIR, joined
from simulator.report.series import Bucket, buckets
from simulator.report.story import story_end_s
from simulator.report.tables import Table, latency_tables
from zdu.events import Envelope, LoadStarted, LoadStopped, NodeTakenOut, ProcessExited, ProcessStopping

AFTER_THE_STORY_S = 1.0
ANCHORS = {"users": "the users began", "out": "the first node was out"}
"""The moments from which both players count, and how they are called."""


@dataclass(frozen=True)
class ComparedRun:
    """One of the two, made ready for the page."""

    letter: str
    name: str
    verdict: Verdict
    command: str
    setup: list[tuple[str, str]]
    picture: Picture
    drawing: Drawing
    feed: dict[str, Any]
    states: list[str]
    latencies: list[Table]


def compare_records(records: Sequence[RunRecord], results: Sequence[dict[str, Any]]) -> Comparison:
    """The comparison of two runs."""
    first, second = results
    return compare(first, second, first_played=records[0].started.played, second_played=records[1].started.played)


def render_comparison(records: Sequence[RunRecord], results: Sequence[dict[str, Any]]) -> str:
    """The page as text. Both runs' time counts from the moment at which their load began."""
    starts = [_load_began_s(record) for record in records]
    span_s = AFTER_THE_STORY_S + max(
        story_end_s(record.envelopes) - start_s for record, start_s in zip(records, starts, strict=True)
    )
    beside = [bucket for record in records for bucket in buckets(record.requests)]
    runs = [
        _compared(letter, record, result, start_s, start_s + span_s, beside)
        for letter, record, result, start_s in zip("AB", records, results, starts, strict=True)
    ]
    words = dict.fromkeys(word for run in runs for word in run.drawing.node_words)
    return (
        page_environment()
        .get_template("comparison.html")
        .render(
            runs=runs,
            comparison=compare_records(records, results),
            node_words=list(words),
            feeds_json=inline_json([run.feed for run in runs]),
            anchors=[name for name in ANCHORS if all(name in run.feed["anchors"] for run in runs)],
            anchor_words=ANCHORS,
            scripts=Markup(joined(PAIR)),  # noqa: S704 - our own files
        )
    )


def _feed(record: RunRecord, picture: Picture) -> dict[str, Any]:
    """What the player needs of one run, and the moments of it from which time can be counted."""
    nodes = node_names(record.envelopes)
    feed = build_feed(
        envelopes=record.envelopes,
        requests=record.requests,
        nodes=nodes,
        changes=find_changes(record.envelopes),
        visits=find_visits(record.requests),
        cluster=picture.cluster,
        steps=picture.steps,
        end_s=story_end_s(record.envelopes),
    )
    out_s = _first_out_s(record.envelopes, nodes, after_s=feed["start_s"])
    return {**feed, "anchors": {"users": feed["start_s"], **({"out": out_s} if out_s is not None else {})}}


def _first_out_s(envelopes: Sequence[Envelope], nodes: Sequence[str], *, after_s: float) -> float | None:
    """When the first node was out: drained to the end, told to stop, or dead; None if none ever was."""
    for envelope in envelopes:
        if isinstance(envelope.event, LoadStopped):
            return None  # from here on everything is stopped
        left = (isinstance(envelope.event, NodeTakenOut) and envelope.event.node) or (
            isinstance(envelope.event, ProcessStopping | ProcessExited) and envelope.event.process
        )
        if left in nodes and envelope.t_s >= after_s:
            return round(getattr(envelope.event, "at_s", envelope.t_s), 3)
    return None


def _load_began_s(record: RunRecord) -> float:
    return min((e.t_s for e in record.envelopes if isinstance(e.event, LoadStarted)), default=0.0)


def _compared(
    letter: str, record: RunRecord, result: dict[str, Any], start_s: float, end_s: float, beside: Sequence[Bucket]
) -> ComparedRun:
    whole = picture_of(result, record.envelopes, record.requests, start_s=start_s, end_s=end_s)
    picture = replace(whole, beside=beside)
    return ComparedRun(
        letter=letter,
        name=f"{result['scenario']}/{record.folder.path.name}",
        verdict=verdict_of(result),
        command=str(result.get("command", "")),
        setup=setup_of(result),
        picture=picture,
        drawing=draw(picture),
        feed=_feed(record, picture),
        states=states_of(picture),
        latencies=[table for table in latency_tables(result, record.requests) if "phase" in table.columns],
    )
