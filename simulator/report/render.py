"""The report of a run: one HTML file that needs nothing but itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from simulator.database_target import told_of_the_password
from simulator.of_jira import of_jira
from simulator.record.requests import RequestRecord
from simulator.report import content
from simulator.report.changes import find_changes, node_names
from simulator.report.drawing import draw, states_of
from simulator.report.feed import build_feed
from simulator.report.moments import find_visits
from simulator.report.page import inline_json, page_environment
from simulator.report.picture import picture_of
from simulator.report.scripts import joined
from simulator.report.spoken import picture_in_words
from simulator.report.story import tell_story
from simulator.report.tables import latency_tables, small_tables
from zdu.events import Envelope, RunStarted


def render_report(result: Mapping[str, Any], envelopes: Sequence[Envelope], requests: Sequence[RequestRecord]) -> str:
    """The page as text; ``result`` is what ``result.json`` holds. All times count from the start of the run."""
    end_s = max([envelope.t_s for envelope in envelopes] + [record.end_s for record in requests] + [0.001])
    nodes, changes, visits = node_names(envelopes), find_changes(envelopes), find_visits(requests)
    picture = picture_of(result, envelopes, requests, end_s=end_s)
    feed = build_feed(
        envelopes=envelopes,
        requests=requests,
        nodes=nodes,
        changes=changes,
        visits=visits,
        cluster=picture.cluster,
        steps=picture.steps,
        end_s=end_s,
    )
    failed = len(picture.failures)
    noticed = content.noticed_of(result, picture.failures)
    command = str(result.get("command", ""))
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
            states_strip=states_of(picture),
            intro=_intro(envelopes),
            of_jira=of_jira(result),
            chapters=tell_story(envelopes, nodes, changes, visits),
            old_version=feed["old_version"],
            picture=picture,
            drawing=draw(picture),
            spoken=picture_in_words(picture),
            checks=content.checks_of(result),
            latencies=latency_tables(result, requests),
            tables=small_tables(result, content.moves_of(result)),
            noticed=noticed[: content.MAX_FAILURES],
            more=max(len(noticed) - content.MAX_FAILURES, failed - content.MAX_FAILURES, 0),
            setup=content.setup_of(result),
            command=command,
            password_told=told_of_the_password(command),
        )
    )


def _intro(envelopes: Sequence[Envelope]) -> list[str]:
    """The scenario's own story, a paragraph each."""
    started = [envelope.event for envelope in envelopes if isinstance(envelope.event, RunStarted)]
    story = str(started[0].played.get("story", "")) if started else ""
    return [" ".join(paragraph.split()) for paragraph in story.split("\n\n") if paragraph.strip()]
