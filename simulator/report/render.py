"""The report of a run: one HTML file that needs nothing but itself."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from simulator.record.requests import RequestRecord
from simulator.report import content
from simulator.report.changes import find_changes, node_names
from simulator.report.drawing import CLUSTER_STATES, Picture, css_word, draw, short_word
from simulator.report.feed import MAX_FAILURES, build_feed
from simulator.report.lanes import cluster_states, node_lanes
from simulator.report.moments import find_visits
from simulator.report.scripts import joined
from simulator.report.series import buckets, by_kind
from simulator.report.story import find_steps, tell_story
from zdu.events import Envelope, RunStarted

_CODE = re.compile("`([^`]+)`")


def render_report(result: Mapping[str, Any], envelopes: Sequence[Envelope], requests: Sequence[RequestRecord]) -> str:
    """The page as text; ``result`` is what ``result.json`` holds. All times count from the start of the run."""
    end_s = max([envelope.t_s for envelope in envelopes] + [record.end_s for record in requests] + [0.001])
    failures = sorted((record for record in requests if record.failed), key=lambda record: record.intended_s)
    nodes, changes, visits = node_names(envelopes), find_changes(envelopes), find_visits(requests)
    steps, cluster = find_steps(envelopes), cluster_states(envelopes, end_s)
    feed = build_feed(
        envelopes=envelopes,
        requests=requests,
        nodes=nodes,
        changes=changes,
        visits=visits,
        cluster=cluster,
        steps=steps,
        end_s=end_s,
    )
    noticed = content.noticed_of(result, failures)
    picture = Picture(
        end_s=end_s,
        steps=steps,
        cluster=cluster,
        nodes=node_lanes(envelopes, end_s),
        buckets=buckets(requests),
        moves=content.moves_of(result),
        failures=failures,
        outages=content.outages_of(result),
    )
    return (
        page_environment()
        .get_template("report.html")
        .render(
            scenario=str(result.get("scenario", "run")),
            verdict=content.verdict_of(result),
            reasons=[str(reason) for reason in result.get("reasons") or []],
            tiles=content.tiles_of(result),
            feed=feed if nodes and (changes or visits) else None,
            feed_json=inline_json(feed),
            scripts=Markup(joined()),  # noqa: S704 - our own files
            max_failures=MAX_FAILURES,
            states_strip=[state for state in CLUSTER_STATES if state in {segment.word for segment in cluster}],
            intro=_intro(envelopes),
            chapters=tell_story(envelopes, nodes, changes, visits),
            old_version=feed["old_version"],
            picture=picture,
            drawing=draw(picture),
            checks=content.checks_of(result),
            tables=content.tables_of(result),
            kinds=by_kind(requests),
            noticed=noticed[: content.MAX_FAILURES],
            more=max(len(noticed) - content.MAX_FAILURES, len(failures) - content.MAX_FAILURES, 0),
            setup=content.setup_of(result),
            command=str(result.get("command", "")),
        )
    )


def page_environment() -> Environment:
    """The templates of all pages that are made from records."""
    environment = Environment(
        loader=PackageLoader("simulator.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["css_word"] = css_word
    environment.filters["short_word"] = short_word
    environment.filters["prose"] = prose
    return environment


def prose(text: str) -> Markup:
    """Text of a scenario for the page; what stands between backticks is code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def inline_json(data: object) -> Markup:
    """``data`` for a script element: no text in it can end the element or begin another."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    escaped = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(escaped)  # noqa: S704 - nothing is left in it that HTML would take for markup


def _intro(envelopes: Sequence[Envelope]) -> list[str]:
    """The scenario's own story, a paragraph each."""
    started = [envelope.event for envelope in envelopes if isinstance(envelope.event, RunStarted)]
    story = str(started[0].played.get("story", "")) if started else ""
    return [" ".join(paragraph.split()) for paragraph in story.split("\n\n") if paragraph.strip()]
