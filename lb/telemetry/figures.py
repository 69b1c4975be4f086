"""Everything that is told of this moment, gathered once: page, JSON, CSV and metrics are made of these figures.

So no two of them can disagree, and none of them has to know how the load balancer works.
"""

from dataclasses import dataclass

from lb.config import BalancerConfig
from lb.pool import DrainView
from lb.telemetry.meters import Meter, Meters


class ClientConnections:
    """Clients' connections, which the data path counts as they come and go."""

    __slots__ = ("current", "highest", "refused", "total")

    def __init__(self) -> None:
        self.current = self.highest = self.total = self.refused = 0

    def opened(self) -> None:
        """One was accepted."""
        self.total += 1
        self.current += 1
        self.highest = max(self.highest, self.current)

    def closed(self) -> None:
        """One is gone."""
        self.current -= 1


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """One node. ``word`` is the one in HAProxy's status column; times ``*_s`` are on the monotonic clock."""

    name: str
    address: str
    admin: str
    operational: str
    word: str
    state_since_s: float
    takes_new: bool
    takes_bound: bool
    drained: bool
    panic: bool
    """It keeps taking everything although it drains, because no other node does."""
    drain_deadline_s: float | None
    drain: DrainView | None
    weight: int
    throttle_percent: int
    """The share of its weight in use: under 100 while it starts slowly."""
    maxconn: int
    in_flight: int
    in_flight_max: int
    queued: int
    sessions: int
    sessions_moved: int
    streams: int
    idle_connections: int
    check_status: str
    check_code: int
    check_detail: str
    check_body: str
    check_duration_ms: float
    check_count: str
    """The run of equal results that leads to the next state: 1/3."""
    check_health: int
    """HAProxy's: 0 to rise-1 for a node that is down, then up to rise+fall-1."""
    checks_failed: int
    last_check_s: float | None
    downtime_s: float
    meter: Meter

    @property
    def sessions_left(self) -> int:
        """Sessions that its drain still has to move; 0 when it does not drain."""
        return self.drain.sessions_left if self.drain is not None else 0


@dataclass(frozen=True, slots=True)
class Figures:
    """The whole load balancer."""

    version: str
    now_s: float
    uptime_s: float
    last_seq: int
    held: int
    held_max: int
    config: BalancerConfig
    clients: ClientConnections
    meters: Meters
    nodes: tuple[NodeFigures, ...]

    @property
    def sessions_left(self) -> int:
        """Sessions that drains still have to move."""
        return sum(node.sessions_left for node in self.nodes)

    @property
    def active(self) -> int:
        """How many nodes take requests of any kind."""
        return sum(node.takes_new or node.takes_bound for node in self.nodes)
