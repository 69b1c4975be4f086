"""Pools and balancers on a clock that the test moves, and requests to put to them."""

import random
from collections.abc import Sequence
from typing import Any

from lb.balancer import Balancer
from lb.config import BalancerConfig
from lb.health import CheckResult, Operational, Outcome
from lb.journal import Journal
from lb.pool import NoNode, Pool, Route
from lb.stickiness import CookieState, Reading
from zdu.clock import ManualClock

CLIENT = "192.0.2.7"


def pool_config(*nodes: str | dict[str, object], **settings: Any) -> BalancerConfig:
    """A configuration for nodes, given by name or with their settings; nothing moves sessions back by itself."""
    named = [{"name": node} if isinstance(node, str) else node for node in nodes]
    listed = [{"port": 1000 + ord(str(node["name"])[0]), **node} for node in named]
    return BalancerConfig.model_validate({"rebalance": {"enabled": False}, **settings, "nodes": listed, "seed": 1})


def reading(bound_to: str | None = None, session: str = "", state: CookieState | None = None) -> Reading:
    """What a request's cookies say."""
    return Reading(bound_to, state or (CookieState.VALID if bound_to else CookieState.NONE), session, b"")


def set_cookie(node: str, said: Reading) -> bytes:
    """The line that binds a session to ``node``, as ``insert`` makes it."""
    return b"" if said.bound_to == node else b"Set-Cookie: ROUTEID=.%b" % node.encode()


def make_pool(*nodes: str | dict[str, object], state: Operational = Operational.UP, **settings: Any) -> Pool:
    """A pool whose nodes are all in ``state`` since 0.0; with no node usable clients are told to wait for 4 s."""
    pool = Pool(
        pool_config(*nodes, **settings),
        0.0,
        rng=random.Random(1),
        cookie_for=set_cookie,
        forecast_s=lambda _now: 4,
    )
    for name in pool.names:
        pool.set_operational(name, state, 0.0, "test")
    return pool


def passed(boot_id: str = "", sequence: int = -1) -> CheckResult:
    """A check that found the node well."""
    return CheckResult(Outcome.PASS, "L7OK", boot_id=boot_id, sequence=sequence)


def failed() -> CheckResult:
    """A check that found nobody."""
    return CheckResult(Outcome.FAIL, "L4CON", "connection refused")


class ManualBalancer:
    """A balancer whose clock stands still until the test lets time pass."""

    def __init__(self, *nodes: str | dict[str, object], up: bool = True, **settings: Any) -> None:
        self.clock = ManualClock()
        self.purged: list[str] = []
        self.balancer = Balancer(pool_config(*nodes, **settings), Journal(), self.clock.monotonic_s)
        self.balancer.on_purge(self.purged.append)
        for name in self.balancer.addresses if up else ():
            self.balancer.checked(name, passed())
        self.purged.clear()

    def request(self, bound_to: str | None = None, session: str = "", tried: Sequence[str] = ()) -> Route | NoNode:
        """Where a request goes now."""
        return self.balancer.route(reading(bound_to, session), CLIENT, tried)

    def begun(self, bound_to: str | None = None, session: str = "") -> Route:
        """A request in flight; to :meth:`Balancer.end` when it is over."""
        route = self.request(bound_to, session)
        assert isinstance(route, Route), route
        self.balancer.begin(route)
        return route

    def serve(self, bound_to: str | None = None, session: str = "", *, safe_to_move: bool = False) -> Route:
        """A request that is over at once."""
        route = self.begun(bound_to, session)
        self.balancer.end(route, safe_to_move=safe_to_move)
        return route

    def pass_time(self, seconds: float) -> None:
        """Let time pass as the owner of a balancer does: with a tick whenever one is due."""
        until_s = self.clock.now_s + seconds
        while True:
            due_s = self.balancer.next_deadline_s()
            if due_s is None or due_s > until_s:
                break
            self.clock.now_s = max(self.clock.now_s, due_s)
            self.balancer.tick()
        self.clock.now_s = until_s

    def down(self, node: str) -> None:
        """Let ``node`` fail its checks until it is DOWN."""
        while self.balancer.health[node].state is not Operational.DOWN:
            self.balancer.checked(node, failed())

    def up(self, node: str) -> None:
        """Let ``node`` pass its checks until it is UP."""
        while self.balancer.health[node].state is not Operational.UP:
            self.balancer.checked(node, passed())


class Parked:
    """A request that waits; it begins when it is resumed, as the data path does."""

    def __init__(self, lb: ManualBalancer, bound_to: str | None = None, tried: tuple[str, ...] = ()) -> None:
        self.decision: Route | NoNode | None = None
        self._lb = lb
        self.held = lb.balancer.hold(reading(bound_to), CLIENT, tried, self._resumed)

    def _resumed(self, decision: Route | NoNode) -> None:
        assert self.decision is None
        self.decision = decision
        if isinstance(decision, Route):
            self._lb.balancer.begin(decision)

    @property
    def node(self) -> str | None:
        return self.decision.node if isinstance(self.decision, Route) else None
