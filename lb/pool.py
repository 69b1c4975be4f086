"""Which node gets a request: stickiness, admin state against operational state, drain with a deadline.

Theory of operation. Two things are said about a node, by two voices, and kept apart as HAProxy does. Its *admin*
state is the operator's wish (READY, DRAIN, MAINT); its *operational* state is what the health checks found. A node is
*draining* when the operator says DRAIN or the checks found STOPPING: the node asks for it, and still serves. (A node
that serves no more, having got SIGTERM, is DOWN.) What follows from both::

    admin   operational              new sessions    sessions bound to it by cookie
    READY   UP, GOING_DOWN           yes (weight>0)  yes
    READY   STOPPING                 no              until the drain deadline, then moved at their next request
    DRAIN   UP, GOING_DOWN, STOPPING no              until the drain deadline, then moved at their next request
    MAINT   any                      no              no
    any     INIT, DOWN, GOING_UP     no              no

Requests in flight always finish. A node is *drained* when it takes neither kind and nothing is in flight.

*Drain-panic*: if no node takes new sessions, the one that began to drain last keeps taking everything rather than
that users see 503. It is then not drained, and whoever waits for that waits until another node is back. MAINT is the
operator's word and is never overruled.

The drain deadline passes without anybody doing anything, so the owner calls :meth:`Pool.tick` at
:meth:`Pool.next_deadline_s`. Every method that can change what a node takes returns :class:`NodeChanged` events, one
for each node for which something visible changed.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from lb.balancing import Algorithm, Candidate, SmoothRoundRobin
from lb.health import Operational
from lb.stickiness import CookieAction, CookieState


class Admin(StrEnum):
    """A node's admin state: what its operator wants."""

    READY = "READY"
    DRAIN = "DRAIN"
    MAINT = "MAINT"


@dataclass(frozen=True)
class Route:
    """Where a request goes, what happens to its cookie, and why."""

    node: str
    cookie_state: CookieState
    cookie_action: CookieAction
    reason: str


@dataclass(frozen=True)
class NoNode:
    """No usable node is left for this request; ``retry_after_s`` is what the client may be told."""

    reason: str
    cookie_state: CookieState
    retry_after_s: int


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


@dataclass(frozen=True)
class NodeView:
    """A node as it is now, for status pages."""

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


@dataclass(frozen=True)
class _Facts:
    """What of a node is worth an event when it changes."""

    admin: Admin
    operational: Operational
    takes_new: bool
    takes_bound: bool
    drained: bool


@dataclass
class _Node:
    name: str
    weight: int
    since_s: float
    admin: Admin = Admin.READY
    operational: Operational = Operational.INIT
    in_flight: int = 0
    draining_since_s: float | None = None
    facts: _Facts = _Facts(Admin.READY, Operational.INIT, takes_new=False, takes_bound=False, drained=True)


_SERVING = frozenset({Operational.UP, Operational.GOING_DOWN})
_ANSWERING = _SERVING | {Operational.STOPPING}


class Pool:
    """The nodes behind the load balancer and the rules by which requests are given to them."""

    def __init__(
        self,
        nodes: Iterable[tuple[str, int]],
        now: float,
        *,
        drain_deadline_s: float = 0.0,
        retry_after_s: int = 1,
        algorithm: Algorithm | None = None,
    ) -> None:
        self._nodes = {name: _Node(name, weight, now) for name, weight in nodes}
        self._drain_deadline_s = drain_deadline_s
        self._retry_after_s = retry_after_s
        self._algorithm = algorithm or SmoothRoundRobin()

    def __repr__(self) -> str:
        parts = (f"{n.name}={n.admin}/{n.operational}({n.in_flight})" for n in self._nodes.values())
        return f"<Pool {' '.join(parts)}>"

    @property
    def names(self) -> tuple[str, ...]:
        """The nodes' names, in the configuration's order."""
        return tuple(self._nodes)

    def view(self, name: str, now: float) -> NodeView:
        """Node ``name`` as it is at ``now``. Raises KeyError if there is none."""
        node = self._nodes[name]
        facts = self._facts(node, now, self._panic_node())
        return NodeView(
            node.name,
            node.weight,
            facts.admin,
            facts.operational,
            facts.takes_new,
            facts.takes_bound,
            facts.drained,
            node.in_flight,
            node.since_s,
            self._deadline_s(node),
        )

    def set_admin(self, name: str, admin: Admin, now: float, reason: str) -> list[NodeChanged]:
        """The operator's wish. READY ends a drain; asking for the same state again changes nothing."""
        node = self._nodes[name]
        if admin is not node.admin:
            node.admin, node.since_s = admin, now
        return self._settle(node, now, reason)

    def set_operational(self, name: str, state: Operational, now: float, reason: str) -> list[NodeChanged]:
        """What the health checks found."""
        node = self._nodes[name]
        if state is not node.operational:
            node.operational, node.since_s = state, now
        return self._settle(node, now, reason)

    def tick(self, now: float) -> list[NodeChanged]:
        """Let time pass: drain deadlines that are over take effect for everybody to see."""
        return self._changes(now, None, "drain deadline over")

    def next_deadline_s(self, now: float) -> float | None:
        """When :meth:`tick` has to be called next; None if nothing is pending."""
        deadlines = (self._deadline_s(node) for node in self._nodes.values())
        return min((d for d in deadlines if d is not None and d > now), default=None)

    def begin(self, name: str) -> None:
        """A request goes to the node: it is in flight until :meth:`end`."""
        self._nodes[name].in_flight += 1

    def end(self, name: str, now: float) -> list[NodeChanged]:
        """A request to the node is over, whatever became of it."""
        node = self._nodes[name]
        if node.in_flight <= 0:
            raise AssertionError(f"a request to {name} ended that never began")
        node.in_flight -= 1
        if node.in_flight or node.facts.takes_new or node.facts.takes_bound:
            return []
        return self._changes(now, None, "last request finished")

    def route(self, bound_to: str | None, now: float, tried: Collection[str] = ()) -> Route | NoNode:
        """The node for a request whose cookie names ``bound_to``, leaving out those already ``tried``."""
        panic = self._panic_node()
        bound = self._nodes.get(bound_to) if bound_to is not None else None
        if bound is not None and bound.name not in tried and self._takes_bound(bound, now, panic):
            return Route(bound.name, CookieState.VALID, CookieAction.NONE, f"bound to {bound.name}")
        if bound_to is None:
            cookie, action, why = CookieState.NONE, CookieAction.INSERT, "new session"
        elif bound is None:
            cookie, action, why = CookieState.INVALID, CookieAction.UPDATE, f"no node is called {bound_to}"
        else:
            cookie, action, why = CookieState.DOWN, CookieAction.UPDATE, self._why_moved(bound, tried)
        usable = [
            Candidate(node.name, node.weight, node.in_flight)
            for node in self._nodes.values()
            if node.name not in tried and self._takes_new(node, panic)
        ]
        if not usable:
            return NoNode(self._why_none(tried), cookie, self._retry_after_s)
        chosen = self._algorithm.choose(usable)
        if panic is not None and chosen.name == panic.name:
            why += f"; drain-panic: no other node than {panic.name} is usable"
        return Route(chosen.name, cookie, action, why)

    def _settle(self, node: _Node, now: float, reason: str) -> list[NodeChanged]:
        draining = node.admin is Admin.DRAIN or node.operational is Operational.STOPPING
        if not draining:
            node.draining_since_s = None
        elif node.draining_since_s is None:
            node.draining_since_s = now
        return self._changes(now, node, reason)

    def _changes(self, now: float, cause: _Node | None, reason: str) -> list[NodeChanged]:
        """The events for all nodes whose facts differ from those last told; ``reason`` is about ``cause``."""
        panic = self._panic_node()
        events = []
        for node in self._nodes.values():
            facts = self._facts(node, now, panic)
            if facts == node.facts:
                continue
            why = reason
            if cause is not None and node is not cause:
                kind = "drain-panic begins" if facts.takes_new else "drain-panic ends"
                why = f"{kind}: {cause.name} is {cause.admin}/{cause.operational}"
            node.facts = facts
            events.append(_event(node.name, facts, now, why))
        return events

    def _facts(self, node: _Node, now: float, panic: _Node | None) -> _Facts:
        new = self._takes_new(node, panic)
        bound = self._takes_bound(node, now, panic)
        drained = not new and not bound and node.in_flight == 0
        return _Facts(node.admin, node.operational, new, bound, drained)

    def _takes_new(self, node: _Node, panic: _Node | None) -> bool:
        return node is panic or _regularly_takes_new(node)

    def _takes_bound(self, node: _Node, now: float, panic: _Node | None) -> bool:
        if node is panic:
            return True
        if node.admin is Admin.MAINT or node.operational not in _ANSWERING:
            return False
        deadline_s = self._deadline_s(node)
        return deadline_s is None or now < deadline_s

    def _deadline_s(self, node: _Node) -> float | None:
        return None if node.draining_since_s is None else node.draining_since_s + self._drain_deadline_s

    def _panic_node(self) -> _Node | None:
        if any(_regularly_takes_new(node) for node in self._nodes.values()):
            return None
        answering = [n for n in self._nodes.values() if n.admin is not Admin.MAINT and n.operational in _ANSWERING]
        return max(answering, key=_last_to_drain, default=None)

    def _why_moved(self, node: _Node, tried: Collection[str]) -> str:
        if node.name in tried:
            return f"moved: {node.name} failed"
        return f"moved: {node.name} is {node.admin}/{node.operational}"

    def _why_none(self, tried: Collection[str]) -> str:
        states = ", ".join(f"{node.name} is {node.admin}/{node.operational}" for node in self._nodes.values())
        return f"no usable node: {states}" + (f"; tried {', '.join(tried)}" if tried else "")


def _regularly_takes_new(node: _Node) -> bool:
    return node.admin is Admin.READY and node.operational in _SERVING and node.weight > 0


def _last_to_drain(node: _Node) -> float:
    """Nodes that do not drain at all (weight 0) before those that do; of these the youngest drain first."""
    return float("inf") if node.draining_since_s is None else node.draining_since_s


def _event(name: str, facts: _Facts, now: float, reason: str) -> NodeChanged:
    return NodeChanged(
        now,
        name,
        facts.admin,
        facts.operational,
        facts.takes_new,
        facts.takes_bound,
        facts.drained,
        reason,
    )
