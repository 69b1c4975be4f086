"""Outages as intervals: from the tick of the first failed probe to the tick of the next one that went well."""

from dataclasses import dataclass

from simulator.record.requests import RequestRecord


@dataclass(frozen=True)
class Outage:
    """Probes of one kind failed from ``from_s`` until ``to_s``; ``outcomes`` says how, in the order of appearance."""

    kind: str
    from_s: float
    to_s: float
    failed: int
    outcomes: tuple[str, ...]

    @property
    def duration_ms(self) -> float:
        """How long, in milliseconds."""
        return (self.to_s - self.from_s) * 1000


def find_outages(requests: list[RequestRecord], kind: str) -> list[Outage]:
    """The outages that probes of ``kind`` saw. One still open at the last probe ends with that probe's end."""
    outages: list[Outage] = []
    bad: list[RequestRecord] = []
    for probe in sorted((r for r in requests if r.kind == kind), key=lambda r: r.intended_s):
        if probe.failed:
            bad.append(probe)
        elif bad:
            outages.append(_outage(bad, probe.intended_s))
            bad = []
    if bad:
        outages.append(_outage(bad, max(r.end_s for r in bad)))
    return outages


def _outage(bad: list[RequestRecord], to_s: float) -> Outage:
    outcomes = tuple(dict.fromkeys(r.outcome for r in bad))
    return Outage(bad[0].kind, bad[0].intended_s, to_s, len(bad), outcomes)
