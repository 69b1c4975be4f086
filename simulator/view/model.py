"""The figures of the moment, from events and requests as they are recorded. Pure: ``now_s`` is passed in."""

from collections import deque
from dataclasses import dataclass, field

from simulator.percentiles import percentile
from simulator.record.requests import RequestRecord
from zdu.events import (
    BalancerObserved,
    ClusterObserved,
    Envelope,
    NodeObserved,
    ProcessExited,
    ProcessStarted,
    StepStarted,
)

WINDOW_S = 3.0
"""Rates and latencies are those of the last seconds: long enough to be steady, short enough to be of now."""


@dataclass
class NodeLine:
    """One row of the view."""

    node_id: str
    version: str = ""
    state: str = ""
    cluster_state: str = ""
    balancer: str = ""


@dataclass
class Figures:
    """The line of figures."""

    rate: float
    requests: int
    failed: int
    moved: int
    p50_ms: float | None
    p99_ms: float | None


@dataclass
class ViewModel:
    """Everything the view shows."""

    nodes: dict[str, NodeLine]
    step: str = ""
    steps: list[tuple[float, str]] = field(default_factory=list)
    requests: int = 0
    failed: int = 0
    first_failures: list[RequestRecord] = field(default_factory=list)
    _recent: deque[tuple[float, float]] = field(default_factory=deque)
    _at: dict[str, str] = field(default_factory=dict)
    _moved: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, node_ids: tuple[str, ...]) -> "ViewModel":
        """An empty view of these nodes."""
        return cls({node_id: NodeLine(node_id) for node_id in node_ids})

    def on_event(self, envelope: Envelope) -> None:
        """Take an event in."""
        match envelope.event:
            case StepStarted(title=title):
                self.step = title
                self.steps.append((envelope.t_s, title))
            case ProcessStarted(process=process, version=version) if process in self.nodes:
                self.nodes[process].version = version
            case ProcessExited(process=process, expected=expected) if process in self.nodes:
                self.nodes[process].state = "stopped" if expected else "DIED"
            case NodeObserved(node=node, state=state) if state:
                self.nodes[node].state = state
            case ClusterObserved(state=state, seen_by=node):
                self.nodes[node].cluster_state = state
            case BalancerObserved(node=node, operational=operational, admin=admin):
                self.nodes[node].balancer = operational if admin == "READY" else f"{admin} ({operational})"

    def on_request(self, request: RequestRecord) -> None:
        """Take a finished request in."""
        self.requests += 1
        self._recent.append((request.end_s, request.latency_ms))
        if request.failed:
            self.failed += 1
            if len(self.first_failures) < 1:
                self.first_failures.append(request)
        elif request.node and not request.is_probe and request.kind != "open_login":
            if self._at.get(request.session, request.node) != request.node:
                self._moved.add(request.session)
            self._at[request.session] = request.node

    def figures(self, now_s: float) -> Figures:
        """The figures of the last seconds, and the totals."""
        while self._recent and self._recent[0][0] < now_s - WINDOW_S:
            self._recent.popleft()
        ordered = sorted(latency_ms for _, latency_ms in self._recent)
        return Figures(
            rate=len(ordered) / min(WINDOW_S, max(now_s, 0.1)),
            requests=self.requests,
            failed=self.failed,
            moved=len(self._moved),
            p50_ms=percentile(ordered, 0.5) if ordered else None,
            p99_ms=percentile(ordered, 0.99) if ordered else None,
        )
