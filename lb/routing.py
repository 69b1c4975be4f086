"""The decisions about one request: whether it stays where its cookie says, and where it goes if it does not.

The pool's module docstring says by which rules. Requests of sessions that simply stay do not come here: the pool
answers those itself.
"""

import copy
import math
from collections.abc import Callable, Collection
from typing import Final

from lb.balancing import Candidate, Rng, algorithm_for
from lb.config import BOUND_NODE_GONE, BalancerConfig, StickyMode
from lb.nodes import Node
from lb.rebalance import Load, Rebalance
from lb.routes import Moved, NoNode, Route
from lb.sessions import Session, Sessions
from lb.slowstart import fair_concurrency
from lb.stickiness import CookieAction, CookieState, Reading

_UNBOUND: Final = {
    CookieState.NONE: "new session",
    CookieState.INVALID: "its cookie names no node of ours",
    CookieState.EXPIRED: "the session was silent for longer than maxidle",
    CookieState.OLD: "the session is older than maxlife",
}
_WHY: Final = {
    Moved.FAILED: "failed",
    Moved.IDLE: "drains and the session was silent",
    Moved.STREAM: "drains and closed a stream of the session",
    Moved.SAFE: "drains and its last response was safe to move after",
    Moved.REBALANCED: "has more than its share of sessions",
}

_GONE: Final = frozenset({Moved.DOWN, Moved.FAILED})
"""Why a session loses its node against everybody's wish: those that ``nofailover`` does not let move."""
_OPTIONAL: Final = frozenset({Moved.IDLE, Moved.SAFE, Moved.STREAM})
"""Why a session may move, but need not if there is no room for it elsewhere."""


class Router:
    """Decides. It changes nothing but the algorithm's memory; ``nodes`` are the pool's own."""

    def __init__(
        self,
        config: BalancerConfig,
        *,
        sessions: Sessions,
        rebalance: Rebalance,
        rng: Rng,
        cookie_for: Callable[[str, Reading], bytes],
        forecast_s: Callable[[float], int],
        may_wait: Callable[[], bool],
    ) -> None:
        self.nodes: dict[str, Node] = {}
        self._sessions = sessions
        self._rebalance = rebalance
        self._rng = rng
        self._cookie_for = cookie_for
        self._forecast_s = forecast_s
        self._may_wait = may_wait
        self._balance = config.balance
        self._algorithm = algorithm_for(config.balance, rng)
        self.configure(config)

    def __repr__(self) -> str:
        return f"<Router {type(self._algorithm).__name__}>"

    def configure(self, config: BalancerConfig) -> None:
        """Go by these settings from now on."""
        if config.balance is not self._balance:
            self._balance = config.balance
            self._algorithm = algorithm_for(config.balance, self._rng)
        self._inserts = config.stickiness.mode is StickyMode.INSERT
        self._nofailover = config.stickiness.nofailover
        self._move_idle_s = config.drain.move_idle
        self._may_hold = config.queue.timeout > 0 and config.queue.size > 0
        self._awaits_checks = self._may_hold and config.queue.timeout >= config.health.timeout
        """Whether who waits for a node's first check gets to hear how it ended."""
        self._busy_retry_s = max(1, math.ceil(config.queue.timeout))
        self.refreshes = bool(config.stickiness.maxidle or config.stickiness.maxlife)
        """Whether cookies carry a date, so that they may need renewing on a session that stays."""

    def preview(self, reading: Reading, client: str, now: float) -> Route | NoNode:
        """As :meth:`decide`, but nothing is changed by asking: nobody's turn passes, no session is bound anew."""
        algorithm, cookie_for = self._algorithm, self._cookie_for
        self._algorithm = copy.deepcopy(algorithm)
        if not self._inserts:
            self._cookie_for = _no_cookie  # the table of ``learn`` changes when a cookie is asked for
        try:
            return self.decide(reading, client, now, ())
        finally:
            self._algorithm, self._cookie_for = algorithm, cookie_for

    def decide(self, reading: Reading, client: str, now: float, tried: Collection[str]) -> Route | NoNode:
        """The node for a request whose cookies say ``reading``, leaving out those already ``tried``."""
        name = reading.bound_to
        node = self.nodes.get(name) if name is not None else None
        if name is None or node is None:
            state = reading.state if name is None else CookieState.INVALID
            why = f"no node is called {name}" if name else _UNBOUND.get(state, "new session")
            return self._place(reading, client, now, tried, state, why)
        key = reading.session or f" {client} {name}"
        session = self._sessions.table.get(key)
        leaves = self._leaves(node, key, session, now, tried)
        if leaves is None:
            target = self._better_place(node, session, now, tried)
            if target is None:
                return self._stay(node, reading, key, session, now)
            leaves, chosen = target
            return self._routed(chosen, reading, client, CookieState.VALID, _why_moved(node, leaves), name, leaves)
        why = _why_moved(node, leaves)
        at = self._followed(session, name, now, tried)
        if at is not None:
            return self._routed(at, reading, client, CookieState.DOWN, why, name, leaves)
        if leaves is Moved.DOWN and node.awaits_first_check() and self._awaits_checks and self._may_wait():
            unknown = f"bound to {name}, which nobody has checked yet"
            return NoNode(unknown, reading.state, self._forecast_s(now), may_hold=True, waits_for=name)
        if self._nofailover and leaves in _GONE:
            became = _WHY.get(leaves) or f"is {node.admin}/{node.operational}"
            fixed = f"bound to {name}, which {became}; nofailover keeps the session there"
            return NoNode(fixed, CookieState.DOWN, self._forecast_s(now), code=BOUND_NODE_GONE)
        placed = self._place(reading, client, now, tried, CookieState.DOWN, why, name, leaves)
        if isinstance(placed, NoNode) and leaves in _OPTIONAL and node.takes_bound(now):
            return self._stay(node, reading, key, session, now)
        return placed

    def _leaves(
        self, node: Node, key: str, session: Session | None, now: float, tried: Collection[str]
    ) -> Moved | None:
        """Why a session bound to ``node`` must or may go elsewhere; None if it stays."""
        if node.name in tried:
            return Moved.FAILED
        if not node.takes_bound(now):
            return (Moved.IDLE if node.drain_over else Moved.DEADLINE) if node.answers() else Moved.DOWN
        if node.panic or not node.is_draining():
            return None
        if session is not None and session.node == node.name:
            if session.released_s == node.draining_since_s:
                return Moved.STREAM
            if session.safe and not session.in_flight:
                return Moved.SAFE
        limit_s = self._move_idle_s
        if limit_s is not None and self._sessions.idle_s(key, node.name, now) >= limit_s:
            return Moved.IDLE
        return None

    def _better_place(
        self, node: Node, session: Session | None, now: float, tried: Collection[str]
    ) -> tuple[Moved, Node] | None:
        """Where a session goes that could stay: after its own move, or to a node that came back and is empty."""
        if session is None:
            return None
        if session.node != node.name:
            at = self._followed(session, node.name, now, tried)
            return (session.moved_by, at) if at is not None and session.moved_by is not None else None
        if not self._rebalance.active or session.in_flight:
            return None
        nodes = [n for n in self.nodes.values() if n.regular and n.weight and n.name not in tried]
        loads = [Load(n.name, self._sessions.count(n.name), n.weight) for n in nodes]
        target = self._rebalance.target(node.name, now - session.last_seen_s, loads, now)
        if target is None or not self.nodes[target].has_room(now):
            return None
        return Moved.REBALANCED, self.nodes[target]

    def _followed(self, session: Session | None, name: str, now: float, tried: Collection[str]) -> Node | None:
        """The node to which this session has already moved from ``name``: a browser's other requests go there too."""
        if session is None or session.node == name or session.moved_from != name or session.node in tried:
            return None
        at = self.nodes.get(session.node)
        return at if at is not None and at.regular and at.has_room(now) else None

    def _stay(self, node: Node, reading: Reading, key: str, session: Session | None, now: float) -> Route | NoNode:
        if not node.has_room(now):
            busy = f"{node.name} has {node.in_flight} of {node.limit(now)} requests"
            return NoNode(busy, reading.state, self._busy_retry_s, self._may_hold, node.name)
        line = self._cookie_for(node.name, reading) if self.refreshes and node.regular else b""
        action = CookieAction.UPDATE if line else CookieAction.NONE
        why = node.bound_reason
        if node.panic:
            why += f"; drain-panic: no other node than {node.name} is usable"
        route = Route(node.name, reading.state, action, why, line, key)
        if session is not None and session.node == node.name and node.fast_room:
            session.route = route
        return route

    def _place(
        self,
        reading: Reading,
        client: str,
        now: float,
        tried: Collection[str],
        state: CookieState,
        why: str,
        bound: str = "",
        leaves: Moved | None = None,
    ) -> Route | NoNode:
        """The node that the algorithm gives a session that may go anywhere."""
        usable = [n for n in self.nodes.values() if (n.regular or n.panic) and n.name not in tried]
        free = [n for n in usable if not n.maxconn or n.has_room(now)]
        if not free:
            retry_after_s = self._busy_retry_s if usable else self._forecast_s(now)
            return NoNode(self._why_none(usable, tried, now), state, retry_after_s, self._may_hold)
        if any(node.ramp is not None for node in free):
            free = self._spared(free, now)
        chosen = self._algorithm.choose(
            [Candidate(n.name, n.weight if n.ramp is None else n.weight * n.share(now), n.in_flight) for n in free]
        )
        node = self.nodes[chosen.name]
        if node.panic:
            why += f"; drain-panic: no other node than {node.name} is usable"
        return self._routed(node, reading, client, state, why, bound, leaves)

    def _spared(self, nodes: list[Node], now: float) -> list[Node]:
        """Those of ``nodes`` that are not kept from new sessions by their slow start; all of them if that is all."""
        regular = [node for node in self.nodes.values() if node.regular]
        everywhere = sum(node.in_flight for node in regular)
        weight = sum(node.weight * node.share(now) for node in regular) or 1.0
        return [
            node
            for node in nodes
            if node.ramp is None
            or node.maxconn
            or node.in_flight < fair_concurrency(everywhere, node.weight * node.share(now) / weight)
        ] or nodes

    def _routed(
        self,
        node: Node,
        reading: Reading,
        client: str,
        state: CookieState,
        why: str,
        bound: str,
        leaves: Moved | None,
    ) -> Route:
        line = self._cookie_for(node.name, reading) if node.regular else b""
        action = CookieAction.INSERT if line else CookieAction.NONE
        key = reading.session or (f" {client} {node.name}" if bound else "")
        return Route(node.name, state, action, why, line, key, bound, leaves)

    def _why_none(self, usable: list[Node], tried: Collection[str], now: float) -> str:
        if usable:
            return "all usable nodes are busy: " + ", ".join(
                f"{node.name} has {node.in_flight} of {node.limit(now)} requests" for node in usable
            )
        states = ", ".join(f"{node.name} is {node.admin}/{node.operational}" for node in self.nodes.values())
        return f"no usable node: {states}" + (f"; tried {', '.join(tried)}" if tried else "")


def _no_cookie(_node: str, _reading: Reading) -> bytes:
    return b""


def _why_moved(node: Node, leaves: Moved) -> str:
    return f"moved: {node.name} {_WHY.get(leaves) or f'is {node.admin}/{node.operational}'}"
