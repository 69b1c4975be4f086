"""Outages as intervals: from the tick of the first bad probe to the tick of the next one that went well.

A probe is bad when it failed, or when its answer took longer than people's patience: a cluster that freezes for two
seconds and then answers everything was away for two seconds. Such an outage lasts at least until that answer came.
"""

from dataclasses import dataclass

from simulator.record.requests import RequestRecord


@dataclass(frozen=True)
class Outage:
    """Probes of one kind were bad from ``from_s`` until ``to_s``; ``outcomes`` says how, in order of appearance."""

    kind: str
    from_s: float
    to_s: float
    failed: int
    outcomes: tuple[str, ...]

    @property
    def duration_ms(self) -> float:
        """How long, in milliseconds."""
        return (self.to_s - self.from_s) * 1000


SLOW = "slow"
"""The outcome of a good answer that nobody would have waited for."""


def find_outages(requests: list[RequestRecord], kind: str, patience_s: float) -> list[Outage]:
    """The outages that probes of ``kind`` saw. One still open at the last probe ends with that probe's end."""
    outages: list[Outage] = []
    bad: list[RequestRecord] = []
    for probe in sorted((r for r in requests if r.kind == kind), key=lambda r: r.intended_s):
        if probe.failed or _is_slow(probe, patience_s):
            bad.append(probe)
        elif bad:
            outages.append(_outage(bad, probe.intended_s))
            bad = []
    if bad:
        outages.append(_outage(bad, max(r.end_s for r in bad)))
    return outages


def _outage(bad: list[RequestRecord], to_s: float) -> Outage:
    answered_s = max((r.end_s for r in bad if not r.failed), default=to_s)
    outcomes = tuple(dict.fromkeys(r.outcome if r.failed else SLOW for r in bad))
    return Outage(bad[0].kind, bad[0].intended_s, max(to_s, answered_s), len(bad), outcomes)


def _is_slow(probe: RequestRecord, patience_s: float) -> bool:
    return probe.latency_ms > patience_s * 1000
