from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lb.health import CheckResult, Operational, Outcome
from lb.hold import Held
from lb.nodes import ANSWERING, SERVING
from lb.pool import Admin, NodeChanged, NodeView, NoNode, Route
from lb.streams import Stream
from tests.support.pools import CLIENT, ManualBalancer, pool_config, reading

NODES: list[str | dict[str, object]] = [
    {"name": "a", "maxconn": 2, "slowstart": "20s"},
    {"name": "b", "slowstart": "7s"},
    {"name": "c", "maxconn": 1, "weight": 30},
]
NAMES = ["a", "b", "c"]
SESSIONS = ["", "s1", "s2", "s3", "s4"]
SETTINGS = {
    "health": {"rise": 1, "fall": 2},
    "drain": {"deadline": "10s", "move_idle": "4s"},
    "queue": {"timeout": "8s", "size": 6},
    "stickiness": {"table_size": 3},
    "rebalance": {"enabled": True, "idle": "3s", "rate": 2, "window": "30s"},
}
FACTS = ("admin", "operational", "takes_new_sessions", "takes_bound_sessions", "drained")


@dataclass(eq=False)
class Waiter:
    """One held request, and what has become of it."""

    number: int
    bound_to: str | None
    tried: tuple[str, ...]
    held: Held | None = None
    outcomes: list[str] = field(default_factory=list)


class BalancerMachine(RuleBasedStateMachine):
    """Drives a balancer at random, as its data path, its checker, its operator and its clock do."""

    def __init__(self) -> None:
        super().__init__()
        self.lb = ManualBalancer(*NODES, up=False, **SETTINGS)
        self.open: list[Route] = []
        self.before: set[str] = set(NAMES)
        self.streams: list[Stream] = []
        self.closing: Counter[int] = Counter()
        self.waiters: list[Waiter] = []
        self.cookies: dict[str, str] = {}
        self.weights = {"a": 100, "b": 100, "c": 30}
        self.ends_one_when_resumed = False
        self.heard = 0
        self.told: dict[str, NodeChanged] = {}

    def views(self) -> dict[str, NodeView]:
        return {view.name: view for view in self.lb.balancer.views()}

    @initialize(up=st.sets(st.sampled_from(NAMES)))
    def some_are_up_from_the_start(self, up: set[str]) -> None:
        for name in sorted(up):
            self.lb.balancer.checked(name, CheckResult(Outcome.PASS, "L7OK"))

    # What happens.

    @rule(seconds=st.sampled_from([0.1, 1.0, 3.0, 6.0]))
    def time_passes(self, seconds: float) -> None:
        self.lb.pass_time(seconds)

    @rule(name=st.sampled_from(NAMES), outcome=st.sampled_from(list(Outcome)))
    def a_check_is_over(self, name: str, outcome: Outcome) -> None:
        self.lb.balancer.checked(name, CheckResult(outcome, "test"))

    @rule(
        name=st.sampled_from(NAMES),
        state=st.sampled_from(list(Admin)),
        deadline_s=st.sampled_from([None, 0.0, 2.0]),
    )
    def the_operator_wants(self, name: str, state: Admin, deadline_s: float | None) -> None:
        self.lb.balancer.set_admin(name, state, deadline_s=deadline_s if state is Admin.DRAIN else None)

    @rule(name=st.sampled_from(NAMES), weight=st.sampled_from([0, 1, 100]))
    def the_operator_weighs(self, name: str, weight: int) -> None:
        self.weights[name] = weight
        self.lb.balancer.set_weight(name, weight)

    @rule(size=st.sampled_from([2, 6]), maxconn=st.sampled_from([1, 3]), port=st.sampled_from([1000, 2000]))
    def the_configuration_changes(self, size: int, maxconn: int, port: int) -> None:
        nodes = [{**node, "maxconn": maxconn, "port": port} if isinstance(node, dict) else node for node in NODES]
        changed = {**SETTINGS, "queue": {"timeout": "8s", "size": size}}
        self.lb.balancer.reconfigure(pool_config(*nodes, **changed))

    @rule(
        session=st.sampled_from(SESSIONS),
        bound_to=st.sampled_from([None, "zz", "own", "own", "own", *NAMES]),
        tried=st.lists(st.sampled_from(NAMES), unique=True, max_size=2),
    )
    def a_request_comes(self, session: str, bound_to: str | None, tried: list[str]) -> None:
        if bound_to == "own":
            bound_to = self.cookies.get(session)
        said = reading(bound_to, session)
        before = self.views()
        decision = self.lb.balancer.route(said, CLIENT, tried)
        if isinstance(decision, Route):
            assert decision.node not in tried
            self.begins(decision, bound_to, before)
            return
        assert decision.retry_after_s >= 1
        assert decision.reason
        for view in before.values():
            if view.name not in tried and view.takes_new_sessions and decision.waits_for == "":
                assert view.limit and view.in_flight >= view.limit, "a node that is free is used"
        waiter = Waiter(len(self.waiters), bound_to, tuple(tried))
        held = self.lb.balancer.hold(said, CLIENT, tried, self.resume(waiter))
        assert not waiter.outcomes, "never resumed from within"
        if isinstance(held, Held):
            waiter.held = held
            self.waiters.append(waiter)
        else:
            assert self.lb.balancer.held >= self.lb.balancer.config.queue.size
            assert held.retry_after_s >= 1

    def begins(self, route: Route, bound_to: str | None, before: dict[str, NodeView]) -> None:
        view = before[route.node]
        assert view.admin is not Admin.MAINT
        assert view.operational in ANSWERING
        stays = bound_to == route.node
        assert view.takes_bound_sessions if stays else view.takes_new_sessions
        assert not view.limit or view.in_flight < view.limit, "never more than maxconn"
        if route.set_cookie:
            assert view.admin is Admin.READY
            assert view.operational in SERVING
            assert self.weights[route.node] > 0
            self.cookies[route.session] = route.node
        self.lb.balancer.begin(route)
        self.open.append(route)

    def resume(self, waiter: Waiter) -> Callable[[Route | NoNode], None]:
        def resumed(decision: Route | NoNode) -> None:
            assert not waiter.outcomes, "at most once, and not after it left"
            waiter.outcomes.append("resumed")
            if isinstance(decision, NoNode):
                assert waiter.held is not None
                assert self.lb.clock.now_s >= waiter.held.until_s
                return
            if not waiter.tried:
                for other in self.waiters[: waiter.number]:
                    same = (other.bound_to, other.tried) == (waiter.bound_to, waiter.tried)
                    overtaken = same and not other.outcomes and waiter.bound_to is None
                    assert not overtaken, "equals go in the order in which they came"
            self.begins(decision, waiter.bound_to, self.views())
            if self.ends_one_when_resumed:
                self.ends(0)

        return resumed

    @rule(yes=st.booleans())
    def what_a_resumed_request_does(self, yes: bool) -> None:
        self.ends_one_when_resumed = yes

    @precondition(lambda self: self.open)
    @rule(index=st.integers(0, 50), safe=st.booleans())
    def a_request_is_over(self, index: int, safe: bool) -> None:
        self.ends(index, safe=safe)

    def ends(self, index: int, *, safe: bool = False) -> None:
        self.lb.balancer.end(self.open.pop(index % len(self.open)), safe_to_move=safe)

    @precondition(lambda self: any(not waiter.outcomes for waiter in self.waiters))
    @rule(index=st.integers(0, 50))
    def a_waiting_client_leaves(self, index: int) -> None:
        waiting = [waiter for waiter in self.waiters if not waiter.outcomes]
        waiter = waiting[index % len(waiting)]
        waiter.outcomes.append("left")
        assert waiter.held is not None
        waiter.held.leave()

    @rule(name=st.sampled_from(NAMES), closes_at_once=st.booleans())
    def a_stream_opens(self, name: str, closes_at_once: bool) -> None:
        def close() -> None:
            self.closing[stream.number] += 1
            if closes_at_once:
                self.streams.remove(stream)
                self.lb.balancer.stream_closed(stream)

        stream = self.lb.balancer.stream_opened(name, close)
        self.streams.append(stream)

    @precondition(lambda self: self.streams)
    @rule(index=st.integers(0, 50))
    def a_stream_is_gone(self, index: int) -> None:
        self.lb.balancer.stream_closed(self.streams.pop(index % len(self.streams)))

    # What must hold.

    @invariant()
    def what_is_in_flight_is_counted(self) -> None:
        counted = Counter(route.node for route in self.open)
        streams = Counter(stream.node for stream in self.streams)
        for view in self.lb.balancer.views():
            assert (view.in_flight, view.streams) == (counted[view.name], streams[view.name])
        assert sum(view.sessions for view in self.lb.balancer.views()) <= 3

    @invariant()
    def nobody_is_sent_away_while_a_node_answers(self) -> None:
        views = self.lb.balancer.views()
        if any(view.admin is not Admin.MAINT and view.operational in ANSWERING for view in views):
            assert any(view.takes_new_sessions for view in views), "drain-panic"

    @invariant()
    def maintenance_is_never_overruled(self) -> None:
        for view in self.lb.balancer.views():
            takes = view.takes_new_sessions or view.takes_bound_sessions
            assert not (takes and (view.admin is Admin.MAINT or view.operational not in ANSWERING))

    @invariant()
    def who_waits_waits_for_a_reason(self) -> None:
        """A request that may go anywhere does not wait while a node is free, but for an asking that is due now."""
        waiting = [waiter for waiter in self.waiters if not waiter.outcomes]
        assert self.lb.balancer.held == len(waiting)
        due_s = self.lb.balancer.next_deadline_s()
        if not any(waiter.bound_to is None and not waiter.tried for waiter in waiting):
            return
        for view in self.lb.balancer.views():
            free = view.takes_new_sessions and (not view.limit or view.in_flight < view.limit)
            assert not free or (due_s is not None and due_s <= self.lb.clock.now_s)

    @invariant()
    def what_was_told_is_what_holds(self) -> None:
        journal = self.lb.balancer.journal
        for entry in journal.after(self.heard):
            known = self.told.get(entry.change.node)
            assert known is None or any(getattr(known, fact) != getattr(entry.change, fact) for fact in FACTS)
            self.told[entry.change.node] = entry.change
        self.heard = journal.last_seq
        due_s = self.lb.balancer.next_deadline_s()
        if due_s is not None and due_s <= self.lb.clock.now_s:
            return  # a tick is due that tells
        for name, view in self.views().items():
            known = self.told.get(name)
            assert known is None or all(getattr(known, fact) == getattr(view, fact) for fact in FACTS), view

    @invariant()
    def drained_means_left_alone(self) -> None:
        for view in self.lb.balancer.views():
            if view.drained:
                assert not (view.in_flight or view.streams or view.takes_new_sessions)
                decision = self.lb.balancer.route(reading(view.name, "s1"), CLIENT)
                assert isinstance(decision, NoNode) or decision.node != view.name

    def teardown(self) -> None:
        self.ends_one_when_resumed = False
        self.lb.pass_time(60.0)
        for waiter in self.waiters:
            assert len(waiter.outcomes) == 1
        assert max(self.closing.values(), default=0) <= 1
        for view in self.lb.balancer.views():
            gone = view.operational is not Operational.UP or view.admin is not Admin.READY
            if gone and view.drain_deadline_s is not None and not view.takes_new_sessions:
                open_still = [stream for stream in self.streams if stream.node == view.name]
                assert all(self.closing[stream.number] for stream in open_still)


TestBalancer = BalancerMachine.TestCase
TestBalancer.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
