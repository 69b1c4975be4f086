"""From a record to what its picture shows."""

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.record.requests import RequestRecord
from simulator.report.content import moves_of, outages_of
from simulator.report.drawing import Picture
from simulator.report.lanes import cluster_states, node_lanes, phases_of
from simulator.report.series import buckets
from simulator.report.story import find_steps
from simulator.verdict.faults import fault_windows
from zdu.events import Envelope


def picture_of(
    result: Mapping[str, Any],
    envelopes: Sequence[Envelope],
    requests: Sequence[RequestRecord],
    *,
    end_s: float,
    start_s: float = 0.0,
) -> Picture:
    """Everything that happened, on an axis from ``start_s`` to ``end_s`` in seconds of the run."""
    return Picture(
        start_s=start_s,
        end_s=end_s,
        steps=find_steps(envelopes),
        cluster=cluster_states(envelopes, end_s),
        nodes=node_lanes(envelopes, end_s),
        buckets=buckets(requests),
        moves=moves_of(result),
        failures=sorted((record for record in requests if record.failed), key=lambda record: record.intended_s),
        outages=outages_of(result),
        faults=fault_windows(envelopes),
        phases=phases_of(result),
    )
