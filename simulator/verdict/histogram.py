"""Latency in logarithmic buckets: small, mergeable over runs, with a bounded relative error. Pure.

Bucket ``k`` holds what is greater than ``g**(k-1)`` and at most ``g**k`` milliseconds, where ``g`` follows from the
error wanted: a value in the middle, ``2*g**k/(g+1)``, is at most :data:`RELATIVE_ERROR` away from everything in the
bucket, relatively. This is the mapping of DDSketch (Masson, Rim, Lee, VLDB 2019) without a limit on the number of
buckets: from a microsecond to an hour there are fewer than 1,200. Count, least and greatest value are exact.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil, inf, log
from typing import Any

from simulator.percentiles import rank

RELATIVE_ERROR = 0.01
"""A percentile differs by at most so much from the value that was measured, as a share of it."""
LEAST_MS = 0.001
"""What took less than a microsecond counts as so long: no clock here can tell."""
_GROWTH = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_GROWTH = log(_GROWTH)


@dataclass
class Histogram:
    """Counts of latencies by bucket. Values are milliseconds."""

    counts: dict[int, int] = field(default_factory=dict)
    least_ms: float = inf
    greatest_ms: float = -inf

    @classmethod
    def of(cls, values_ms: Iterable[float]) -> "Histogram":
        """A histogram of these."""
        made = cls()
        for value_ms in values_ms:
            made.add(value_ms)
        return made

    @property
    def count(self) -> int:
        """How many values there are."""
        return sum(self.counts.values())

    def add(self, value_ms: float) -> None:
        """Count one value. Raises ValueError for one that is no number of milliseconds."""
        if not 0 <= value_ms < inf:
            raise ValueError(f"{value_ms} is no latency")
        bucket = ceil(log(max(value_ms, LEAST_MS)) / _LOG_GROWTH)
        self.counts[bucket] = self.counts.get(bucket, 0) + 1
        self.least_ms = min(self.least_ms, value_ms)
        self.greatest_ms = max(self.greatest_ms, value_ms)

    def merge(self, other: "Histogram") -> None:
        """Count all that ``other`` has counted; the same as if it had been counted here."""
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count
        self.least_ms = min(self.least_ms, other.least_ms)
        self.greatest_ms = max(self.greatest_ms, other.greatest_ms)

    def quantile_ms(self, share: float) -> float:
        """The smallest value that at least ``share`` of the values do not exceed (nearest rank).

        Exact for 0 and 1, else within :data:`RELATIVE_ERROR`. Raises ValueError if nothing was counted.
        """
        if not self.counts:
            raise ValueError("there is no percentile of nothing")
        left = rank(share, self.count)
        if left == self.count:
            return self.greatest_ms
        for bucket in sorted(self.counts):
            left -= self.counts[bucket]
            if left <= 0:
                middle_ms = 2 * _GROWTH**bucket / (_GROWTH + 1)
                return min(max(middle_ms, self.least_ms), self.greatest_ms)
        raise AssertionError("the counts do not add up to their sum")

    def as_dict(self) -> dict[str, Any]:
        """For JSON; :meth:`from_dict` reads it back."""
        return {
            "relative_error": RELATIVE_ERROR,
            "least_ms": round(self.least_ms, 4) if self.counts else None,
            "greatest_ms": round(self.greatest_ms, 4) if self.counts else None,
            "counts": {str(bucket): self.counts[bucket] for bucket in sorted(self.counts)},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Histogram":
        """Read one back. Raises ValueError for buckets of another error: those cannot be merged."""
        if data["relative_error"] != RELATIVE_ERROR:
            raise ValueError(f"its relative error is {data['relative_error']}, not {RELATIVE_ERROR}")
        counts = {int(bucket): int(count) for bucket, count in data["counts"].items()}
        if not counts:
            return cls()
        return cls(counts, float(data["least_ms"]), float(data["greatest_ms"]))
