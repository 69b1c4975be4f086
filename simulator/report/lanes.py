"""What was the case from when to when: states of nodes, of the cluster and of the balancer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from simulator.report.changes import Change, find_changes, node_names
from zdu.events import ClusterObserved, Envelope


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


class _Track:
    """Collects changes of one word and gives them back as segments."""

    def __init__(self) -> None:
        self._changes: list[tuple[float, str]] = []

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
    changes = find_changes(envelopes)
    return [_node_lane(node, changes, end_s) for node in node_names(envelopes)]


def _node_lane(node: str, changes: Iterable[Change], end_s: float) -> NodeLane:
    tracks = {what: _Track() for what in ("state", "version", "balancer", "out", "shows")}
    for change in changes:
        if change.node == node:
            tracks[change.what].set(change.t_s, change.value)
    return NodeLane(node, *(tracks[what].segments(end_s) for what in ("state", "version", "balancer", "out")))


def phases_of(result: Mapping[str, Any]) -> tuple[Segment, ...]:
    """The phases of the upgrade as the result has measured latency by them, in the order of their times."""
    stretches = [
        Segment(float(from_s), float(to_s), str(phase["name"]))
        for phase in result.get("phases") or []
        for from_s, to_s in phase["stretches_s"]
    ]
    return tuple(sorted(stretches, key=lambda stretch: stretch.start_s))


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
