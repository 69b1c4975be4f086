"""The report of a run: one HTML file that needs nothing but itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from simulator.record.requests import RequestRecord
from simulator.report import content
from simulator.report.drawing import Story, css_word, draw, short_word
from simulator.report.lanes import cluster_states, node_lanes, session_moves, steps
from simulator.report.series import buckets, by_kind
from zdu.events import Envelope


def render_report(result: Mapping[str, Any], envelopes: Sequence[Envelope], requests: Sequence[RequestRecord]) -> str:
    """The page as text; ``result`` is what ``result.json`` holds. All times count from the start of the run."""
    end_s = max([envelope.t_s for envelope in envelopes] + [record.end_s for record in requests] + [0.001])
    failures = sorted((record for record in requests if record.failed), key=lambda record: record.intended_s)
    story = Story(
        end_s=end_s,
        steps=steps(envelopes),
        cluster=cluster_states(envelopes, end_s),
        nodes=node_lanes(envelopes, end_s),
        buckets=buckets(requests),
        moves=session_moves(requests),
        failures=failures,
    )
    noticed = content.noticed_of(result, failures)
    environment = Environment(
        loader=PackageLoader("simulator.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["css_word"] = css_word
    environment.filters["short_word"] = short_word
    return environment.get_template("report.html").render(
        scenario=str(result.get("scenario", "run")),
        verdict=content.verdict_of(result),
        reasons=[str(reason) for reason in result.get("reasons") or []],
        tiles=content.tiles_of(result),
        story=story,
        drawing=draw(story),
        checks=content.checks_of(result),
        tables=content.tables_of(result),
        kinds=by_kind(requests),
        noticed=noticed[: content.MAX_FAILURES],
        more=max(len(noticed) - content.MAX_FAILURES, len(failures) - content.MAX_FAILURES, 0),
        setup=content.setup_of(result),
        command=str(result.get("command", "")),
    )
