from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from lb.balancing import Candidate, SmoothRoundRobin
from lb.health import Operational
from lb.pool import Admin, NodeChanged, NoNode, Pool

NAMES = ["a", "b", "c"]
DEADLINE_S = 10.0
ANSWERING = {Operational.UP, Operational.GOING_DOWN, Operational.STOPPING}
SERVING = {Operational.UP, Operational.GOING_DOWN}


class PoolMachine(RuleBasedStateMachine):
    """Drives a pool at random, with a second and simpler account of what must hold."""

    in_flight = Bundle("in_flight")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.pool = Pool([(name, 10) for name in NAMES], 0.0, drain_deadline_s=DEADLINE_S)
        self.admin = dict.fromkeys(NAMES, Admin.READY)
        self.operational = dict.fromkeys(NAMES, Operational.INIT)
        self.draining_since: dict[str, float] = {}
        self.open = Counter[str]()
        self.told: dict[str, NodeChanged] = {}

    def hear(self, events: list[NodeChanged]) -> None:
        assert len({event.node for event in events}) == len(events), "one event a node"
        for event in events:
            before = self.told.get(event.node)
            assert before is None or facts(before) != facts(event), "an event tells of a change"
            self.told[event.node] = event
        for name in NAMES:
            if self.admin[name] is Admin.DRAIN or self.operational[name] is Operational.STOPPING:
                self.draining_since.setdefault(name, self.now)
            else:
                self.draining_since.pop(name, None)

    @rule(seconds=st.floats(0.0, 6.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.hear(self.pool.tick(self.now))

    @rule(name=st.sampled_from(NAMES), state=st.sampled_from(list(Operational)))
    def checks_find(self, name: str, state: Operational) -> None:
        self.operational[name] = state
        self.hear(self.pool.set_operational(name, state, self.now, "checked"))

    @rule(name=st.sampled_from(NAMES), state=st.sampled_from(list(Admin)))
    def operator_wants(self, name: str, state: Admin) -> None:
        self.admin[name] = state
        self.hear(self.pool.set_admin(name, state, self.now, "operator"))

    @rule(
        target=in_flight,
        cookie=st.sampled_from([None, "zz", *NAMES]),
        tried=st.lists(st.sampled_from(NAMES), unique=True),
    )
    def request_comes(self, cookie: str | None, tried: list[str]) -> str | None:
        route = self.pool.route(cookie, self.now, tried)
        if isinstance(route, NoNode):
            assert not [name for name in NAMES if name not in tried and self.regular(name)]
            return None
        assert route.node not in tried
        assert self.admin[route.node] is not Admin.MAINT
        assert self.operational[route.node] in ANSWERING
        bound = cookie == route.node and not self.deadline_over(route.node)
        panic = not any(self.regular(name) for name in NAMES)
        assert self.regular(route.node) or bound or panic
        self.pool.begin(route.node)
        self.open[route.node] += 1
        return route.node

    @rule(name=consumes(in_flight))
    def request_ends(self, name: str | None) -> None:
        if name is not None:
            self.open[name] -= 1
            self.hear(self.pool.end(name, self.now))

    def regular(self, name: str) -> bool:
        return self.admin[name] is Admin.READY and self.operational[name] in SERVING

    def deadline_over(self, name: str) -> bool:
        return name in self.draining_since and self.now >= self.draining_since[name] + DEADLINE_S

    @invariant()
    def in_flight_is_counted(self) -> None:
        for name in NAMES:
            assert self.pool.view(name, self.now).in_flight == self.open[name] >= 0

    @invariant()
    def what_was_told_is_what_holds(self) -> None:
        for name, event in self.told.items():
            view = self.pool.view(name, self.now)
            assert (view.takes_new_sessions, view.takes_bound_sessions, view.drained) == facts(event)[2:]

    @invariant()
    def a_drained_node_gets_nothing(self) -> None:
        for name in NAMES:
            if self.pool.view(name, self.now).drained:
                route = self.pool.route(name, self.now)
                assert isinstance(route, NoNode) or route.node != name

    @invariant()
    def nobody_is_sent_away_while_a_draining_node_answers(self) -> None:
        if any(self.admin[n] is not Admin.MAINT and self.operational[n] in ANSWERING for n in NAMES):
            assert not isinstance(self.pool.route(None, self.now), NoNode)


def facts(event: NodeChanged) -> tuple[object, ...]:
    return (
        event.admin,
        event.operational,
        event.takes_new_sessions,
        event.takes_bound_sessions,
        event.drained,
    )


TestPool = PoolMachine.TestCase
TestPool.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(weights=st.lists(st.integers(1, 12), min_size=1, max_size=5), rounds=st.integers(1, 4))
def test_weighted_round_robin_gives_each_node_exactly_its_share(weights: list[int], rounds: int) -> None:
    candidates = [Candidate(f"n{index}", weight, 0) for index, weight in enumerate(weights)]
    algorithm = SmoothRoundRobin()

    chosen = Counter(algorithm.choose(candidates).name for _ in range(rounds * sum(weights)))

    assert chosen == {candidate.name: rounds * candidate.weight for candidate in candidates}


@given(weights=st.lists(st.integers(1, 12), min_size=2, max_size=5))
def test_weighted_round_robin_never_lets_a_node_run_more_than_one_round_ahead(weights: list[int]) -> None:
    candidates = [Candidate(f"n{index}", weight, 0) for index, weight in enumerate(weights)]
    algorithm = SmoothRoundRobin()
    chosen: Counter[str] = Counter()
    for turn in range(1, 2 * sum(weights) + 1):
        chosen[algorithm.choose(candidates).name] += 1
        for candidate in candidates:
            due = turn * candidate.weight / sum(weights)
            assert abs(chosen[candidate.name] - due) < len(weights)


def test_weights_2_and_1_interleave() -> None:
    algorithm = SmoothRoundRobin()
    candidates = [Candidate("a", 2, 0), Candidate("b", 1, 0)]
    assert "".join(algorithm.choose(candidates).name for _ in range(6)) == "abaaba"
