"""Why a session may have moved: what the roll, a node or the load balancer had done to the node that it left. Pure.

A session belongs to its node as long as that node serves. So each move needs a reason that the record shows: the node
was leaving or away, or the load balancer had dispatched the request again after a refusal, or another node had come
back, to which a session may move once. A move without a reason is a session that went astray.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from simulator.verdict.sessions import Move
from zdu.events import (
    BalancerObserved,
    Envelope,
    NodeBack,
    NodeObserved,
    NodeTakenOut,
    ProcessExited,
    ProcessStarted,
    ProcessStopping,
)

SERVES = frozenset({"UP", "GOING_DOWN"})
"""The load balancer's operational states in which a node has its sessions (HAProxy's words)."""
RUNNING = "RUNNING"
LOOKING_LAG_S = 0.5
"""Nodes are looked at now and then: what one of them says may have been so for a while."""


@dataclass
class NodeDiary:
    """When one node was leaving or away, as stretches; an open one ends never."""

    stretches: list[tuple[float, float]] = field(default_factory=list)
    backs_s: list[float] = field(default_factory=list)
    versions: list[tuple[float, str]] = field(default_factory=list)
    """From when on it ran which version."""

    def was_leaving(self, from_s: float, to_s: float) -> bool:
        """Whether it was leaving or away at any time between the two."""
        return any(begin_s <= to_s and from_s <= end_s for begin_s, end_s in self.stretches)

    def came_back(self, from_s: float, to_s: float) -> bool:
        """Whether it came back between the two."""
        return bisect_right(self.backs_s, to_s) > bisect_right(self.backs_s, from_s)

    def ran(self, from_s: float, to_s: float) -> set[str]:
        """The versions that it ran between the two."""
        before = [version for at_s, version in self.versions if at_s <= from_s][-1:]
        return {*before, *(version for at_s, version in self.versions if from_s < at_s <= to_s + LOOKING_LAG_S)}


def keep_diaries(envelopes: Iterable[Envelope], nodes: Iterable[str]) -> dict[str, NodeDiary]:
    """A diary of each node from everything that was recorded of it, in the time in which it happened."""
    diaries = {node: NodeDiary() for node in nodes}
    told: dict[str, list[tuple[float, str, bool]]] = {node: [] for node in diaries}
    for envelope in envelopes:
        match envelope.event:
            case ProcessStarted(process=node, version=version) if node in diaries:
                diaries[node].versions.append((envelope.t_s, version))
            case NodeBack(node=node, at_s=at_s) if node in diaries:
                diaries[node].backs_s.append(at_s)
        for node, at_s, witness, away in _testimony(envelope):
            if node in told:
                told[node].append((at_s, witness, away))
    for node, testimonies in told.items():
        diaries[node].stretches = _stretches(sorted(testimonies))
        diaries[node].backs_s.sort()
    return diaries


def reason_for(move: Move, diaries: dict[str, NodeDiary]) -> str:
    """Why the session moved, in a few words; empty if nothing in the record explains it."""
    left, reached = diaries.get(move.from_node), diaries.get(move.to_node)
    if left is None or reached is None:
        return "a node that is not of this cluster"
    if left.was_leaving(move.last_s, move.end_s):
        return f"{move.from_node} was leaving or away"
    if move.attempts > 1:
        return f"the load balancer had to dispatch it again, {move.attempts} attempts"
    if reached.came_back(move.since_s, move.t_s):
        return f"{move.to_node} had come back"
    return ""


def _testimony(envelope: Envelope) -> Iterable[tuple[str, float, str, bool]]:
    """What an event says of a node: whether it is leaving or away, from when on, and who says so."""
    match envelope.event:
        case BalancerObserved(node=node, admin=admin, operational=operational, at_s=at_s):
            yield node, at_s, "balancer", admin != "READY" or operational not in SERVES
        case NodeTakenOut(node=node, at_s=at_s):
            yield node, at_s, "pool", True
        case NodeBack(node=node, at_s=at_s):
            yield node, at_s, "pool", False
        case NodeObserved(node=node, state=state):
            yield (
                node,
                max(0.0, envelope.t_s - LOOKING_LAG_S) if state != RUNNING else envelope.t_s,
                "node",
                (state != RUNNING),
            )
        case ProcessStopping(process=node) | ProcessExited(process=node):
            yield node, envelope.t_s, "process", True
        case ProcessStarted(process=node):
            yield node, envelope.t_s, "process", False


def _stretches(testimonies: list[tuple[float, str, bool]]) -> list[tuple[float, float]]:
    """From what each witness says: a node is away while any of them says so."""
    found: list[tuple[float, float]] = []
    away_by: set[str] = set()
    since_s = 0.0
    for at_s, witness, away in testimonies:
        was_away = bool(away_by)
        (away_by.add if away else away_by.discard)(witness)
        if away_by and not was_away:
            since_s = at_s
        elif was_away and not away_by:
            found.append((since_s, at_s))
    if away_by:
        found.append((since_s, float("inf")))
    return found
