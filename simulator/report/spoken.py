"""The picture in words, for whoever cannot see it."""

from collections import Counter
from collections.abc import Sequence

from simulator.report.drawing import Picture, fault_in_words
from simulator.report.lanes import NodeLane, Segment


def picture_in_words(picture: Picture) -> list[str]:
    """A sentence for each part of the picture, from top to bottom."""
    told = [f"The cluster: {_sequence(picture.cluster)}."] if picture.cluster else []
    told += [_lane(lane) for lane in picture.nodes]
    told += _moves(picture)
    told += [f"Fault: {fault_in_words(fault)}." for fault in picture.faults]
    told.append(_failures(picture))
    told += [f"Outage: {outage.told}." for outage in picture.outages]
    return told + _charts(picture)


def _sequence(segments: Sequence[Segment]) -> str:
    return ", ".join(f"{segment.word.replace('_', ' ')} from {segment.start_s:.1f} s" for segment in segments)


def _lane(lane: NodeLane) -> str:
    out = ", ".join(f"{segment.start_s:.1f} s to {segment.end_s:.1f} s" for segment in lane.out)
    parts = [
        _sequence(lane.states),
        f"version {_sequence(lane.versions)}" if lane.versions else "",
        f"for the load balancer {_sequence(lane.balancer)}" if lane.balancer else "",
        f"out {out}" if out else "never out",
    ]
    return f"{lane.node}: {'; '.join(part for part in parts if part)}."


def _moves(picture: Picture) -> list[str]:
    ways = Counter((move.from_node, move.to_node) for move in picture.moves)
    times = {way: [m.t_s for m in picture.moves if (m.from_node, m.to_node) == way] for way in ways}
    return [
        f"{count} moves of sessions from {source} to {target}, "
        f"between {min(times[source, target]):.1f} s and {max(times[source, target]):.1f} s."
        for (source, target), count in ways.items()
    ]


def _failures(picture: Picture) -> str:
    if not picture.failures:
        return "No request failed."
    times = [record.intended_s for record in picture.failures]
    return f"{len(times)} failed requests, between {min(times):.1f} s and {max(times):.1f} s."


def _charts(picture: Picture) -> list[str]:
    """The extremes of rate and latency; phase by phase they are in a table of their own."""
    if not picture.buckets:
        return []
    rates = [bucket.rate(bucket.total) for bucket in picture.buckets]
    told = [f"Between {min(rates):.0f} and {max(rates):.0f} requests a second."]
    slow = max(picture.buckets, key=lambda bucket: bucket.p99_ms or 0.0)
    if slow.p99_ms is not None:
        told.append(
            f"The 99th percentile of latency was highest from {slow.start_s:.1f} s on: {slow.p99_ms:,.0f} ms."
        )
    return told
