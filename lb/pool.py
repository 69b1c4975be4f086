"""Which node gets a request: stickiness, admin state against operational state, drain with a deadline.

Theory of operation. Two things are said about a node, by two voices, and kept apart as HAProxy does. Its *admin*
state is the operator's wish (READY, DRAIN, MAINT); its *operational* state is what the health checks found. A node is
*draining* when the operator says DRAIN or the checks found STOPPING: the node asks for it, and still serves. (A node
that serves no more, having got SIGTERM, is DOWN.) What follows from both::

    admin   operational              new sessions    sessions bound to it by cookie
    READY   UP, GOING_DOWN           yes (weight>0)  yes
    READY   STOPPING                 no              until they may move, at the latest at the drain deadline
    DRAIN   UP, GOING_DOWN, STOPPING no              until they may move, at the latest at the drain deadline
    MAINT   any                      no              no
    any     INIT                     no              not yet: they wait for its first check (not with MAINT)
    any     DOWN, GOING_UP           no              no

A session of a draining node moves with its next request, once it was silent for ``drain.move_idle``, or after a
response that the application marked as safe, or when the deadline is over. Requests in flight always finish. With
``move_idle`` a drain is over before its deadline when everybody is known to have been silent for that long. A node is
*drained* when it takes neither kind and nothing is in flight and no stream is open.

*Drain-panic*: if no node takes new sessions, the one that began to drain last keeps taking everything rather than
that users see 503. It is then not drained, and whoever waits for that waits until another node is back. MAINT is the
operator's word and is never overruled. A response of a node that takes no new sessions by itself never gets a cookie
that names it.

A load balancer that was just started knows nothing of its nodes (INIT), and the sessions that come to it are bound to
them. They wait until the first check of their node is over, which takes milliseconds, instead of moving for nothing;
where nothing may wait, or not for as long as a check may take, they move.

A node at its ``maxconn`` gets nothing more: a session bound to it waits for it, a new one goes elsewhere. A browser
that was moved has sent other requests with its old cookie at the same time: they follow it to its new node.

Deadlines pass without anybody doing anything, so the owner calls :meth:`Pool.tick` at :meth:`Pool.next_deadline_s`.
Every method that can change what a node takes returns :class:`NodeChanged` events, one for each node for which
something visible changed.
"""

import sys
from collections.abc import Callable, Collection, Sequence
from typing import Final

from lb.balancing import Rng
from lb.config import BalancerConfig, NodeAddress
from lb.drains import Drains
from lb.health import Operational
from lb.memory import NodeMemory
from lb.node_views import Admin, DrainView, NodeChanged, NodeView
from lb.nodes import Node
from lb.rebalance import Rebalance
from lb.routes import Moved, NoNode, Route
from lb.routing import Router
from lb.sessions import Session, Sessions
from lb.slowstart import Ramp
from lb.stickiness import CookieAction, CookieState, Reading

__all__ = [
    "Admin",
    "CookieAction",
    "CookieState",
    "DrainView",
    "Moved",
    "NoNode",
    "NodeChanged",
    "NodeView",
    "Pool",
    "Route",
]

_NO_LIMIT: Final = sys.maxsize
_RECOVERING: Final = frozenset({Operational.DOWN, Operational.GOING_UP})


class Pool:
    """The nodes behind the load balancer and the rules by which requests are given to them.

    ``cookie_for`` makes the Set-Cookie line that binds a session to a node; it is asked for sessions that stay where
    they are too if ``refreshes`` says that their cookie carries a date. ``forecast_s`` says how many seconds a client
    should wait when no node is usable, ``may_wait`` whether there is room for one more request that waits.
    """

    def __init__(
        self,
        config: BalancerConfig,
        now: float,
        *,
        rng: Rng,
        cookie_for: Callable[[str, Reading], bytes],
        forecast_s: Callable[[float], int],
        may_wait: Callable[[], bool] = lambda: True,
    ) -> None:
        self._nodes = {address.name: Node(address, now) for address in config.nodes}
        self._leaving: dict[str, Node] = {}
        self.moves: dict[Moved, int] = dict.fromkeys(Moved, 0)
        """How many sessions moved, and why."""
        self.sessions = Sessions(config.stickiness.table_size, now)
        self._table = self.sessions.table
        self._drains = Drains(config.drain, self.sessions)
        self._rebalance = Rebalance(config.rebalance)
        self._ticked_s = now
        self._router = Router(
            config,
            sessions=self.sessions,
            rebalance=self._rebalance,
            rng=rng,
            cookie_for=cookie_for,
            forecast_s=forecast_s,
            may_wait=may_wait,
        )
        self._apply(config)

    def __repr__(self) -> str:
        parts = (f"{n.name}={n.admin}/{n.operational}({n.in_flight})" for n in self._nodes.values())
        return f"<Pool {' '.join(parts)}>"

    @property
    def names(self) -> tuple[str, ...]:
        """The nodes' names, in the configuration's order."""
        return tuple(self._nodes)

    # What is asked.

    def takes_new(self, name: str) -> bool:
        """Whether node ``name`` gets new sessions now."""
        node = self._nodes.get(name)
        return node is not None and node.takes_new()

    def has_room(self, name: str, now: float) -> bool:
        """Whether node ``name`` is usable for anybody and may get one more request."""
        node = self._nodes.get(name)
        return node is not None and node.takes_bound(now) and node.has_room(now)

    def is_draining(self, name: str) -> bool:
        """Whether node ``name`` is to get rid of its sessions."""
        node = self._nodes.get(name)
        return node is not None and node.is_draining()

    def view(self, name: str, now: float, queued: int = 0) -> NodeView:
        """Node ``name`` as it is at ``now``. Raises KeyError if there is none."""
        node = self._nodes[name]
        facts = node.what_it_takes(now)
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
            node.deadline_s,
            throttle=int(100 * node.share(now) + 1e-6),
            maxconn=node.maxconn,
            limit=node.limit(now),
            sessions=self.sessions.count(name),
            sessions_moved=node.moved,
            streams=node.streams,
            queued=queued,
            panic=node.panic,
            in_flight_max=node.in_flight_max,
        )

    def drain_view(self, name: str, now: float) -> DrainView | None:
        """How far the drain of node ``name`` has come; None if it does not drain. Looks at each of its sessions."""
        return self._drains.view(self._nodes[name], now)

    def closes_streams_by_s(self, name: str) -> float | None:
        """When node ``name`` is to be rid of its streams; None if it may keep them."""
        node = self._nodes.get(name) or self._leaving.get(name)
        if node is None or node.admin is Admin.MAINT:
            return 0.0
        return None if node.panic else node.deadline_s

    # What is told.

    def set_admin(
        self, name: str, admin: Admin, now: float, reason: str, *, deadline_s: float | None = None
    ) -> list[NodeChanged]:
        """The operator's wish. READY ends a drain; asking for the same state again changes nothing.

        ``deadline_s`` is how long from now on this drain may take, instead of the configured deadline.
        """
        node = self._nodes[name]
        if admin is not node.admin:
            if node.admin is Admin.MAINT and node.came_up:
                node.cold = True
            node.admin, node.since_s = admin, now
        own_deadline_s = None if deadline_s is None else now + deadline_s
        return self._settle(node, now, reason, own_deadline_s)

    def set_operational(self, name: str, state: Operational, now: float, reason: str) -> list[NodeChanged]:
        """What the health checks found."""
        node = self._nodes[name]
        if state is node.operational:
            return []  # as most checks find, and each of many nodes is checked every second
        if node.operational in _RECOVERING and state not in _RECOVERING:
            node.cold = True
        node.operational, node.since_s = state, now
        return self._settle(node, now, reason)

    def restarted(self, name: str, now: float) -> None:
        """Another process answers for node ``name``: it is cold, whether or not anybody saw it go."""
        node = self._nodes[name]
        node.cold = True
        if node.regular:
            self._warm_up(node, now)

    def set_weight(self, name: str, weight: int, now: float, reason: str) -> list[NodeChanged]:
        """The operator's weight, until the configuration says another one; 0 takes no new sessions."""
        node = self._nodes[name]
        node.weight = weight
        return self._changes(now, node, reason)

    def set_streams(self, name: str, count: int, now: float) -> list[NodeChanged]:
        """How many streams to node ``name`` are open."""
        node = self._nodes.get(name) or self._leaving.get(name)
        if node is None:
            return []
        node.streams = count
        if node.facts.drained and count:
            return self._changes(now, None, "a stream was opened")
        if node.facts.takes_new or node.in_flight or count:
            return []
        return self._drained(node, now, "last stream closed")

    def stream_cut(self, name: str, key: str) -> None:
        """A stream of session ``key`` is closed because node ``name`` drains: it may come again elsewhere."""
        node, session = self._nodes.get(name), self._table.get(key)
        if node is not None and session is not None and session.node == name:
            session.released_s = node.draining_since_s

    def tick(self, now: float) -> list[NodeChanged]:
        """Let time pass: drain deadlines that are over take effect for everybody to see."""
        self._ticked_s = now
        for node in self._nodes.values():
            if node.ramp is not None and node.ramp.is_over(now):
                node.ramp = None
        return self._changes(now, None, "drain deadline over")

    def growing(self) -> list[str]:
        """The nodes whose ``maxconn`` grows with time."""
        return [node.name for node in self._nodes.values() if node.maxconn and node.ramp is not None]

    def next_deadline_s(self, *, anybody_waits: bool = False) -> float | None:
        """When :meth:`tick` has to be called next; None if nothing is pending.

        With ``anybody_waits`` that is also when a node in slow start may get one more request. All of it counts from
        the last tick, not from now: what has become due since then is still due. Left out, a deadline that falls
        between a tick and this call would take effect with the next event of another kind, or never.
        """
        times: list[float] = []
        for node in self._nodes.values():
            if node.deadline_s is not None:
                times.append(node.deadline_s)
                if node.look_again_s is not None:
                    times.append(node.look_again_s)
            if node.ramp is not None:
                times.append(node.ramp.began_s + node.ramp.length_s)
                if node.maxconn and anybody_waits:
                    times.append(node.ramp.next_room_s(node.maxconn, self._ticked_s))
        return min((time for time in times if time > self._ticked_s), default=None)

    def reconfigure(self, config: BalancerConfig, now: float, moved: Collection[str]) -> list[NodeChanged]:
        """Go by another configuration; nodes in ``moved`` have another address: nothing is known of them yet.

        Admin states, sessions and requests in flight stay; so does a weight that the operator set, unless the
        configuration now says another one than before.
        """
        gone = {name: node for name, node in self._nodes.items() if name not in {a.name for a in config.nodes}}
        back = [address.name for address in config.nodes if address.name in self._leaving]
        self._nodes = {address.name: self._known(address, now) for address in config.nodes}
        for name in moved:
            self._nodes[name].begin_anew(now)
        events = []
        for name, node in gone.items():
            self.sessions.forget_node(name)
            if node.in_flight or node.streams:
                self._leaving[name] = node
                if node.deadline_s is None:  # its streams are closed over the time of a drain
                    node.deadline_s = now + config.drain.deadline
            node.operational = Operational.INIT  # nobody checks it any more
            node.regular = node.panic = False
            node.facts = node.what_it_takes(now)
            events.append(node.facts.event(name, now, "removed from the configuration"))
        self._apply(config)
        for name in (*moved, *back):
            self._drains.note(self._nodes[name], now, None)
        return events + self._changes(now, None, "new configuration")

    def preview(self, reading: Reading, client: str, now: float) -> Route | NoNode:
        """Where a request would go; nothing is changed by asking."""
        return self._router.preview(reading, client, now)

    def memories(self) -> list[NodeMemory]:
        """What another process must know to go on with the nodes."""
        return [node.memory() for node in self._nodes.values()]

    def recall(self, memories: Sequence[NodeMemory], now: float) -> list[NodeChanged]:
        """Go on with the nodes as another process would have."""
        for memory in memories:
            node = self._nodes.get(memory.name)
            if node is not None:
                node.recall(memory)
                self._drains.note(node, now, None)
        return self._changes(now, None, "taken over from another process")

    # The hot path.

    def route(self, reading: Reading, client: str, now: float, tried: Collection[str] = ()) -> Route | NoNode:
        """The node for a request whose cookies say ``reading``, leaving out those already ``tried``."""
        name = reading.bound_to
        if name is not None and not tried and not self._rebalance.active:
            node = self._nodes.get(name)
            if node is not None and node.in_flight < node.fast_room:
                key = reading.session or f" {client} {name}"
                session = self._table.get(key)
                if session is None:
                    return Route(name, CookieState.VALID, CookieAction.NONE, node.bound_reason, b"", key)
                if session.route is not None and session.node == name:
                    return session.route
        return self._router.decide(reading, client, now, tried)

    def begin(self, route: Route, now: float) -> Sequence[NodeChanged]:
        """A request goes to the node: it is in flight until :meth:`end`."""
        name = route.node
        node = self._nodes.get(name) or self._leaving[name]
        node.in_flight += 1
        if node.in_flight > node.in_flight_max:  # noqa: PLR1730 - the hot path: calling max costs more
            node.in_flight_max = node.in_flight
        key = route.session
        if key:
            session = self._table.get(key)
            if session is None or session.node != name:
                session = self._enter(route, node, session, now)
            if session is not None:
                session.in_flight += 1
                session.safe = False
        elif route.moved_by is not None:
            self._count_move(route, now)
        if node.in_flight == 1 and node.facts.drained:  # once more on a fresh connection, to where it was
            return self._changes(now, None, "a request began")
        return ()

    def end(self, route: Route, now: float, *, safe_to_move: bool = False) -> Sequence[NodeChanged]:
        """A request to the node is over, whatever became of it."""
        node = self._nodes.get(route.node) or self._leaving[route.node]
        if node.in_flight <= 0:
            raise AssertionError(f"a request to {route.node} ended that never began")
        node.in_flight -= 1
        key = route.session
        if key:
            session = self._table.get(key)
            if session is not None:
                if session.in_flight:
                    session.in_flight -= 1
                session.last_seen_s = now
                if safe_to_move:
                    session.safe = True
                self._table.move_to_end(key)
        else:
            self.sessions.stranger(route.node, now)
        if node.facts.takes_new:
            return ()
        return self._after_end(node, now, safe_to_move=safe_to_move)

    # Bookkeeping.

    def _apply(self, config: BalancerConfig) -> None:
        self._drains.config = config.drain
        self.sessions.resize(config.stickiness.table_size)
        self._rebalance.configure(config.rebalance)
        self._router.configure(config)
        self._router.nodes = self._nodes

    def _known(self, address: NodeAddress, now: float) -> Node:
        """The node of that name, as it is configured now."""
        node = self._nodes.get(address.name) or self._leaving.pop(address.name, None)
        if node is None:
            return Node(address, now)
        if node.configured_weight != address.weight:
            node.weight = node.configured_weight = address.weight
        node.maxconn, node.slowstart_s = address.maxconn, address.slowstart
        return node

    def _enter(self, route: Route, node: Node, session: Session | None, now: float) -> Session | None:
        """The session is on another node from now on, or it is new."""
        if route.moved_by is not None:
            self._count_move(route, now)
            if session is None:
                self.sessions.leave(route.session[: -len(node.name)] + route.moved_from)
        entered = self.sessions.enter(route.session, node.name, now)
        if entered is not None:
            entered.moved_from, entered.moved_by = route.moved_from, route.moved_by
        return entered

    def _count_move(self, route: Route, now: float) -> None:
        if route.moved_by is None:
            return
        self.moves[route.moved_by] += 1
        if route.moved_by is Moved.REBALANCED:
            self._rebalance.moved(now)
        left = self._nodes.get(route.moved_from)
        if left is not None:
            left.moved += 1
            left.moved_in_drain += 1

    def _after_end(self, node: Node, now: float, *, safe_to_move: bool) -> Sequence[NodeChanged]:
        if safe_to_move:
            self._drains.look_soon(node, now)
        if node.in_flight or node.streams or node.facts.takes_bound:
            return ()
        return self._drained(node, now, "last request finished")

    def _drained(self, node: Node, now: float, reason: str) -> list[NodeChanged]:
        """Nothing is in flight any more at a node that gets nothing new."""
        if self._leaving.get(node.name) is not node:
            return self._changes(now, None, reason)
        del self._leaving[node.name]
        node.facts = node.what_it_takes(now)
        return [node.facts.event(node.name, now, reason)]

    def _settle(self, node: Node, now: float, reason: str, own_deadline_s: float | None = None) -> list[NodeChanged]:
        self._drains.note(node, now, own_deadline_s)
        return self._changes(now, node, reason)

    def _changes(self, now: float, cause: Node | None, reason: str) -> list[NodeChanged]:
        """The events for all nodes whose facts differ from those last told; ``reason`` is about ``cause``."""
        for node in self._nodes.values():
            self._note_regular(node, now)
        self._note_panic()
        events = []
        for node in self._nodes.values():
            why = reason
            if self._drains.is_done_early(node, now):
                why = "every session left was silent for move_idle"
            node.fast_room = self._fast_room(node)
            facts = node.what_it_takes(now)
            if facts == node.facts:
                continue
            if cause is not None and node is not cause and facts.takes_new is not node.facts.takes_new:
                kind = "drain-panic begins" if facts.takes_new else "drain-panic ends"
                why = f"{kind}: {cause.name} is {cause.admin}/{cause.operational}"
            node.facts = facts
            events.append(facts.event(node.name, now, why))
        return events

    def _note_regular(self, node: Node, now: float) -> None:
        regular = node.is_regular()
        if regular and not node.regular:
            if node.came_up or node.cold:
                self._rebalance.node_came_back(now)
            if node.cold:
                self._warm_up(node, now)
            node.came_up = True
        node.regular = regular

    def _warm_up(self, node: Node, now: float) -> None:
        node.cold = False
        node.ramp = Ramp(now, node.slowstart_s) if node.slowstart_s > 0 else None
        node.fast_room = self._fast_room(node)

    def _note_panic(self) -> None:
        nodes = self._nodes.values()
        panic = None
        if not any(node.regular for node in nodes):
            panic = max((node for node in nodes if node.answers()), key=Node.drained_last, default=None)
        for node in nodes:
            node.panic = node is panic
            if node.panic:
                node.drain_over = False

    def _fast_room(self, node: Node) -> int:
        if self._router.refreshes or node.ramp is not None or not node.serves():
            return 0
        return node.maxconn or _NO_LIMIT
