"""How long users waited: percentiles, each with the question whether there are enough samples for it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from simulator.percentiles import samples_for
from simulator.record.requests import RequestRecord
from simulator.verdict.histogram import Histogram
from simulator.verdict.model import Evidence
from simulator.verdict.parts import Phase, find_phases

SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}


@dataclass(frozen=True)
class Latency:
    """Latencies of some requests, from the intended send time to the last byte, failed ones included.

    A request that failed was waited for as well: to leave it out would make a time-out look fast.
    """

    histogram: Histogram

    @classmethod
    def of(cls, requests: Iterable[RequestRecord]) -> "Latency":
        """The latency of these."""
        return cls(Histogram.of(max(0.0, request.latency_ms) for request in requests))

    @property
    def samples(self) -> int:
        """How many requests."""
        return self.histogram.count

    @property
    def percentiles_ms(self) -> dict[str, float | None]:
        """By name, p50 to p99.9 and max; None where there is no sample at all."""
        if not self.samples:
            return dict.fromkeys([*SHARES, "max"])
        found = {name: round(self.histogram.quantile_ms(share), 1) for name, share in SHARES.items()}
        return {**found, "max": round(self.histogram.greatest_ms, 1)}

    @property
    def too_few_for(self) -> list[str]:
        """The percentiles that these samples do not carry: to be shown greyed out or not at all."""
        return [name for name, share in SHARES.items() if self.samples < samples_for(share)]

    def as_dict(self) -> dict[str, Any]:
        """For ``result.json``."""
        return {**self.percentiles_ms, "samples": self.samples, "too_few_for": self.too_few_for}


def by_phase(evidence: Evidence) -> list[tuple[Phase, Latency]]:
    """What users waited in each phase of the upgrade; a request belongs to the one in which it was to be sent."""
    phases = find_phases(evidence)
    groups: dict[str, Histogram] = {phase.name: Histogram() for phase in phases}
    for request in evidence.user_requests:
        phase = next((phase for phase in phases if phase.covers(request.intended_s)), None)
        if phase:
            groups[phase.name].add(max(0.0, request.latency_ms))
    return [(phase, Latency(groups[phase.name])) for phase in phases]
