"""What one process tells the one that takes its place, as plain facts that can be written down and read again."""

from dataclasses import dataclass

from lb.node_views import Admin


@dataclass(frozen=True, slots=True)
class NodeMemory:
    """What of a node another process must know to go on with it; what the checks find it finds by itself.

    ``weight`` is the operator's, None if it is the configured one. All ``*_s`` are on the monotonic clock, which all
    processes of a machine share.
    """

    name: str
    admin: Admin = Admin.READY
    weight: int | None = None
    came_up: bool = False
    draining_since_s: float | None = None
    deadline_s: float | None = None
    drain_over: bool = False
    ramp_began_s: float | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What one process hands over to the next.

    ``learned`` is what stickiness learned of the cookie named ``cookie``. Left out on purpose: sessions (each comes
    back with its cookie, and counts as heard of when the new process began), counters, and what the checks found.
    """

    nodes: tuple[NodeMemory, ...] = ()
    cookie: str = ""
    learned: tuple[tuple[str, str, float, float], ...] = ()
    last_seq: int = 0
