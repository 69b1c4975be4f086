"""When the machine itself was in trouble, as the control probe saw it.

The control probe asks a server that has nothing to do with the cluster. While that one is kept waiting too, nobody
can say whose fault a slow or missing answer of the cluster was: what was measured then proves nothing, neither way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from simulator.record.requests import RequestRecord

SUFFERS_FROM_S = 0.25
"""The control's answer takes a millisecond or two. One that takes this long was held up by the machine."""
MISSING_TICKS = 2.5
"""A longer silence of the control probe, in ticks, is trouble as well: probes are missing."""
MACHINE_CAN_CAUSE = frozenset(
    {"timeout", "reset", "refused", "truncated", "http_502", "http_503", "http_504", "slow"}
)
"""How a starved machine can make a sound cluster look. No machine makes a cluster show another user's page."""


@dataclass(frozen=True)
class Trouble:
    """The machine was in trouble from ``from_s`` until ``to_s``; ``why`` says what the control probe met."""

    from_s: float
    to_s: float
    why: str

    def overlap_s(self, from_s: float, to_s: float) -> float:
        """How much of a stretch falls into this one."""
        return max(0.0, min(self.to_s, to_s) - max(self.from_s, from_s))


def find_troubles(control: Sequence[RequestRecord], interval_s: float) -> list[Trouble]:
    """The stretches in which the control probe failed, waited or is missing, in order and disjoint.

    ``interval_s`` is the time between two of its ticks; 0 if that is not known.
    """
    probes = sorted(control, key=lambda probe: probe.intended_s)
    found = [
        Trouble(probe.intended_s, probe.end_s, probe.outcome if probe.outcome != "ok" else "slow")
        for probe in probes
        if probe.outcome != "ok" or probe.latency_ms > SUFFERS_FROM_S * 1000
    ]
    if interval_s:
        found += [
            Trouble(before.intended_s + interval_s, after.intended_s, "no probe")
            for before, after in pairwise(probes)
            if after.intended_s - before.intended_s > MISSING_TICKS * interval_s
        ]
    return _merged(sorted(found, key=lambda trouble: trouble.from_s))


def troubled_s(troubles: Sequence[Trouble], from_s: float, to_s: float) -> float:
    """How long the machine was in trouble between these two."""
    return sum(trouble.overlap_s(from_s, to_s) for trouble in troubles)


def is_machines(request: RequestRecord, troubles: Sequence[Trouble]) -> bool:
    """Whether a failure may be the machine's: it can cause such ones, and was in trouble for most of the request."""
    whole_s = request.end_s - request.intended_s
    return (
        request.outcome in MACHINE_CAN_CAUSE
        and troubled_s(troubles, request.intended_s, request.end_s) * 2 >= whole_s > 0
    )


def tell_troubles(troubles: Sequence[Trouble]) -> str:
    """The machine's trouble in words, to follow other words."""
    whole_s = sum(trouble.to_s - trouble.from_s for trouble in troubles)
    first = troubles[0]
    return (
        f"the control probe, which has nothing to do with the cluster, was in trouble {len(troubles)} times, for "
        f"{whole_s:.2f} s, first at {first.from_s:.2f} s ({first.why})"
    )


def _merged(found: Sequence[Trouble]) -> list[Trouble]:
    merged: list[Trouble] = []
    for trouble in found:
        if merged and trouble.from_s <= merged[-1].to_s:
            last = merged[-1]
            merged[-1] = Trouble(last.from_s, max(last.to_s, trouble.to_s), last.why)
        else:
            merged.append(trouble)
    return merged
