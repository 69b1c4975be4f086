"""Numbers over time, from the requests of a run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from simulator.percentiles import percentile
from simulator.record.requests import RequestRecord

MAX_BUCKETS = 120
"""A picture is a thousand points wide; more bars than this cannot be told apart."""

_WIDTHS_S = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0)


@dataclass(frozen=True)
class Bucket:
    """Requests that should have been sent in ``[start_s, end_s)``: counts by outcome, latency in milliseconds."""

    start_s: float
    end_s: float
    ok: int
    retried: int
    failed: int
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None

    @property
    def total(self) -> int:
        """All requests."""
        return self.ok + self.retried + self.failed

    def rate(self, count: int) -> float:
        """``count`` of this bucket as requests per second."""
        return count / (self.end_s - self.start_s)


def bucket_width_s(duration_s: float) -> float:
    """The shortest round width that does not give too many buckets."""
    for width in _WIDTHS_S:
        if duration_s <= width * MAX_BUCKETS:
            return width
    return ceil(duration_s / MAX_BUCKETS / 60) * 60.0


def buckets(requests: Sequence[RequestRecord]) -> list[Bucket]:
    """The run cut into equal times from the first request on; the last one is as short as the run left it.

    A request counts where it was intended: a server that hangs does not push its failures out of the picture.
    """
    if not requests:
        return []
    first = min(record.intended_s for record in requests)
    last = max(*(record.intended_s for record in requests), first + 0.001)
    width = bucket_width_s(last - first)
    groups: list[list[RequestRecord]] = [[] for _ in range(int((last - first) / width) + 1)]
    for record in requests:
        groups[int((record.intended_s - first) / width)].append(record)
    if len(groups) > 1 and last - first - (len(groups) - 1) * width < width / 2:
        sliver = groups.pop()  # it has no rate worth drawing
        groups[-1] += sliver
    return [
        _bucket(group, first + index * width, first + (index + 1) * width if index < len(groups) - 1 else last)
        for index, group in enumerate(groups)
    ]


def _bucket(group: Iterable[RequestRecord], start_s: float, end_s: float) -> Bucket:
    members = list(group)
    latencies = sorted(record.latency_ms for record in members if not record.failed)
    failed = sum(record.failed for record in members)
    retried = sum(_was_retried(record) for record in members)
    return Bucket(
        start_s=start_s,
        end_s=end_s,
        ok=len(members) - failed - retried,
        retried=retried,
        failed=failed,
        p50_ms=percentile(latencies, 0.5) if latencies else None,
        p90_ms=percentile(latencies, 0.9) if latencies else None,
        p99_ms=percentile(latencies, 0.99) if latencies else None,
    )


def _was_retried(record: RequestRecord) -> bool:
    """Answered well, but only after the load balancer had dispatched it again."""
    return not record.failed and record.attempts > 1
