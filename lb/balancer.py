"""The one place where the load balancer's state changes: pool, queue, streams, health and journal together.

Everything here is synchronous: no await can come between a change and the events that tell of it. The checker brings
check results, the data path asks for routes and tells how requests went, the admin side brings the operator's wishes.
What changes is first told to the journal; what follows from it (idle connections purged, streams closed, waiting
requests resumed) comes after, and may well lead to further changes.
"""

import logging
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from lb.balancing import Rng
from lb.config import BalancerConfig, NodeAddress
from lb.health import CheckResult, HealthChange, NodeHealth, Operational, Outcome
from lb.hold import Held, HoldQueue
from lb.journal import Journal
from lb.memory import Memory
from lb.passive import Passive
from lb.pool import Admin, Moved, NodeChanged, NodeView, NoNode, Pool, Route
from lb.retry import Failure, RetryBudget
from lb.sessions import SessionsView
from lb.stickiness import Reading, Stickiness
from lb.streams import Stream, Streams
from zdu.clock import Entropy

_log = logging.getLogger("lb")


class Balancer:
    """Decides for the data path, and remembers why.

    ``wall_s`` is the wall clock that dates cookies (seconds since the epoch); left out, they are dated by ``now``,
    which means something in this process only. ``rng`` draws nodes and spreads the closing of streams; left out, it
    comes from the configuration's seed.
    """

    def __init__(
        self,
        config: BalancerConfig,
        journal: Journal,
        now: Callable[[], float],
        *,
        wall_s: Callable[[], float] | None = None,
        rng: Rng | None = None,
    ) -> None:
        self.config = config
        self.journal = journal
        self.now = now
        self.started_s = now()
        self.addresses: dict[str, NodeAddress] = {node.name: node for node in config.nodes}
        self.health = {node.name: NodeHealth(config.health) for node in config.nodes}
        self.stickiness = Stickiness(config.stickiness)
        self._budget = RetryBudget(config.retry)
        self._passive = Passive(config.passive)
        rng = rng or Entropy(config.seed).rng
        self._wall_s = wall_s or now
        self._pool = Pool(
            config,
            self.started_s,
            rng=rng,
            cookie_for=self._cookie_for,
            forecast_s=self._forecast_s,
            may_wait=lambda: len(self._queue) < self._queue.size,
        )
        self._queue = HoldQueue(self._pool, size=config.queue.size, timeout_s=config.queue.timeout)
        self._streams = Streams(rng)
        self._purge: Callable[[str], None] = lambda _node: None
        self._notify: Callable[[], None] = lambda: None
        self._tell_learned: Callable[[str, Sequence[bytes]], None] | None = None
        self._promised_s: float | None = None
        self._ask_at_s: float | None = None

    def __repr__(self) -> str:
        return f"<Balancer {self._pool!r} {self._queue!r}>"

    def on_purge(self, purge: Callable[[str], None]) -> None:
        """Call ``purge`` with a node's name whenever idle connections to that node must not be used again."""
        self._purge = purge

    def on_earlier_deadline(self, notify: Callable[[], None]) -> None:
        """Call ``notify`` when :meth:`tick` is due earlier than :meth:`next_deadline_s` said last."""
        self._notify = notify

    def on_learned(self, tell: Callable[[str, Sequence[bytes]], None]) -> None:
        """Call ``tell`` with whatever :meth:`learn` is told from now on."""
        self._tell_learned = tell

    # The hot path.

    def read(self, cookies: bytes) -> Reading:
        """What a request's cookies say: the values of all its Cookie fields, joined by ``; ``."""
        stickiness = self.stickiness
        return stickiness.read(cookies, 0.0 if stickiness.is_timeless else self._wall_s())

    def route(self, reading: Reading, client: str, tried: Collection[str] = ()) -> Route | NoNode:
        """Where a request of ``client`` (an address) goes now; never to a node that it already ``tried``."""
        now = self.now()
        if not tried:
            self._budget.counted(now)
        return self._pool.route(reading, client, now, tried)

    def preview(self, reading: Reading, client: str) -> Route | NoNode:
        """Where a request would go, without sending one: nothing is changed by asking."""
        return self._pool.preview(reading, client, self.now())

    def begin(self, route: Route) -> None:
        """The request is in flight at ``route.node`` until :meth:`end`."""
        changes = self._pool.begin(route, self.now())
        if changes:
            self._settled(changes)

    def end(self, route: Route, *, safe_to_move: bool = False) -> None:
        """The request is over, whatever became of it.

        ``safe_to_move`` says that its response had ``drain.move_header``: the session may leave a draining node.
        """
        now = self.now()
        changes = self._pool.end(route, now, safe_to_move=safe_to_move)
        if changes:
            self._settled(changes)
        if len(self._queue):
            self._queue.room(route.node, now)
        if safe_to_move and self._pool.is_draining(route.node):
            self._wake()

    def answered(self, node: str, status: int) -> None:
        """The head of a response came from ``node``; too many errors in a row take it out."""
        why = self._passive.answered(node, status)
        if why is not None:
            self._eject(node, why)

    def failed(self, node: str, failure: Failure) -> None:
        """An attempt at ``node`` brought no response, or broke off; that may take the node out."""
        why = self._passive.failed(node, failure)
        if why is not None:
            self._eject(node, why)

    def may_retry(self) -> bool:
        """Whether the retry budget allows one more retry of what a node may have seen; it is spent if so."""
        return self._budget.may_retry(self.now())

    def learn(self, node: str, set_cookies: Sequence[bytes]) -> None:
        """A response of ``node`` had these Set-Cookie fields (their values)."""
        self.stickiness.learn(node, set_cookies)
        if self._tell_learned is not None:
            self._tell_learned(node, set_cookies)

    def takes_new_sessions(self, node: str) -> bool:
        """Whether ``node`` gets new sessions now; as in its view, but at no cost."""
        return self._pool.takes_new(node)

    # Requests that wait.

    @property
    def held(self) -> int:
        """How many requests wait for a node."""
        return len(self._queue)

    @property
    def held_max(self) -> int:
        """How many waited at the most, since the start."""
        return self._queue.most

    def hold(
        self, reading: Reading, client: str, tried: Collection[str], resume: Callable[[Route | NoNode], None]
    ) -> Held | NoNode:
        """Let a request wait for a node. NoNode at once if nothing waits here, or the queue is full.

        ``resume`` is called exactly once unless the request leaves the queue first (:meth:`Held.leave`); never from
        within this method. It is given a route, which it is to :meth:`begin` at once, or the reason why it waited
        in vain. The route may be to a node in ``tried`` if that has passed a health check since.
        """
        now = self.now()
        refusal = self._pool.route(reading, client, now, tried)
        if isinstance(refusal, Route):  # there is a node by now: ask again, but not from within
            refusal = NoNode("it is not asked again yet", reading.state, 1, may_hold=True)
            self._ask_at_s = now
        held = self._queue.add(reading, client, tried, resume, refusal, now)
        if held is None:
            if not refusal.may_hold:
                return refusal
            full = f"{refusal.reason}; the queue is full with {len(self._queue)} requests"
            return replace(refusal, reason=full, retry_after_s=self._after_queue_s(), may_hold=False)
        self._wake()
        return held

    # Streams.

    def stream_opened(self, node: str, close: Callable[[], None], session: str = "") -> Stream:
        """A WebSocket or event stream to ``node`` is open; ``close`` is called when its node's drain wants it gone.

        ``close`` is never called from within this method, and at most once. ``session`` is that of its route: once
        the stream is closed its client comes again, and is to go elsewhere then instead of being closed again.
        """
        now = self.now()
        stream = self._streams.opened(node, close, now, session)
        self._settled(self._pool.set_streams(node, self._streams.count(node), now), closing=False)
        if stream.due_s is not None:
            self._wake()
        return stream

    def stream_closed(self, stream: Stream) -> None:
        """The stream is gone, whoever closed it."""
        self._streams.closed(stream)
        self._settled(self._pool.set_streams(stream.node, self._streams.count(stream.node), self.now()))

    # What is found and wished for.

    def checked(self, node: str, result: CheckResult) -> HealthChange | None:
        """A health check of ``node`` is finished; None if it told nothing new, or the node is not ours any more."""
        health = self.health.get(node)
        now = self.now()
        change = health.observe(result, now) if health is not None else None
        if change is None:
            return None
        if change.rebooted:
            self._pool.restarted(node, now)
            self._passive.forget(node)
            self._purge(node)
        if change.changed or change.rebooted:  # else nothing follows, and with many nodes even to look would cost
            self._settled(self._pool.set_operational(node, change.after, now, change.reason))
        if result.outcome is Outcome.PASS and self._queue.passed_a_check(node):
            self._queue.news(now)
        return change

    def set_admin(
        self, name: str, admin: Admin, *, deadline_s: float | None = None, reason: str = "set by the operator"
    ) -> NodeView:
        """The operator's wish for ``name``. Raises KeyError if there is no such node.

        ``deadline_s`` is how long this drain may take from now on, instead of the configuration's deadline; it can
        be given again to change it. Raises ValueError if it is negative or given for anything but a drain.
        """
        if deadline_s is not None and (admin is not Admin.DRAIN or not 0 <= deadline_s < math.inf):
            raise ValueError("a deadline is for DRAIN alone, and a duration from 0 s on")
        changes = self._pool.set_admin(name, admin, self.now(), reason, deadline_s=deadline_s)
        self._settled(changes, always=True)
        return self.view(name)

    def set_weight(self, name: str, weight: int, *, reason: str = "weight set by the operator") -> NodeView:
        """The operator's weight for ``name``, until the configuration says another one; 0 takes no new sessions.

        Raises KeyError if there is no such node, ValueError if the weight is not from 0 to 256.
        """
        if not 0 <= weight <= 256:
            raise ValueError("a weight is from 0 to 256")
        self._settled(self._pool.set_weight(name, weight, self.now(), reason), always=True)
        return self.view(name)

    def reconfigure(self, config: BalancerConfig) -> None:
        """Go by another configuration: nodes come, go and change, and all settings with them.

        States, sessions, learned cookies and waiting requests stay. A node that is gone gets nothing more and is
        forgotten when its last request is over; one with another address is a new one of which nothing is known.
        """
        now = self.now()
        before = self.addresses
        self.config = config
        self.addresses = {node.name: node for node in config.nodes}
        moved = [n.name for n in config.nodes if n.name in before and _place(n) != _place(before[n.name])]
        health = {node.name: self.health.get(node.name) for node in config.nodes}
        for name, known in health.items():
            if known is None or name in moved:
                health[name] = NodeHealth(config.health)
            else:
                known.configure(config.health)
        self.health = {name: known for name, known in health.items() if known is not None}
        self.stickiness.reconfigure(config.stickiness)
        self._budget.config = config.retry
        self._passive.config = config.passive
        self._queue.configure(now, size=config.queue.size, timeout_s=config.queue.timeout)
        for name in [*moved, *(name for name in before if name not in self.addresses)]:
            self._passive.forget(name)
            self._purge(name)
        self._settled(self._pool.reconfigure(config, now, moved), always=True)

    def memory(self) -> Memory:
        """What another process must know to go on with what this one does."""
        cookie = self.config.stickiness.cookie
        return Memory(tuple(self._pool.memories()), cookie, tuple(self.stickiness.learned()), self.journal.last_seq)

    def recall(self, memory: Memory) -> None:
        """Go on with what another process did."""
        self.journal.skip_past(memory.last_seq)
        if memory.cookie == self.config.stickiness.cookie:
            self.stickiness.recall(memory.learned)
        self._settled(self._pool.recall(memory.nodes, self.now()), always=True)

    # Time.

    def tick(self) -> None:
        """Carry out what has become due: drain deadlines, streams to close, requests that waited too long."""
        now = self.now()
        asked = self._ask_at_s is not None
        self._ask_at_s = None
        self._settled(self._pool.tick(now))
        self._close_streams(now)
        if asked:
            self._queue.news(now)
        for node in self._pool.growing() if len(self._queue) else ():
            self._queue.room(node, now)
        self._queue.expire(now)

    def next_deadline_s(self) -> float | None:
        """When :meth:`tick` is due, on the clock of ``now``."""
        times = (
            self._pool.next_deadline_s(anybody_waits=len(self._queue) > 0),
            self._streams.next_due_s(),
            self._queue.next_deadline_s(),
            self._ask_at_s,
        )
        self._promised_s = min((time for time in times if time is not None), default=None)
        return self._promised_s

    # What is shown.

    @property
    def moves(self) -> dict[Moved, int]:
        """How many sessions left their node since the start, by the reason."""
        return self._pool.moves

    def view(self, node: str) -> NodeView:
        """The node as it is now; looks at each session of one that drains. Raises KeyError if there is none."""
        now = self.now()
        view = self._pool.view(node, now, self._queue.waiting_for(node))
        drain = self._pool.drain_view(node, now)
        return view if drain is None else replace(view, drain=drain)

    def views(self) -> list[NodeView]:
        """All nodes as they are now, in the configuration's order."""
        return [self.view(name) for name in self._pool.names]

    def sessions(self, node: str) -> SessionsView:
        """How the sessions of ``node`` are; looks at each of them."""
        return self._pool.sessions.view(node, self.now())

    # What follows.

    def _eject(self, node: str, why: str) -> None:
        """Users' requests tell that ``node`` is out of order: it is taken out if that does not make things worse."""
        health = self.health.get(node)
        if health is None:
            return
        serving = [name for name in self._pool.names if self._pool.takes_new(name)]
        if self._passive.may_eject(node, self.health, serving):
            change = health.eject(why)
            self._settled(self._pool.set_operational(node, change.after, self.now(), change.reason))
        else:
            health.hurry()

    def _settled(self, changes: Sequence[NodeChanged], *, always: bool = False, closing: bool = True) -> None:
        """Tell of ``changes`` and do what follows from them; with ``always`` even if nothing visible changed."""
        if not changes and not always:
            return
        now = self.now()
        self.journal.add(changes)
        for change in changes:
            _log_change(change)
            if change.operational is Operational.DOWN or change.admin is Admin.MAINT or change.drained:
                self._purge(change.node)
        for name in {**dict.fromkeys(self._pool.names), **{change.node: None for change in changes}}:
            until_s = self._pool.closes_streams_by_s(name)
            if until_s is None:
                self._streams.keep(name)
            else:
                self._streams.drain(name, now, until_s)
        if closing:
            self._close_streams(now)
        self._queue.news(now)
        self._wake()

    def _close_streams(self, now: float) -> None:
        for stream in self._streams.take_due(now):
            self._pool.stream_cut(stream.node, stream.session)
            stream.close()

    def _wake(self) -> None:
        promised_s = self._promised_s
        due_s = self.next_deadline_s()
        if due_s is not None and (promised_s is None or due_s < promised_s):
            self._notify()

    def _cookie_for(self, node: str, reading: Reading) -> bytes:
        return self.stickiness.set_cookie(node, reading, self._wall_s())

    def _after_queue_s(self) -> int:
        """Whoever waits now is gone by then."""
        return max(1, math.ceil(self.config.queue.timeout))

    def _forecast_s(self, now: float) -> int:
        """In how many seconds a node can be usable at the earliest, if all checks pass from now on."""
        waits = [
            self._back_in_s(health, now)
            for name, health in self.health.items()
            if self._pool.view(name, now).admin is not Admin.MAINT
        ]
        config = self.config.health
        return max(1, math.ceil(min(waits, default=config.inter * config.rise)))

    def _back_in_s(self, health: NodeHealth, now: float) -> float:
        config = self.config.health
        quick_s = config.inter if config.fastinter is None else config.fastinter
        down_s = config.inter if config.downinter is None else config.downinter
        last_s = now if health.last_at_s is None else health.last_at_s
        if health.state is Operational.INIT:
            return 0.0
        if health.state is Operational.GOING_UP:
            return max(0.0, last_s + quick_s - now) + (config.rise - health.passes - 1) * quick_s
        if health.state is Operational.DOWN:
            return max(0.0, last_s + down_s - now) + (config.rise - 1) * quick_s
        return config.inter  # it serves, but has failed this request, or drains


def _place(address: NodeAddress) -> tuple[str, int]:
    return address.host, address.port


def _log_change(change: NodeChanged) -> None:
    _log.info(
        "%s is %s/%s: %s (new sessions %s, bound sessions %s%s)",
        change.node,
        change.admin,
        change.operational,
        change.reason,
        "yes" if change.takes_new_sessions else "no",
        "yes" if change.takes_bound_sessions else "no",
        ", drained" if change.drained else "",
    )
