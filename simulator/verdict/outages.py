"""Outages as intervals: from the tick of the first bad probe to the tick of the next one that went well.

A probe is bad when it failed, or when its answer took longer than people's patience: a cluster that freezes for two
seconds and then answers everything was away for two seconds. Such an outage lasts at least until that answer came.

Within an outage a new *stretch* begins when the cause changes: refused connections and then error pages are two
things that went wrong, but people waited for both of them together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from simulator.record.requests import RequestRecord
from simulator.verdict.explain import node_concerned
from simulator.verdict.machine import MACHINE_CAN_CAUSE, Trouble, troubled_s
from simulator.verdict.model import Evidence


@dataclass(frozen=True)
class Stretch:
    """A part of an outage with one cause: what the probes were told, and the nodes concerned as far as known."""

    from_s: float
    to_s: float
    cause: str
    failed: int
    nodes: tuple[str, ...]

    @property
    def outcome(self) -> str:
        """The cause in one word."""
        return self.cause.partition(":")[0]


@dataclass(frozen=True)
class Outage:
    """Probes of one kind were bad from ``from_s`` until ``to_s``; ``outcomes`` says how, in order of appearance."""

    kind: str
    from_s: float
    to_s: float
    failed: int
    outcomes: tuple[str, ...]
    stretches: tuple[Stretch, ...] = ()

    @property
    def duration_ms(self) -> float:
        """How long, in milliseconds."""
        return (self.to_s - self.from_s) * 1000

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes concerned, as far as known, in order of appearance."""
        return tuple(dict.fromkeys(node for stretch in self.stretches for node in stretch.nodes))

    def machine_ms(self, troubles: Sequence[Trouble]) -> float:
        """How much of it the machine may be to blame for, in milliseconds.

        Only stretches of a kind that a starved machine can bring about count: the rest is the cluster's own doing.
        """
        return 1000 * sum(
            troubled_s(troubles, stretch.from_s, stretch.to_s)
            for stretch in self.stretches
            if stretch.outcome in MACHINE_CAN_CAUSE
        )


SLOW = "slow"
"""The outcome of a good answer that nobody would have waited for."""

NodeOf = Callable[[RequestRecord], str]


def _answered_by(request: RequestRecord) -> str:
    return request.node


def find_outages(
    requests: Sequence[RequestRecord], kind: str, patience_s: float, node_of: NodeOf = _answered_by
) -> list[Outage]:
    """The outages that probes of ``kind`` saw. One still open at the last probe ends with that probe's end.

    ``node_of`` names the node that a bad probe is about, or gives an empty string.
    """
    outages: list[Outage] = []
    bad: list[RequestRecord] = []
    for probe in sorted((r for r in requests if r.kind == kind), key=lambda r: r.intended_s):
        if probe.failed or _is_slow(probe, patience_s):
            bad.append(probe)
        elif bad:
            outages.append(_outage(bad, probe.intended_s, node_of))
            bad = []
    if bad:
        outages.append(_outage(bad, max(r.end_s for r in bad), node_of))
    return outages


def outages_of(evidence: Evidence, kind: str) -> list[Outage]:
    """The outages that probes of ``kind`` saw in a run."""
    return find_outages(
        evidence.requests, kind, evidence.patience_s, lambda request: node_concerned(request, evidence)
    )


def tell_outage(outage: Outage) -> str:
    """When, on which connections, and why, in one line."""
    connections = {"probe_new": "new", "probe_reused": "kept-alive"}.get(outage.kind, outage.kind)
    causes = ", then ".join(dict.fromkeys(stretch.cause for stretch in outage.stretches))
    nodes = f" ({', '.join(outage.nodes)})" if outage.nodes else ""
    return f"on {connections} connections from {outage.from_s:.2f} to {outage.to_s:.2f} s: {causes}{nodes}"


def _outage(bad: list[RequestRecord], to_s: float, node_of: NodeOf) -> Outage:
    answered_s = max((r.end_s for r in bad if not r.failed), default=to_s)
    outcomes = tuple(dict.fromkeys(map(_outcome, bad)))
    end_s = max(to_s, answered_s)
    return Outage(bad[0].kind, bad[0].intended_s, end_s, len(bad), outcomes, _stretches(bad, end_s, node_of))


def _stretches(bad: list[RequestRecord], end_s: float, node_of: NodeOf) -> tuple[Stretch, ...]:
    """One after the other without a gap; the last one ends with the outage."""
    groups = [(cause, list(those)) for cause, those in groupby(bad, key=_cause)]
    starts = [those[0].intended_s for _, those in groups]
    return tuple(
        Stretch(from_s, to_s, cause, len(those), tuple(dict.fromkeys(filter(None, map(node_of, those)))))
        for (cause, those), (from_s, to_s) in zip(groups, pairwise([*starts, end_s]), strict=True)
    )


def _outcome(request: RequestRecord) -> str:
    return request.outcome if request.failed else SLOW


def _cause(request: RequestRecord) -> str:
    return f"{request.outcome}: {request.detail}" if request.failed and request.detail else _outcome(request)


def _is_slow(probe: RequestRecord, patience_s: float) -> bool:
    return probe.latency_ms > patience_s * 1000
