"""The one place where the load balancer's state changes: pool, health of each node, counters and journal together.

Everything here is synchronous: no await can come between a change and the events that tell of it. The checker brings
check results, the data path asks for routes, the admin side brings the operator's wishes.
"""

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lb.config import BalancerConfig, NodeAddress
from lb.health import CheckResult, HealthChange, NodeHealth, Operational
from lb.journal import Journal
from lb.stickiness import Stickiness
from lb.pool import Admin, NodeChanged, NodeView, Pool, Route

_log = logging.getLogger("lb")


@dataclass
class NodeCounters:
    """What went to one node since the start. ``errors`` are attempts without a complete response, and 5xx."""

    requests: int = 0
    errors: int = 0


@dataclass
class Counters:
    """What the load balancer did since its start.

    ``errors`` counts 5xx answers the load balancer made itself and responses that broke off; ``retries`` requests
    sent once more to the same node, ``redispatches`` requests sent to another, ``sessions_moved`` responses with a
    changed cookie.
    """

    requests: int = 0
    errors: int = 0
    retries: int = 0
    redispatches: int = 0
    sessions_moved: int = 0
    nodes: dict[str, NodeCounters] = field(default_factory=dict)


class Balancer:
    """Decides for the data path, and remembers why."""

    def __init__(self, config: BalancerConfig, journal: Journal, now: Callable[[], float]) -> None:
        self.config = config
        self.journal = journal
        self.now = now
        self.started_s = now()
        self.addresses: dict[str, NodeAddress] = {node.name: node for node in config.nodes}
        self.health = {node.name: NodeHealth(config.health) for node in config.nodes}
        self.counters = Counters(nodes={node.name: NodeCounters() for node in config.nodes})

        self.stickiness = Stickiness(config.stickiness)
        self._purge: Callable[[str], None] = lambda _node: None
        self._pool = Pool(
            [(node.name, node.weight) for node in config.nodes],
            self.started_s,
            drain_deadline_s=config.drain.deadline,
            retry_after_s=max(1, math.ceil(config.health.inter * config.health.rise)),
        )

    def on_purge(self, purge: Callable[[str], None]) -> None:
        """Call ``purge`` with a node's name whenever idle connections to that node must not be used again."""
        self._purge = purge

    def read(self, cookies):
        return self.stickiness.read(cookies, 0)

    def route(self, reading, client, tried=()):
        r = self._pool.route(reading.bound_to, self.now(), tried)
        if isinstance(r, Route):
            object.__setattr__(
                r, "set_cookie", b"" if r.cookie_action == "N" else self.stickiness.set_cookie(r.node, reading, 0)
            )
        else:
            object.__setattr__(r, "may_hold", False)
        return r

    def begin(self, route):
        self._pool.begin(route.node)

    def end(self, route, safe_to_move=False):
        self._tell(self._pool.end(route.node, self.now()))

    def learn(self, *a):
        pass

    def answered(self, *a):
        pass

    def failed(self, *a):
        pass

    def may_retry(self):
        return True

    def stream_opened(self, *a):
        return object()

    def stream_closed(self, *a):
        pass

    @contextmanager
    def in_flight(self, node: str) -> Iterator[None]:
        """While inside, a request is in flight to ``node``."""
        self._pool.begin(node)
        self.counters.nodes[node].requests += 1
        try:
            yield
        finally:
            self._tell(self._pool.end(node, self.now()))

    def checked(self, node: str, result: CheckResult) -> HealthChange | None:
        """A health check of ``node`` is finished."""
        change = self.health[node].observe(result, self.now())
        if change is None:
            return None
        if change.rebooted:
            self._purge(node)
        self._tell(self._pool.set_operational(node, change.after, self.now(), change.reason))
        return change

    def set_admin(self, node: str, admin: Admin, reason: str = "set by the operator") -> NodeView:
        """The operator's wish for ``node``. Raises KeyError if there is no such node."""
        self._tell(self._pool.set_admin(node, admin, self.now(), reason))
        return self.view(node)

    def tick(self) -> None:
        """Make drain deadlines that are over take effect."""
        self._tell(self._pool.tick(self.now()))

    def next_deadline_s(self) -> float | None:
        """When :meth:`tick` is due, on the clock of ``now``."""
        return self._pool.next_deadline_s(self.now())

    def view(self, node: str) -> NodeView:
        """The node as it is now."""
        return self._pool.view(node, self.now())

    def views(self) -> list[NodeView]:
        """All nodes as they are now, in the configuration's order."""
        return [self.view(name) for name in self._pool.names]

    def _tell(self, changes: list[NodeChanged]) -> None:
        for change in changes:
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
            if change.operational is Operational.DOWN or change.admin is Admin.MAINT or change.drained:
                self._purge(change.node)
        self.journal.add(changes)
