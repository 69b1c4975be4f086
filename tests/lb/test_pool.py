import pytest

from lb.health import Operational
from lb.pool import Admin, NodeChanged, NoNode, Pool, Route
from lb.routes import Moved
from lb.stickiness import CookieAction, CookieState
from tests.support.pools import CLIENT, make_pool, reading

DOWN, GOING_DOWN, GOING_UP, INIT, STOPPING, UP = (
    Operational.DOWN,
    Operational.GOING_DOWN,
    Operational.GOING_UP,
    Operational.INIT,
    Operational.STOPPING,
    Operational.UP,
)


def pool_of(*names: str, deadline_s: float = 0.0, state: Operational = UP) -> Pool:
    return make_pool(*names, state=state, drain={"deadline": f"{deadline_s}s"})


def ask(pool: Pool, bound_to: str | None = None, now: float = 1.0, tried: tuple[str, ...] = ()) -> Route | NoNode:
    return pool.route(reading(bound_to), CLIENT, now, tried)


def node_for(pool: Pool, bound_to: str | None = None, now: float = 1.0, tried: tuple[str, ...] = ()) -> str:
    route = ask(pool, bound_to, now, tried)
    assert isinstance(route, Route), route
    return route.node


def begin(pool: Pool, node: str, now: float = 0.0) -> Route:
    """A request in flight at ``node``."""
    route = Route(node, CookieState.VALID, CookieAction.NONE, "test")
    pool.begin(route, now)
    return route


def key(node: str) -> str:
    return f" {CLIENT} {node}"


def cookie(node: str) -> bytes:
    return b"Set-Cookie: ROUTEID=.%b" % node.encode()


TAKES = [  # admin, operational, new sessions, bound sessions (before the drain deadline)
    ("READY", "INIT", False, False),
    ("READY", "UP", True, True),
    ("READY", "GOING_DOWN", True, True),
    ("READY", "DOWN", False, False),
    ("READY", "GOING_UP", False, False),
    ("READY", "STOPPING", False, True),
    ("DRAIN", "INIT", False, False),
    ("DRAIN", "UP", False, True),
    ("DRAIN", "GOING_DOWN", False, True),
    ("DRAIN", "DOWN", False, False),
    ("DRAIN", "GOING_UP", False, False),
    ("DRAIN", "STOPPING", False, True),
    ("MAINT", "INIT", False, False),
    ("MAINT", "UP", False, False),
    ("MAINT", "GOING_DOWN", False, False),
    ("MAINT", "DOWN", False, False),
    ("MAINT", "GOING_UP", False, False),
    ("MAINT", "STOPPING", False, False),
]


@pytest.mark.parametrize(("admin", "operational", "new", "bound"), TAKES)
def test_every_pair_of_states_takes_what_the_table_says(admin: str, operational: str, new: bool, bound: bool) -> None:
    pool = pool_of("a", "b", deadline_s=60.0)
    pool.set_operational("a", Operational(operational), 1.0, "test")
    pool.set_admin("a", Admin(admin), 1.0, "test")

    view = pool.view("a", 2.0)

    assert (view.takes_new_sessions, view.takes_bound_sessions) == (new, bound)
    assert ({node_for(pool) for _ in range(4)} == {"a", "b"}) is new
    awaited = (admin, operational) in {("READY", "INIT"), ("DRAIN", "INIT")}
    if awaited:
        waits = ask(pool, "a", 2.0)
        assert isinstance(waits, NoNode)
        assert (waits.waits_for, waits.may_hold) == ("a", True)
    else:
        assert (node_for(pool, "a", 2.0) == "a") is (bound or new)


def test_the_table_is_complete() -> None:
    assert len({(admin, operational) for admin, operational, _, _ in TAKES}) == len(Admin) * len(Operational)


def test_a_session_stays_on_its_node_and_its_cookie_is_left_alone() -> None:
    pool = pool_of("a", "b")
    for _ in range(3):
        assert ask(pool, "b") == Route("b", CookieState.VALID, CookieAction.NONE, "bound to b", session=key("b"))


def test_new_sessions_take_turns_and_get_a_cookie() -> None:
    pool = pool_of("a", "b")
    routes = [ask(pool) for _ in range(4)]
    assert [route.node for route in routes if isinstance(route, Route)] == ["a", "b", "a", "b"]
    assert routes[0] == Route("a", CookieState.NONE, CookieAction.INSERT, "new session", cookie("a"))


def test_a_cookie_that_names_no_node_counts_as_invalid_and_is_replaced() -> None:
    route = ask(pool_of("a"), "zz")
    assert route == Route("a", CookieState.INVALID, CookieAction.INSERT, "no node is called zz", cookie("a"))


def test_a_session_of_a_down_node_moves_and_its_cookie_is_replaced() -> None:
    pool = pool_of("a", "b")
    pool.set_operational("a", DOWN, 1.0, "test")
    assert ask(pool, "a") == Route(
        "b",
        CookieState.DOWN,
        CookieAction.INSERT,
        "moved: a is READY/DOWN",
        cookie("b"),
        key("b"),
        "a",
        Moved.DOWN,
    )


@pytest.mark.parametrize("by", ["operator", "node"])
def test_a_draining_node_keeps_its_sessions_until_the_deadline_and_gets_no_new_ones(by: str) -> None:
    pool = pool_of("a", "b", deadline_s=10.0)
    if by == "operator":
        pool.set_admin("a", Admin.DRAIN, 100.0, "test")
    else:
        pool.set_operational("a", STOPPING, 100.0, "test")

    assert {node_for(pool, None, 101.0) for _ in range(4)} == {"b"}
    assert node_for(pool, "a", 109.9) == "a"
    assert node_for(pool, "a", 110.0) == "b"


def test_without_a_deadline_a_drained_nodes_sessions_move_with_their_next_request() -> None:
    pool = pool_of("a", "b")
    pool.set_operational("a", STOPPING, 5.0, "test")
    assert node_for(pool, "a", 5.0) == "b"


def test_a_drain_asked_for_by_both_began_with_the_first() -> None:
    pool = pool_of("a", "b", deadline_s=10.0)
    pool.set_operational("a", STOPPING, 0.0, "test")
    pool.set_admin("a", Admin.DRAIN, 8.0, "test")
    assert pool.view("a", 9.0).drain_deadline_s == 10.0


def test_a_drain_called_off_and_asked_for_again_gets_a_new_deadline() -> None:
    pool = pool_of("a", "b", deadline_s=10.0)
    pool.set_admin("a", Admin.DRAIN, 0.0, "test")
    pool.set_admin("a", Admin.READY, 5.0, "test")
    pool.set_admin("a", Admin.DRAIN, 20.0, "test")
    assert pool.view("a", 21.0).drain_deadline_s == 30.0


def test_admin_and_operational_state_are_kept_apart() -> None:
    pool = pool_of("a", "b")
    pool.set_admin("a", Admin.MAINT, 1.0, "test")
    pool.set_operational("a", DOWN, 2.0, "test")
    pool.set_operational("a", UP, 3.0, "test")
    assert not pool.view("a", 3.0).takes_new_sessions
    pool.set_admin("a", Admin.READY, 4.0, "test")
    assert pool.view("a", 4.0).takes_new_sessions


def test_drained_means_that_nothing_goes_there_and_nothing_is_in_flight() -> None:
    pool = pool_of("a", "b")
    first, last = begin(pool, "a"), begin(pool, "a")
    events = pool.set_admin("a", Admin.DRAIN, 1.0, "operator")
    assert [(event.takes_bound_sessions, event.drained) for event in events] == [(False, False)]

    assert not pool.end(first, 2.0)
    assert pool.end(last, 3.0) == [
        NodeChanged(3.0, "a", Admin.DRAIN, UP, False, False, True, "last request finished"),
    ]


def test_a_node_within_its_drain_deadline_is_not_drained_even_if_nothing_is_in_flight() -> None:
    pool = pool_of("a", "b", deadline_s=10.0)
    pool.set_admin("a", Admin.DRAIN, 0.0, "operator")
    assert not pool.view("a", 9.0).drained
    assert pool.next_deadline_s() == 10.0

    events = pool.tick(10.0)

    assert [(event.node, event.drained, event.reason) for event in events] == [("a", True, "drain deadline over")]
    assert pool.next_deadline_s() is None
    assert pool.tick(11.0) == []


def test_a_deadline_that_ends_just_after_a_tick_is_still_due() -> None:
    pool = pool_of("a", "b", deadline_s=10.0)
    pool.set_admin("a", Admin.DRAIN, 0.0, "operator")
    assert pool.tick(9.9999) == []

    assert pool.next_deadline_s() == 10.0
    assert [event.drained for event in pool.tick(10.0002)] == [True]
    assert pool.next_deadline_s() is None


def test_each_change_is_told_once_and_no_change_is_not_told() -> None:
    pool = pool_of("a")
    assert [event.reason for event in pool.set_operational("a", GOING_DOWN, 1.0, "L4CON refused")] == [
        "L4CON refused"
    ]
    assert pool.set_operational("a", GOING_DOWN, 2.0, "L4CON refused") == []
    assert pool.set_admin("a", Admin.READY, 3.0, "operator") == []


def test_tried_nodes_are_left_out_even_if_the_session_is_bound_to_one() -> None:
    pool = pool_of("a", "b", "c")
    route = ask(pool, "a", 1.0, ("a", "b"))
    assert isinstance(route, Route)
    assert (route.node, route.reason, route.moved_by) == ("c", "moved: a failed", Moved.FAILED)


def test_with_every_node_tried_there_is_none_left() -> None:
    refused = ask(pool_of("a", "b"), None, 1.0, ("a", "b"))
    assert isinstance(refused, NoNode)
    assert refused.retry_after_s == 4
    assert "tried a, b" in refused.reason


@pytest.mark.parametrize("state", [INIT, DOWN, GOING_UP])
def test_with_no_usable_node_the_reason_names_each_nodes_state(state: Operational) -> None:
    pool = pool_of("a", "b", state=state)
    assert ask(pool) == NoNode(
        f"no usable node: a is READY/{state}, b is READY/{state}", CookieState.NONE, 4, may_hold=True
    )


def test_drain_panic_keeps_the_node_that_began_to_drain_last() -> None:
    pool = pool_of("a", "b", "c")
    pool.set_admin("c", Admin.DRAIN, 1.0, "test")
    pool.set_operational("a", STOPPING, 2.0, "test")
    events = pool.set_operational("b", STOPPING, 3.0, "test")

    assert [(event.node, event.takes_new_sessions, event.drained) for event in events] == [("b", True, False)]
    route = ask(pool, "a", 100.0)
    assert isinstance(route, Route)
    assert route.node == "b"
    assert "drain-panic" in route.reason
    assert node_for(pool, "b", 100.0) == "b"


def test_drain_panic_ends_when_another_node_is_back() -> None:
    pool = pool_of("a", "b")
    pool.set_operational("b", DOWN, 1.0, "test")
    pool.set_operational("a", STOPPING, 2.0, "test")
    assert node_for(pool, None, 3.0) == "a"

    events = pool.set_operational("b", UP, 4.0, "test")

    assert [(event.node, event.takes_new_sessions, event.drained, event.reason) for event in events] == [
        ("a", False, True, "drain-panic ends: b is READY/UP"),
        ("b", True, False, "test"),
    ]
    assert node_for(pool, "a", 5.0) == "b"


def test_a_drained_node_serves_again_if_the_last_other_one_fails_and_this_is_told() -> None:
    pool = pool_of("a", "b")
    pool.set_admin("a", Admin.DRAIN, 1.0, "test")

    events = pool.set_operational("b", DOWN, 2.0, "test")

    assert [(event.node, event.takes_new_sessions, event.reason) for event in events] == [
        ("a", True, "drain-panic begins: b is READY/DOWN"),
        ("b", False, "test"),
    ]


def test_maint_is_never_overruled_by_drain_panic() -> None:
    pool = pool_of("a", "b")
    pool.set_admin("a", Admin.MAINT, 1.0, "test")
    pool.set_operational("b", DOWN, 2.0, "test")
    assert isinstance(ask(pool, "a", 3.0), NoNode)


def test_a_node_of_weight_0_takes_its_bound_sessions_only_unless_nothing_else_is_left() -> None:
    pool = make_pool({"name": "a", "weight": 0}, {"name": "b", "weight": 10})
    assert {node_for(pool) for _ in range(5)} == {"b"}
    assert node_for(pool, "a") == "a"

    pool.set_operational("b", STOPPING, 1.0, "test")
    assert node_for(pool) == "a"


def test_a_request_that_never_began_cannot_end() -> None:
    with pytest.raises(AssertionError, match="never began"):
        pool_of("a").end(Route("a", CookieState.VALID, CookieAction.NONE, "test"), 1.0)


def test_its_repr_tells_each_nodes_state() -> None:
    pool = pool_of("a", "b")
    begin(pool, "b")
    assert repr(pool) == "<Pool a=READY/UP(0) b=READY/UP(1)>"


def test_nofailover_keeps_a_session_on_a_node_that_is_gone_and_a_drain_still_moves_it() -> None:
    pool = make_pool("a", "b", stickiness={"nofailover": True})
    pool.set_operational("a", DOWN, 1.0, "test")
    refused = ask(pool, "a", 2.0)
    assert isinstance(refused, NoNode)
    assert (refused.code, refused.may_hold) == ("bound-node-gone", False)
    assert refused.reason == "bound to a, which is READY/DOWN; nofailover keeps the session there"
    assert node_for(pool, now=2.0) == "b", "a new session is bound to nobody"

    failed = ask(pool, "b", 2.0, tried=("b",))
    assert isinstance(failed, NoNode)
    assert failed.code == "bound-node-gone"

    pool.set_operational("a", UP, 3.0, "test")
    assert node_for(pool, "a", 4.0) == "a"
    pool.set_admin("a", Admin.DRAIN, 5.0, "test")
    assert node_for(pool, "a", 6.0) == "b"
