"""What a check is, and the evidence that all checks look at."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, TypeVar

from simulator.record.requests import RequestRecord
from simulator.scenario.expectations import Expectations
from simulator.verdict.machine import Trouble, find_troubles
from simulator.verdict.reasons import NodeDiary, keep_diaries
from zdu.events import (
    Envelope,
    Event,
    LoadStarted,
    LoadStopped,
    NodeBack,
    NodeNotStarted,
    NodeTakenOut,
    ProcessExited,
    RunAborted,
    RunEnded,
    RunInterrupted,
    UpgradeHistory,
)

PATIENCE_S = 1.0
AnyEvent = TypeVar("AnyEvent", bound=Event)


EXAMPLES = 3
"""So many examples stand in a check's detail; all of them are in the record."""

Word = Literal["pass", "fail", "inconclusive"]


def examples(sentences: Sequence[str]) -> str:
    """The first few of the sentences, and how many more there are; empty if there is none."""
    more = len(sentences) - EXAMPLES
    return "; ".join(sentences[:EXAMPLES]) + (f"; and {more} more" if more > 0 else "")


class CheckKind(StrEnum):
    """What is broken fails the run, what is missing makes it inconclusive.

    An *objective* and a *promise* can be broken, or be undecided; a *proof* and a *sometimes* can only be missing.
    """

    OBJECTIVE = "objective"
    PROMISE = "promise"
    PROOF = "proof"
    SOMETIMES = "sometimes"


@dataclass(frozen=True)
class Figures:
    """What was measured for an objective, and its limit: a count, a share from 0 to 1, or seconds, by ``unit``.

    ``value`` is None if there was nothing to measure, or no end to it; ``samples`` are how many were looked at.
    """

    value: float | None
    limit: float
    comparison: str
    unit: str
    samples: int


@dataclass(frozen=True)
class Check:
    """One question to the record and its answer, with the evidence in words.

    ``name`` says what is wanted, ``otherwise`` what it means when it is not so. ``undecided``: nothing can be said,
    for want of measurements or because the machine was in the way; never together with ``ok``.
    """

    name: str
    otherwise: str
    kind: CheckKind
    ok: bool
    detail: str
    undecided: bool = False
    figures: Figures | None = None

    @property
    def word(self) -> Word:
        """The outcome."""
        if self.ok:
            return "pass"
        can_be_broken = self.kind in {CheckKind.OBJECTIVE, CheckKind.PROMISE}
        return "fail" if can_be_broken and not self.undecided else "inconclusive"


@dataclass(frozen=True)
class Absence:
    """A stretch in which the load balancer had taken a node out; ``back_s`` is None if it never came back."""

    node: str
    out_s: float
    back_s: float | None

    def covers(self, t_s: float) -> bool:
        """Whether the node was out at ``t_s``."""
        return self.out_s < t_s and (self.back_s is None or t_s < self.back_s)


def find_absences(envelopes: Iterable[Envelope]) -> list[Absence]:
    """When each node was out, in the load balancer's own time; what was over before anybody worked is none."""
    told = list(envelopes)
    began_s = next((envelope.t_s for envelope in told if isinstance(envelope.event, LoadStarted)), 0.0)
    events = [envelope.event for envelope in told]
    backs = [event for event in events if isinstance(event, NodeBack)]
    found: list[Absence] = []
    for out in events:
        if isinstance(out, NodeTakenOut):
            later = [back.at_s for back in backs if back.node == out.node and back.at_s > out.at_s]
            if not later or min(later) > began_s:
                found.append(Absence(out.node, out.at_s, min(later, default=None)))
    return found


@dataclass(frozen=True)
class Evidence:
    """The record of a run, and what was expected of it."""

    envelopes: list[Envelope]
    requests: list[RequestRecord]
    expect: Expectations
    nodes: tuple[str, ...]
    rolled: tuple[str, ...]
    version_from: str
    version_to: str
    refusals: tuple[tuple[str, str], ...] = ()
    """Each node that the cluster had to refuse, with the version it had then."""
    breaches: tuple[str, ...] = ()
    """The version of each roll that had to be breached."""
    rolled_back_from: str = ""
    """The version that the nodes had for a while and in the end no more."""
    users: int = field(default=0)
    sessions_kind: str = "remember-me"
    sticky: bool = True
    """Whether the load balancer is to send a session to its node again."""
    search_delay_s: float = 2.0
    certified: dict[str, Any] = field(default_factory=dict)
    """Where the system is not ours: what it is, and what was expected of it."""
    wanted: dict[str, str] = field(default_factory=dict)
    """Where the nodes are another application's: the version that each is to run in the end."""
    control: list[RequestRecord] = field(default_factory=list)
    """The control probes: what they suffered was the machine's trouble."""

    def events(self, kind: type[AnyEvent]) -> list[tuple[float, AnyEvent]]:
        """All events of one kind with their times, oldest first."""
        return [(e.t_s, e.event) for e in self.envelopes if isinstance(e.event, kind)]

    @property
    def patience_s(self) -> float:
        """An answer that takes longer is as good as none: the scenario's longest outage, or one second."""
        return PATIENCE_S if self.expect.longest_outage_s is None else self.expect.longest_outage_s

    @cached_property
    def user_requests(self) -> list[RequestRecord]:
        """What the virtual users sent, without the probes."""
        return [request for request in self.requests if request.by_user]

    @cached_property
    def failed_requests(self) -> list[RequestRecord]:
        """Every request that a person would have noticed, in the order they were meant to be sent."""
        return sorted((r for r in self.requests if r.failed), key=lambda r: r.intended_s)

    @cached_property
    def troubles(self) -> list[Trouble]:
        """When the machine itself was in trouble."""
        starts = self.events(LoadStarted)
        interval_s = 1 / starts[-1][1].probe_rate if starts and starts[-1][1].probe_rate else 0.0
        return find_troubles(self.control, interval_s)

    @cached_property
    def absences(self) -> list[Absence]:
        """When each node was out, in the load balancer's own time."""
        return find_absences(self.envelopes)

    @cached_property
    def rolled_within(self) -> tuple[float, float] | None:
        """From the first time that a node was out until the last one was back; None if none ever was."""
        if not self.absences:
            return None
        end_s = self.envelopes[-1].t_s
        backs = [end_s if absence.back_s is None else absence.back_s for absence in self.absences]
        return min(absence.out_s for absence in self.absences), max(backs)

    @cached_property
    def diaries(self) -> dict[str, NodeDiary]:
        """When each node was leaving or away, came back, and ran which version."""
        return keep_diaries(self.envelopes, self.nodes)

    @property
    def version_order(self) -> tuple[str, ...]:
        """The versions of this upgrade, the one that the nodes come from first."""
        return tuple(dict.fromkeys((self.version_from, self.rolled_back_from or self.version_to)))

    @cached_property
    def history(self) -> list[tuple[float, str]]:
        """Each row of the upgrade state in the database, and when it was written, in seconds of the run."""
        return [
            (read_s + (int(row["database_time"]) - history.database_now_ms) / 1000, str(row["state"]))
            for read_s, history in self.events(UpgradeHistory)
            for row in history.rows
        ]

    @property
    def undecided_end(self) -> bool:
        """Whether the story ended before its time because nobody could tell how to go on, and for nothing else."""
        ends = self.events(RunAborted)
        return bool(ends) and all(event.undecided for _, event in ends)

    @property
    def cut_short(self) -> bool:
        """Whether somebody stopped the run, or its record breaks off."""
        return bool(self.events(RunInterrupted)) or not self.events(RunEnded)

    def refused_windows(self) -> list[tuple[str, float, float]]:
        """Each node that could not start: which, from when it had said so, and until when its process went on."""
        ends = [(t_s, event.process) for t_s, event in self.events(ProcessExited)]
        return [
            (event.node, t_s, min((end_s for end_s, name in ends if name == event.node and end_s > t_s), default=t_s))
            for t_s, event in self.events(NodeNotStarted)
        ]

    @cached_property
    def arrival_counts(self) -> dict[str, int]:
        """What became of the open model's arrivals; empty if there was none, or the load never ended in order."""
        ends = self.events(LoadStopped)
        return ends[-1][1].arrivals if ends else {}

    @cached_property
    def probe_counts(self) -> dict[str, dict[str, int]]:
        """How many probes were intended, and started on time; empty if the load never ended in order."""
        ends = self.events(LoadStopped)
        return ends[-1][1].probes if ends else {}
