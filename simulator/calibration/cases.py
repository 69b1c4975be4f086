"""What is planted, and by what the instruments must name it. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.record.requests import PROBE_KINDS
from simulator.verdict import Evidence, Verdict
from simulator.verdict.latency import by_phase
from simulator.verdict.outages import outages_of

SLOW_PHASE_NAME = "upgrade tasks"
OUTAGE_S = 0.3
SLOW_MS = 200.0
"""By how much each answer takes longer in a slow phase."""
_CONNECTIONS = {"probe_new": "new", "probe_reused": "kept-alive"}


@dataclass(frozen=True)
class Planted:
    """What the target says of its fault: when it was, in seconds of the run, and how often it struck."""

    fault: str
    from_s: float
    to_s: float
    happened: int


@dataclass(frozen=True)
class Finding:
    """Whether the instruments found it, and what they said."""

    found: bool
    said: str


Look = Callable[[Evidence, Verdict, Planted], Finding]


@dataclass(frozen=True)
class Case:
    """A fault to plant, and how to look for it. ``lasts_s`` is 0 for one that strikes once."""

    fault: str
    wanted: str
    look: Look
    lasts_s: float = 0.0


def find_nothing(evidence: Evidence, verdict: Verdict, _planted: Planted) -> Finding:
    """A clean run shows no outage, no slow answer beyond patience and no broken promise."""
    told = [check.name for check in verdict.checks if check.word == "fail"]
    told += [f"an outage of {kind}" for kind in PROBE_KINDS if outages_of(evidence, kind)]
    return Finding(not told, "; ".join(told) or f"nothing in {len(evidence.requests):,} requests")


def find_outage(evidence: Evidence, _verdict: Verdict, planted: Planted) -> Finding:
    """Both kinds of probes see one outage; its begin, end and length are right to a probe interval.

    The probes' own lateness comes on top: one that is sent late looks late.
    """
    said, found = [], True
    true_ms = (planted.to_s - planted.from_s) * 1000
    for kind in PROBE_KINDS:
        outages = outages_of(evidence, kind)
        probes = [request for request in evidence.requests if request.kind == kind]
        late_s = max((probe.sent_s - probe.intended_s for probe in probes), default=0.0)
        ticks = sorted(probe.intended_s for probe in probes)
        interval_s = (ticks[-1] - ticks[0]) / (len(ticks) - 1) if len(ticks) > 1 else 0.0
        errors_s = [
            error_s
            for outage in outages
            for error_s in (
                outage.from_s - planted.from_s,
                outage.to_s - planted.to_s,
                (outage.duration_ms - true_ms) / 1000,
            )
        ]
        found &= len(outages) == 1 and all(abs(error_s) <= interval_s + late_s for error_s in errors_s)
        lengths = ", ".join(f"{outage.duration_ms:.0f} ms" for outage in outages) or "none"
        greatest_ms = max(map(abs, errors_s), default=0.0) * 1000
        said.append(
            f"on {_CONNECTIONS[kind]} connections {lengths} (greatest error of begin, end and length "
            f"{greatest_ms:.0f} ms, interval {interval_s * 1000:.0f} ms, sent at most {late_s * 1000:.1f} ms late)"
        )
    return Finding(found, f"planted {true_ms:.0f} ms; found " + ", ".join(said))


def find_slow_phase(evidence: Evidence, _verdict: Verdict, planted: Planted) -> Finding:
    """The phase that was slow is slow by its median, and no other is."""
    medians = {phase.name: latency.percentiles_ms["p50"] or 0.0 for phase, latency in by_phase(evidence)}
    slow = medians.pop(SLOW_PHASE_NAME, 0.0)
    others = max(medians.values(), default=0.0)
    return Finding(
        slow >= SLOW_MS > others,
        f"planted {SLOW_MS:.0f} ms more an answer for {planted.to_s - planted.from_s:.1f} s; found p50 {slow:.0f} ms "
        f"in the phase {SLOW_PHASE_NAME}, at most {others:.0f} ms in the others",
    )


def find_broken(name: str) -> Look:
    """The check of that name is broken, whatever else the same fault breaks."""

    def look(_evidence: Evidence, verdict: Verdict, _planted: Planted) -> Finding:
        broken = {check.name: check for check in verdict.checks if check.word == "fail"}
        if name not in broken:
            return Finding(False, f"broken: {', '.join(broken) or 'nothing'}")
        return Finding(True, f"{broken[name].otherwise}: {broken[name].detail}")

    return look


_WRITES = "every acknowledged write is there exactly once"
CASES = (
    Case("outage", "an outage of 300 ms, its length right to one probe interval", find_outage, OUTAGE_S),
    Case("double_write", "a write that is there twice", find_broken(_WRITES)),
    Case("lost_write", "a write that is gone", find_broken(_WRITES)),
    Case("lost_session", "a user who has to log in again", find_broken("no session was lost")),
    Case("leaked_session", "another user's page", find_broken("nobody saw another user's page")),
    Case("slow_phase", "a phase of the upgrade in which answers take 200 ms longer", find_slow_phase, 1.0),
    Case(
        "version_back",
        "an answer of the old version after the new one",
        find_broken("versions went back and forth no more than the roll explains"),
    ),
)
CLEAN = Case("", "nothing", find_nothing)
