"""One node of the pool: what its operator and its health checks say of it, and what follows from that.

The pool's module docstring has the table; this is the part of it that looks at one node alone.
"""

import math
from dataclasses import dataclass
from typing import Final

from lb.config import NodeAddress
from lb.health import Operational
from lb.memory import NodeMemory
from lb.node_views import Admin, NodeChanged
from lb.slowstart import Ramp, ramped_maxconn


@dataclass(frozen=True, slots=True)
class Facts:
    """What of a node is worth an event when it changes."""

    admin: Admin
    operational: Operational
    takes_new: bool
    takes_bound: bool
    drained: bool

    def event(self, node: str, now: float, reason: str) -> NodeChanged:
        """The event that tells of these facts."""
        return NodeChanged(
            now,
            node,
            self.admin,
            self.operational,
            self.takes_new,
            self.takes_bound,
            self.drained,
            reason,
        )


SERVING: Final = frozenset({Operational.UP, Operational.GOING_DOWN})
ANSWERING: Final = SERVING | {Operational.STOPPING}


class Node:
    """One node's state. The pool changes it; what is asked of it here changes nothing."""

    __slots__ = (
        "admin",
        "bound_reason",
        "came_up",
        "cold",
        "configured_weight",
        "deadline_s",
        "drain_over",
        "draining_since_s",
        "facts",
        "fast_room",
        "in_flight",
        "in_flight_max",
        "look_again_s",
        "maxconn",
        "moved",
        "moved_in_drain",
        "name",
        "operational",
        "panic",
        "ramp",
        "regular",
        "since_s",
        "slowstart_s",
        "streams",
        "weight",
    )

    def __init__(self, address: NodeAddress, now: float) -> None:
        self.name = address.name
        self.bound_reason = f"bound to {address.name}"
        self.weight = self.configured_weight = address.weight
        self.maxconn = address.maxconn
        self.slowstart_s = address.slowstart
        self.moved = self.moved_in_drain = self.in_flight = self.in_flight_max = self.streams = 0
        self.admin = Admin.READY
        self.facts = Facts(Admin.READY, Operational.INIT, takes_new=False, takes_bound=False, drained=True)
        self.begin_anew(now)

    def __repr__(self) -> str:
        return f"<Node {self.name}={self.admin}/{self.operational}({self.in_flight})>"

    def begin_anew(self, now: float) -> None:
        """Nothing is known of the node's health; what its operator wants and what is in flight stays as it is."""
        self.since_s = now
        self.operational = Operational.INIT
        self.panic = False
        """Whether it serves although it should not, because nobody else does."""
        self.regular = False
        """Whether it takes new sessions by its own states, not by drain-panic."""
        self.fast_room = 0
        """Up to how many requests sessions bound to it are served without further questions: the hot path."""
        self.came_up = False
        """Whether it was ever regular: from then on it can come back."""
        self.cold = False
        """Whether it is to begin its ramp when it next becomes regular."""
        self.ramp: Ramp | None = None
        self.draining_since_s: float | None = None
        self.deadline_s: float | None = None
        self.drain_over = False
        """Whether its drain ended before the deadline, nobody being left who is served."""
        self.look_again_s: float | None = None
        """When that may be so."""

    def is_draining(self) -> bool:
        """Whether the operator or the node itself wants its sessions gone."""
        return self.admin is Admin.DRAIN or self.operational is Operational.STOPPING

    def answers(self) -> bool:
        """Whether it could serve, were it asked."""
        return self.admin is not Admin.MAINT and self.operational in ANSWERING

    def serves(self) -> bool:
        """Whether it serves whoever is bound to it, and nobody wants that to end."""
        return self.admin is Admin.READY and self.operational in SERVING

    def awaits_first_check(self) -> bool:
        """Whether nothing is known of it yet, good or bad, and a check that is on its way will tell."""
        return self.operational is Operational.INIT and self.admin is not Admin.MAINT

    def is_regular(self) -> bool:
        """Whether it takes new sessions by its own states."""
        return self.serves() and self.weight > 0

    def drained_last(self) -> float:
        """For drain-panic: nodes that do not drain at all (weight 0) before those that do; of these the youngest."""
        return math.inf if self.draining_since_s is None else self.draining_since_s

    def takes_new(self) -> bool:
        """Whether it gets new sessions now."""
        return self.regular or self.panic

    def takes_bound(self, now: float) -> bool:
        """Whether it serves any of the sessions bound to it."""
        if self.panic:
            return True
        if not self.answers() or self.drain_over:
            return False
        return self.deadline_s is None or now < self.deadline_s

    def what_it_takes(self, now: float) -> Facts:
        """What is true of it at ``now``."""
        new, bound = self.takes_new(), self.takes_bound(now)
        drained = not (new or bound or self.in_flight or self.streams)
        return Facts(self.admin, self.operational, new, bound, drained)

    def share(self, now: float) -> float:
        """How far it is up its ramp, from a tenth to 1."""
        return 1.0 if self.ramp is None else self.ramp.share(now)

    def limit(self, now: float) -> int:
        """How many requests it gets at once now; 0: as many as come."""
        return self.maxconn if self.ramp is None else ramped_maxconn(self.maxconn, self.ramp.share(now))

    def has_room(self, now: float) -> bool:
        """Whether it may get one more request."""
        return not self.maxconn or self.in_flight < self.limit(now)

    def memory(self) -> NodeMemory:
        """What another process must know of it."""
        return NodeMemory(
            self.name,
            self.admin,
            self.weight if self.weight != self.configured_weight else None,
            self.came_up,
            self.draining_since_s,
            self.deadline_s,
            self.drain_over,
            self.ramp.began_s if self.ramp is not None else None,
        )

    def recall(self, memory: NodeMemory) -> None:
        """Go on as another process would have; its drain only if the node is still to be drained."""
        self.admin = memory.admin
        if memory.weight is not None:
            self.weight = memory.weight
        self.came_up = self.came_up or memory.came_up
        if memory.ramp_began_s is not None and self.slowstart_s > 0:
            self.ramp = Ramp(memory.ramp_began_s, self.slowstart_s)
        if self.is_draining() and memory.draining_since_s is not None:
            self.draining_since_s, self.deadline_s = memory.draining_since_s, memory.deadline_s
            self.drain_over = memory.drain_over
