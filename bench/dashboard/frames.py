"""Frame times as a page sees them, put into figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bench.common.tables import Target, percentile

FRAME_MS = 1000 / 60
LATE_MS = 1.5 * FRAME_MS
"""A frame later than that has missed its turn: whoever looks sees the one before for twice as long."""


@dataclass(frozen=True)
class Smoothness:
    """What a stretch of drawing came to; times in milliseconds."""

    frames: int
    per_second: float
    p50_ms: float
    p95_ms: float
    worst_ms: float
    late: int
    long_tasks: int

    @property
    def targets(self) -> list[Target]:
        """60 frames a second, of which 95 in 100 come in their turn."""
        return [
            Target("frames a second", round(self.per_second, 1), 59.0, at_least=True),
            Target("95 of 100 frames within, ms", round(self.p95_ms, 1), round(LATE_MS, 1), at_least=False),
        ]


def smoothness(times_ms: Sequence[float], long_tasks: int) -> Smoothness:
    """``times_ms`` is when each frame began, in order; at least two. ``long_tasks`` took more than 50 ms each."""
    gaps = sorted(later - earlier for earlier, later in pairwise(times_ms))
    if not gaps:
        raise ValueError("two frames at least")
    return Smoothness(
        frames=len(gaps),
        per_second=1000 * len(gaps) / (times_ms[-1] - times_ms[0]),
        p50_ms=percentile(gaps, 0.50),
        p95_ms=percentile(gaps, 0.95),
        worst_ms=gaps[-1],
        late=sum(gap > LATE_MS for gap in gaps),
        long_tasks=long_tasks,
    )
