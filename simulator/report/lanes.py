"""What was the case from when to when: states of nodes, cluster and balancer, and the moments when sessions moved."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from simulator.record.requests import RequestRecord
from zdu.events import (
    BalancerObserved,
    ClusterObserved,
    Envelope,
    NodeBack,
    NodeObserved,
    NodeTakenOut,
    ProcessExited,
    ProcessStarted,
    ProcessStopping,
    RunStarted,
    StepStarted,
)

DOWN = "down"
"""The word for a node that has no process."""

CRASHED = "crashed"
"""The word for a node whose process ended though nobody had asked it to."""

STOPPING = "stopping"
"""The word for a node that was asked to stop, does not answer any more and has not exited yet."""

SILENT = "no answer"
"""The word for a node whose process is there and does not answer."""


@dataclass(frozen=True)
class Segment:
    """``word`` held from ``start_s`` to ``end_s``."""

    start_s: float
    end_s: float
    word: str


@dataclass(frozen=True)
class NodeLane:
    """One node's run: its own state, its version, the balancer's view of it, and when it was out."""

    node: str
    states: tuple[Segment, ...]
    versions: tuple[Segment, ...]
    balancer: tuple[Segment, ...]
    out: tuple[Segment, ...]


@dataclass(frozen=True)
class Step:
    """A step of the story, numbered from 1."""

    number: int
    t_s: float
    title: str
    node: str


@dataclass(frozen=True)
class Move:
    """A session was answered by another node than before."""

    t_s: float
    session: str
    source: str
    target: str
    silent_sign_in: bool


class _Track:
    """Collects changes of one word and gives them back as segments."""

    def __init__(self) -> None:
        self._changes: list[tuple[float, str]] = []

    @property
    def last(self) -> str:
        return self._changes[-1][1] if self._changes else ""

    def set(self, t_s: float, word: str) -> None:
        if not self._changes or self._changes[-1][1] != word:
            self._changes.append((t_s, word))

    def segments(self, end_s: float) -> tuple[Segment, ...]:
        """Times without a word (the empty one) are left out."""
        return tuple(
            Segment(start, max(end, start), word)
            for (start, word), (end, _) in pairwise([*self._changes, (end_s, "")])
            if word
        )


def node_lanes(envelopes: Sequence[Envelope], end_s: float) -> list[NodeLane]:
    """A lane for every node that the run knew, in the run's own order."""
    return [_node_lane(node, envelopes, end_s) for node in _node_names(envelopes)]


def _node_names(envelopes: Iterable[Envelope]) -> list[str]:
    names: dict[str, None] = {}
    for envelope in envelopes:
        match envelope.event:
            case RunStarted(nodes=nodes):
                names.update(dict.fromkeys(nodes))
            case NodeObserved(node=node):
                names.setdefault(node)
    return list(names)


def _node_lane(node: str, envelopes: Iterable[Envelope], end_s: float) -> NodeLane:
    states, versions, balancer, out = _Track(), _Track(), _Track(), _Track()
    asked_to_stop = False
    for envelope in envelopes:
        t_s = envelope.t_s
        match envelope.event:
            case ProcessStarted(process=name, version=version) if name == node:
                versions.set(t_s, version)
                asked_to_stop = False
            case ProcessStopping(process=name) if name == node:
                asked_to_stop = True
            case ProcessExited(process=name, expected=expected) if name == node:
                states.set(t_s, DOWN if expected else CRASHED)
                versions.set(t_s, "")
            case NodeObserved(node=name, state=state, version=version) if name == node:
                silence = STOPPING if asked_to_stop else SILENT
                _observe(states, versions, t_s, state or silence, version)
            case BalancerObserved(node=name, admin=admin, operational=operational, at_s=at_s) if name == node:
                balancer.set(at_s, operational if admin == "READY" else admin)
            case NodeTakenOut(node=name, at_s=at_s) if name == node:
                out.set(at_s, "out")
            case NodeBack(node=name, at_s=at_s) if name == node:
                out.set(at_s, "")
    lanes = (track.segments(end_s) for track in (states, versions, balancer, out))
    return NodeLane(node, *lanes)


def _observe(states: _Track, versions: _Track, t_s: float, state: str, version: str) -> None:
    """What a node says of itself. One that has exited stays what it is: that it cannot be heard is no news."""
    if state in (STOPPING, SILENT) and states.last in (DOWN, CRASHED, ""):
        return
    states.set(t_s, state)
    if version:
        versions.set(t_s, version)


def cluster_states(envelopes: Iterable[Envelope], end_s: float) -> tuple[Segment, ...]:
    """The cluster's state over time, from what its nodes showed.

    Nodes look at the shared state at their own pace, so one may show a state that others have left behind. Each node
    therefore walks along one common sequence: what it shows is the next state of that name ahead of it, or a new one.
    """
    sequence: list[tuple[float, str]] = []
    positions: dict[str, int] = {}
    for envelope in envelopes:
        event = envelope.event
        if not isinstance(event, ClusterObserved) or not event.state:
            continue
        here = positions.get(event.seen_by, -1)
        if here >= 0 and sequence[here][1] == event.state:
            continue
        ahead = [index for index in range(here + 1, len(sequence)) if sequence[index][1] == event.state]
        if not ahead:
            sequence.append((envelope.t_s, event.state))
        positions[event.seen_by] = ahead[0] if ahead else len(sequence) - 1
    track = _Track()
    for t_s, state in sequence:
        track.set(t_s, state)
    return track.segments(end_s)


def steps(envelopes: Iterable[Envelope]) -> list[Step]:
    """The steps that were begun."""
    begun = [(envelope.t_s, envelope.event) for envelope in envelopes if isinstance(envelope.event, StepStarted)]
    return [Step(number, t_s, event.title, event.node) for number, (t_s, event) in enumerate(begun, start=1)]


def session_moves(requests: Iterable[RequestRecord]) -> list[Move]:
    """Every time a session's answers began to come from another node; probes have no session."""
    last: dict[str, str] = {}
    moves = []
    for record in sorted(requests, key=lambda record: (record.sent_s, record.id)):
        if record.is_probe or not record.session or not record.node:
            continue
        before = last.get(record.session)
        if before is not None and before != record.node:
            moves.append(Move(record.sent_s, record.session, before, record.node, record.signed_in))
        last[record.session] = record.node
    return moves
