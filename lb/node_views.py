"""What is told of a node: its admin state, what changed about it, how it is, how far its drain has come."""

from dataclasses import dataclass
from enum import StrEnum

from lb.health import Operational


class Admin(StrEnum):
    """A node's admin state: what its operator wants."""

    READY = "READY"
    DRAIN = "DRAIN"
    MAINT = "MAINT"


@dataclass(frozen=True)
class NodeChanged:
    """Something visible changed about a node, at ``at_s`` on the monotonic clock."""

    at_s: float
    node: str
    admin: Admin
    operational: Operational
    takes_new_sessions: bool
    takes_bound_sessions: bool
    drained: bool
    reason: str


@dataclass(frozen=True, slots=True)
class DrainView:
    """How far a drain has come, for whoever waits for it.

    ``sessions_left`` are those that the node still serves, ``sessions_moved`` those that went elsewhere since it
    began. ``done_s`` is when it will be over: the deadline, or earlier if the sessions left will have been silent for
    ``drain.move_idle`` by then; None if that cannot be known: requests or streams outlast it, or drain-panic does.
    """

    since_s: float
    deadline_s: float
    done_s: float | None
    sessions_left: int
    sessions_moved: int
    in_flight: int
    streams: int


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node as it is now, for status pages. All ``*_s`` are on the monotonic clock.

    ``throttle`` is HAProxy's word: the percentage of its weight and ``maxconn`` that a node in slow start has; 100
    outside of it. ``maxconn`` is the configured one, ``limit`` what slow start makes of it (0: none). ``queued`` are
    the requests that wait for this very node.
    """

    name: str
    weight: int
    admin: Admin
    operational: Operational
    takes_new_sessions: bool
    takes_bound_sessions: bool
    drained: bool
    in_flight: int
    state_since_s: float
    drain_deadline_s: float | None
    throttle: int = 100
    maxconn: int = 0
    limit: int = 0
    sessions: int = 0
    sessions_moved: int = 0
    streams: int = 0
    queued: int = 0
    panic: bool = False
    in_flight_max: int = 0
    drain: DrainView | None = None
