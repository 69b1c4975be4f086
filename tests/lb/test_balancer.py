"""The balancer as its data path, its checker and its operator see it."""

import pytest

from lb.health import Operational
from lb.hold import Held
from lb.pool import Admin, Moved, NoNode, Route
from lb.retry import Failure
from tests.support.pools import CLIENT, ManualBalancer, failed, passed, pool_config, reading

DRAIN = {"drain": {"deadline": "60s", "move_idle": "10s", "move_header": "X-Safe"}}


def reasons(lb: ManualBalancer, node: str) -> list[str]:
    return [entry.change.reason for entry in lb.balancer.journal.after(0) if entry.change.node == node]


# Drains.


def test_a_draining_nodes_session_stays_while_it_is_at_work_and_moves_once_it_was_silent_for_long_enough() -> None:
    lb = ManualBalancer("a", "b", **DRAIN)
    lb.serve("a", "busy")
    lb.serve("a", "silent")
    lb.balancer.set_admin("a", Admin.DRAIN)
    lb.pass_time(6.0)
    assert lb.serve("a", "busy").node == "a"
    lb.pass_time(6.0)
    assert lb.serve("a", "busy").node == "a"
    moved = lb.serve("a", "silent")
    assert (moved.node, moved.moved_from, moved.moved_by) == ("b", "a", Moved.IDLE)
    assert moved.set_cookie.startswith(b"Set-Cookie: ROUTEID=.b")
    assert lb.balancer.counters.moves[Moved.IDLE] == lb.balancer.counters.sessions_moved == 1


def test_a_session_with_a_request_in_flight_is_not_silent_however_long_that_takes() -> None:
    lb = ManualBalancer("a", "b", **DRAIN)
    lb.begun("a", "s")
    lb.balancer.set_admin("a", Admin.DRAIN)
    lb.pass_time(30.0)
    assert lb.serve("a", "s").node == "a"


def test_a_session_moves_after_a_response_marked_as_safe_and_only_if_that_was_the_last_one() -> None:
    lb = ManualBalancer("a", "b", **DRAIN)
    lb.serve("a", "s", safe_to_move=True)
    lb.serve("a", "t", safe_to_move=True)
    lb.serve("a", "t")
    lb.balancer.set_admin("a", Admin.DRAIN)
    assert (lb.serve("a", "s").moved_by, lb.serve("a", "t").node) == (Moved.SAFE, "a")


def test_at_the_deadline_every_session_moves() -> None:
    lb = ManualBalancer("a", "b", drain={"deadline": "60s"})
    lb.serve("a", "s")
    lb.balancer.set_admin("a", Admin.DRAIN)
    lb.pass_time(59.0)
    assert lb.serve("a", "s").node == "a"
    lb.pass_time(1.0)
    assert lb.serve("a", "s").moved_by is Moved.DEADLINE
    assert reasons(lb, "a")[-1] == "drain deadline over"


def test_the_operator_may_give_a_drain_a_deadline_of_its_own_and_change_it() -> None:
    lb = ManualBalancer("a", "b", drain={"deadline": "1h"})
    assert lb.balancer.set_admin("a", Admin.DRAIN, deadline_s=20.0).drain_deadline_s == 20.0
    lb.pass_time(10.0)
    assert lb.balancer.set_admin("a", Admin.DRAIN).drain_deadline_s == 20.0
    assert lb.balancer.set_admin("a", Admin.DRAIN, deadline_s=5.0).drain_deadline_s == 15.0
    assert lb.balancer.set_admin("a", Admin.DRAIN, deadline_s=0.0).drained
    lb.balancer.set_admin("a", Admin.READY)
    assert lb.balancer.set_admin("a", Admin.DRAIN).drain_deadline_s == 10.0 + 3600.0


@pytest.mark.parametrize(
    ("admin", "deadline_s"),
    [(Admin.READY, 1.0), (Admin.MAINT, 1.0), (Admin.DRAIN, -1.0), (Admin.DRAIN, float("inf"))],
)
def test_a_deadline_that_makes_no_sense_is_refused_and_changes_nothing(admin: Admin, deadline_s: float) -> None:
    lb = ManualBalancer("a", "b")
    with pytest.raises(ValueError, match="deadline"):
        lb.balancer.set_admin("a", admin, deadline_s=deadline_s)
    assert lb.balancer.view("a").admin is Admin.READY


def test_a_drain_is_over_before_its_deadline_when_nobody_is_left_who_must_be_served() -> None:
    lb = ManualBalancer("a", "b", **DRAIN)
    lb.pass_time(20.0)
    lb.serve("a", "s")
    lb.pass_time(4.0)
    lb.balancer.set_admin("a", Admin.DRAIN)
    drain = lb.balancer.view("a").drain
    assert drain is not None
    assert (drain.sessions_left, drain.deadline_s, drain.done_s) == (1, 84.0, 30.0)
    lb.pass_time(5.9)
    assert not lb.balancer.view("a").drained
    lb.pass_time(0.1)
    assert lb.balancer.view("a").drained
    assert reasons(lb, "a")[-1] == "every session left was silent for move_idle"
    assert lb.serve("a", "s").moved_by is Moved.IDLE


def test_a_drain_is_over_soon_after_the_last_session_was_marked_as_safe() -> None:
    lb = ManualBalancer("a", "b", **DRAIN)
    lb.pass_time(20.0)
    route = lb.begun("a", "s")
    lb.balancer.set_admin("a", Admin.DRAIN)
    lb.pass_time(1.0)
    lb.balancer.end(route, safe_to_move=True)
    lb.pass_time(0.2)
    assert lb.balancer.view("a").drained


def test_sessions_that_nobody_remembers_are_served_until_they_must_have_been_silent_for_long_enough() -> None:
    lb = ManualBalancer("a", "b", **DRAIN)
    lb.balancer.set_admin("a", Admin.DRAIN)  # the load balancer has just started: whoever comes may have been at work
    lb.pass_time(9.0)
    assert lb.request("a", "from before") == Route(
        "a", reading("a").state, lb.request("a").cookie_action, "bound to a", b"", "from before"
    )
    assert not lb.balancer.view("a").drained
    lb.pass_time(1.0)
    assert lb.balancer.view("a").drained


def test_whoever_was_served_without_a_cookie_a_moment_ago_may_come_again_and_is_served() -> None:
    lb = ManualBalancer("a", "b", **DRAIN)
    lb.pass_time(100.0)
    assert {lb.serve().node for _ in range(2)} == {"a", "b"}
    lb.pass_time(4.0)
    lb.balancer.set_admin("a", Admin.DRAIN)
    lb.pass_time(5.9)
    assert lb.request("a").node == "a"  # type: ignore[union-attr]
    assert not lb.balancer.view("a").drained
    lb.pass_time(0.1)
    assert lb.balancer.view("a").drained


def test_who_came_to_a_node_in_drain_panic_is_served_on_after_it_though_its_drain_was_over_before() -> None:
    lb = ManualBalancer("a", "b", **DRAIN)
    lb.pass_time(20.0)
    lb.balancer.set_admin("a", Admin.DRAIN)
    assert lb.balancer.view("a").drained, "there is nobody whom it must serve"
    lb.down("b")
    assert lb.serve(None, "s").node == "a"
    lb.up("b")
    assert lb.serve("a", "s").node == "a"
    lb.pass_time(10.0)
    assert lb.balancer.view("a").drained


def test_a_session_known_by_its_address_alone_is_counted_where_it_has_moved_to() -> None:
    lb = ManualBalancer("a", "b")
    lb.serve("a")
    lb.down("a")
    assert lb.serve("a").node == "b"
    assert [view.sessions for view in lb.balancer.views()] == [0, 1]


def test_without_move_idle_a_drain_lasts_until_its_deadline() -> None:
    lb = ManualBalancer("a", "b", drain={"deadline": "60s"})
    lb.balancer.set_admin("a", Admin.DRAIN)
    lb.pass_time(59.9)
    assert not lb.balancer.view("a").drained
    lb.pass_time(0.1)
    assert lb.balancer.view("a").drained


def test_the_view_of_a_drain_counts_who_is_left_and_who_has_moved() -> None:
    lb = ManualBalancer("a", "b", **DRAIN)
    for session in ("s", "t", "u"):
        lb.serve("a", session)
    lb.balancer.set_admin("a", Admin.DRAIN)
    lb.pass_time(8.0)
    lb.serve("a", "s")
    working = lb.begun("a", "u")
    lb.pass_time(2.0)
    lb.serve("a", "t")
    drain = lb.balancer.view("a").drain
    assert drain is not None
    assert (drain.sessions_left, drain.sessions_moved, drain.in_flight) == (2, 1, 1)
    assert drain.done_s == 20.0, "ten seconds from now at the earliest: one is at work"
    lb.pass_time(60.0)
    drain = lb.balancer.view("a").drain
    assert drain is not None
    assert (drain.sessions_left, drain.done_s) == (0, None), "nobody knows how long the request takes"
    lb.balancer.end(working)
    assert lb.balancer.view("a").drained


def test_a_silent_session_stays_if_there_is_no_room_for_it_elsewhere() -> None:
    lb = ManualBalancer("a", {"name": "b", "maxconn": 1}, **DRAIN)
    lb.pass_time(20.0)
    lb.serve("a", "s")
    lb.serve("a", "t", safe_to_move=True)
    lb.balancer.set_admin("a", Admin.DRAIN)
    full = lb.begun("b", "x")
    assert lb.serve("a", "t").node == "a"
    lb.balancer.end(full)
    lb.serve("a", "t", safe_to_move=True)
    assert lb.serve("a", "t").node == "b"


def test_a_browsers_other_requests_follow_it_to_the_node_it_has_moved_to() -> None:
    lb = ManualBalancer("a", "b", "c", "d")
    lb.serve("a", "s")
    lb.down("a")
    first = lb.begun("a", "s")
    others = [lb.begun("a", "s") for _ in range(5)]  # sent before the new cookie came
    assert {route.node for route in others} == {first.node}
    assert lb.balancer.counters.sessions_moved == 1, "one session, whatever the number of its requests"
    lb.up("a")
    assert lb.request("a", "s").node == first.node, "an old cookie does not take it back"  # type: ignore[union-attr]


def test_a_drain_panic_node_gives_no_cookie_and_neither_does_a_draining_one() -> None:
    lb = ManualBalancer("a", "b", drain={"deadline": "60s"}, stickiness={"maxidle": "10s"})
    lb.balancer.set_admin("a", Admin.DRAIN)
    assert lb.serve("a", "s").set_cookie == b""
    lb.pass_time(1.0)
    lb.balancer.set_admin("b", Admin.DRAIN)
    for bound_to in (None, "a", "b", "zz"):
        assert lb.serve(bound_to, "t").set_cookie == b""
    assert lb.balancer.view("b").panic


# Streams.


def test_streams_of_a_draining_node_are_closed_one_by_one_over_its_deadline() -> None:
    lb = ManualBalancer("a", "b", drain={"deadline": "60s"})
    closed_s: list[float] = []
    for _ in range(6):
        lb.balancer.stream_opened("a", lambda: closed_s.append(lb.clock.now_s))
    lb.balancer.stream_opened("b", lambda: pytest.fail("b does not drain"))
    lb.balancer.set_admin("a", Admin.DRAIN)
    assert not closed_s
    lb.pass_time(60.0)
    assert len(closed_s) == 6
    assert all(10.0 * place <= at_s <= 10.0 * (place + 1) for place, at_s in enumerate(closed_s))


def test_whoever_comes_again_after_its_stream_was_closed_goes_elsewhere_and_the_others_stay() -> None:
    lb = ManualBalancer("a", "b", drain={"deadline": "60s"})
    route = lb.begun("a", "chats")
    stream = lb.balancer.stream_opened("a", lambda: lb.balancer.end(route), route.session)
    lb.serve("a", "reads")
    lb.balancer.set_admin("a", Admin.DRAIN)
    assert lb.serve("a", "chats").node == "a", "its stream is still open"
    lb.pass_time(59.0)
    lb.balancer.stream_closed(stream)
    assert (lb.serve("a", "chats").moved_by, lb.serve("a", "reads").node) == (Moved.STREAM, "a")
    drain = lb.balancer.view("a").drain
    assert drain is not None
    assert (drain.sessions_left, drain.sessions_moved) == (1, 1)


@pytest.mark.parametrize("admin", [Admin.DRAIN, Admin.MAINT])
def test_without_a_deadline_streams_are_closed_at_once_and_the_node_is_drained_when_they_are_gone(
    admin: Admin,
) -> None:
    lb = ManualBalancer("a", "b")
    closed: list[str] = []
    stream = lb.balancer.stream_opened("a", lambda: closed.append("a"))
    assert not lb.balancer.set_admin("a", admin).drained
    assert closed == ["a"]
    lb.balancer.stream_closed(stream)
    assert lb.balancer.view("a").drained
    assert reasons(lb, "a")[-1] == "last stream closed"


def test_a_stream_that_is_closed_tells_so_from_within_its_close() -> None:
    lb = ManualBalancer("a", "b")
    stream = lb.balancer.stream_opened("a", lambda: lb.balancer.stream_closed(stream))
    lb.balancer.set_admin("a", Admin.DRAIN)
    assert lb.balancer.view("a").drained
    assert [entry.change.drained for entry in lb.balancer.journal.after(0) if entry.change.node == "a"][-2:] == [
        False,
        True,
    ]


def test_a_drain_that_is_called_off_leaves_the_streams_alone() -> None:
    lb = ManualBalancer("a", "b", drain={"deadline": "60s"})
    lb.balancer.stream_opened("a", lambda: pytest.fail("called off"))
    lb.balancer.set_admin("a", Admin.DRAIN)
    lb.balancer.set_admin("a", Admin.READY)
    lb.pass_time(100.0)


def test_the_streams_of_the_last_node_are_kept_in_drain_panic() -> None:
    lb = ManualBalancer("a")
    lb.balancer.stream_opened("a", lambda: pytest.fail("its client could only come back here"))
    lb.balancer.set_admin("a", Admin.DRAIN)
    lb.pass_time(100.0)
    assert lb.balancer.view("a").takes_new_sessions


# Requests that wait.


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


def test_a_one_node_cluster_is_upgraded_with_requests_parked_and_none_failed() -> None:
    lb = ManualBalancer("a", queue={"timeout": "60s"})
    lb.balancer.set_admin("a", Admin.MAINT)
    lb.down("a")
    assert isinstance(lb.request("a"), NoNode)
    waiting = [Parked(lb, "a" if number % 2 else None) for number in range(10)]
    assert lb.balancer.held == 10
    lb.up("a")
    assert lb.balancer.held == 10
    lb.balancer.set_admin("a", Admin.READY)
    assert [parked.node for parked in waiting] == ["a"] * 10
    assert lb.balancer.view("a").in_flight == 10


def test_who_waits_too_long_is_told_why_and_when_to_come_again() -> None:
    lb = ManualBalancer("a", queue={"timeout": "5s"}, health={"inter": "10s", "rise": 3})
    lb.down("a")
    parked = Parked(lb)
    lb.pass_time(4.9)
    assert parked.decision is None
    lb.pass_time(0.1)
    assert isinstance(parked.decision, NoNode)
    assert "a is READY/DOWN" in parked.decision.reason
    assert "waited 5 s" in parked.decision.reason
    assert parked.decision.retry_after_s == 25, "5 s until the next check, and two more after it"
    assert not parked.decision.may_hold
    assert lb.balancer.held == 0


def test_the_longest_that_the_checks_take_is_what_clients_are_told_to_wait() -> None:
    health = {"inter": "10s", "fastinter": "2s", "downinter": "30s", "rise": 3, "fall": 2}
    lb = ManualBalancer("a", "b", health=health, queue={"timeout": "0s"})
    lb.balancer.set_admin("b", Admin.MAINT)
    lb.down("a")
    lb.pass_time(12.0)
    refused = lb.request()
    assert isinstance(refused, NoNode)
    assert (refused.retry_after_s, refused.may_hold) == (18 + 2 + 2, False)
    lb.balancer.checked("a", passed())
    refused = lb.request()
    assert isinstance(refused, NoNode)
    assert refused.retry_after_s == 2 + 2


def test_a_full_queue_says_so_at_once() -> None:
    lb = ManualBalancer("a", queue={"timeout": "7s", "size": 1})
    lb.down("a")
    Parked(lb)
    held = Parked(lb).held
    assert isinstance(held, NoNode)
    assert "the queue is full with 1 requests" in held.reason
    assert (held.retry_after_s, held.may_hold) == (7, False)


def test_with_no_queue_nothing_waits() -> None:
    lb = ManualBalancer("a", queue={"timeout": "0s"})
    lb.down("a")
    held = Parked(lb).held
    assert isinstance(held, NoNode)
    assert not held.may_hold


def test_a_client_that_leaves_is_not_resumed_and_its_place_is_free() -> None:
    lb = ManualBalancer("a", queue={"size": 1})
    lb.down("a")
    gone = Parked(lb)
    assert isinstance(gone.held, Held)
    gone.held.leave()
    gone.held.leave()
    stays = Parked(lb)
    lb.up("a")
    assert (gone.decision, stays.node) == (None, "a")
    gone.held.leave()


def test_a_sticky_request_waits_for_its_busy_node_and_a_free_one_for_any() -> None:
    lb = ManualBalancer({"name": "a", "maxconn": 1}, {"name": "b", "maxconn": 1})
    at_a, at_b = lb.begun("a"), lb.begun("b")
    sticky, free, later = Parked(lb, "a"), Parked(lb), Parked(lb, "a")
    assert (lb.balancer.view("a").queued, lb.balancer.view("b").queued) == (2, 0)
    lb.balancer.end(at_b)
    assert (sticky.node, free.node) == (None, "b")
    lb.balancer.end(at_a)
    assert (sticky.node, later.node) == ("a", None)
    lb.down("a")
    assert later.node is None, "b is busy"
    assert isinstance(free.decision, Route)
    lb.balancer.end(free.decision)
    assert later.node == "b", "its own node is gone: it may go elsewhere"


def test_of_a_sticky_and_a_free_request_that_want_the_same_node_the_older_one_goes_first() -> None:
    lb = ManualBalancer({"name": "a", "maxconn": 1})
    running = lb.begun("a")
    order: list[str] = []
    waiting = []
    for name, bound_to in (("free 1", None), ("sticky 1", "a"), ("sticky 2", "a"), ("free 2", None)):

        def resumed(decision: Route | NoNode, name: str = name) -> None:
            assert isinstance(decision, Route)
            order.append(name)
            lb.balancer.begin(decision)
            lb.balancer.end(decision)  # at once: the next one is resumed in its turn, not from within

        waiting.append(lb.balancer.hold(reading(bound_to), CLIENT, (), resumed))
    lb.balancer.end(running)
    assert order == ["free 1", "sticky 1", "sticky 2", "free 2"]


def test_who_has_to_leave_the_line_of_its_node_stands_before_those_who_came_later() -> None:
    lb = ManualBalancer({"name": "a", "maxconn": 1}, {"name": "b", "maxconn": 1})
    lb.begun("a")
    at_b = lb.begun("b")
    first, second = Parked(lb, "a"), Parked(lb)
    lb.down("a")
    lb.balancer.end(at_b)
    assert (first.node, second.node) == ("b", None)


def test_room_that_a_resumed_request_makes_goes_to_the_one_who_came_first() -> None:
    lb = ManualBalancer({"name": "a", "maxconn": 1}, {"name": "b", "maxconn": 1})
    lb.balancer.set_admin("b", Admin.MAINT)
    at_a = lb.begun("a")
    first = Parked(lb, "a")

    def resumed(decision: Route | NoNode) -> None:
        assert isinstance(decision, Route)
        lb.balancer.begin(decision)
        lb.balancer.end(at_a)

    lb.balancer.hold(reading(), CLIENT, (), resumed)
    last = Parked(lb, "a")
    lb.balancer.set_admin("b", Admin.READY)
    assert (first.node, last.node) == ("a", None)


def test_a_request_is_not_sent_again_to_a_node_that_it_tried_unless_that_has_passed_a_check_since() -> None:
    lb = ManualBalancer("a")
    parked = Parked(lb, "a", tried=("a",))
    assert isinstance(parked.held, Held)
    lb.balancer.end(lb.begun("a"))
    lb.balancer.checked("a", failed())
    lb.pass_time(1.0)
    assert parked.node is None
    lb.balancer.checked("a", passed())
    assert parked.node == "a"


def test_a_request_that_could_go_by_the_time_it_waits_is_resumed_with_the_next_tick() -> None:
    lb = ManualBalancer("a")
    woken: list[float] = []
    lb.balancer.on_earlier_deadline(lambda: woken.append(lb.clock.now_s))
    parked = Parked(lb)
    assert (parked.decision, woken) == (None, [0.0])
    lb.pass_time(0.0)
    assert parked.node == "a"


def test_the_owner_is_woken_when_something_becomes_due_earlier_than_it_knows() -> None:
    lb = ManualBalancer("a", queue={"timeout": "5s"})
    lb.down("a")
    assert lb.balancer.next_deadline_s() is None
    woken: list[float | None] = []
    lb.balancer.on_earlier_deadline(lambda: woken.append(lb.balancer.next_deadline_s()))
    Parked(lb)
    Parked(lb)
    assert woken == [5.0]


def test_a_new_request_does_not_overtake_those_that_wait() -> None:
    lb = ManualBalancer({"name": "a", "maxconn": 1})
    running = lb.begun()
    parked = Parked(lb)
    lb.balancer.end(running)
    assert parked.node == "a"
    assert isinstance(lb.request(), NoNode)


# Slow start.

SLOW = {"name": "a", "maxconn": 20, "slowstart": "90s"}


def test_at_the_load_balancers_own_start_no_node_is_throttled() -> None:
    view = ManualBalancer(SLOW, "b").balancer.view("a")
    assert (view.throttle, view.limit) == (100, 20)


def test_after_a_recovery_weight_and_maxconn_grow_in_a_straight_line() -> None:
    lb = ManualBalancer(SLOW, "b")
    lb.down("a")
    lb.up("a")
    seen = []
    for _ in range(4):
        view = lb.balancer.view("a")
        seen.append((view.throttle, view.limit))
        lb.pass_time(30.0)
    assert seen == [(10, 2), (40, 8), (70, 14), (100, 20)]


def test_who_waits_for_a_node_in_slow_start_is_resumed_as_its_limit_grows() -> None:
    lb = ManualBalancer(SLOW, queue={"timeout": "100s"})
    lb.down("a")
    waiting = [Parked(lb, "a") for _ in range(4)]
    lb.up("a")
    assert [parked.node for parked in waiting] == ["a", "a", None, None]
    lb.pass_time(4.9)
    assert waiting[2].node is None, "a twentieth of 100 % takes 5 s"
    lb.pass_time(0.2)
    assert [parked.node for parked in waiting] == ["a", "a", "a", None]
    lb.pass_time(5.0)
    assert waiting[3].node == "a"


def test_a_ramp_belongs_to_its_node_whatever_the_others_do() -> None:
    lb = ManualBalancer(SLOW, {"name": "b", "slowstart": "90s"}, "c")
    lb.down("a")
    lb.up("a")
    lb.pass_time(30.0)
    lb.down("b")
    lb.up("b")
    lb.balancer.set_admin("c", Admin.MAINT)
    lb.balancer.reconfigure(pool_config(SLOW, {"name": "b", "slowstart": "90s"}, "c", "d"))
    lb.balancer.checked("d", passed())
    assert [view.throttle for view in lb.balancer.views()] == [40, 10, 100, 100]


def test_a_new_process_is_cold_even_if_nobody_saw_the_old_one_go() -> None:
    lb = ManualBalancer(SLOW, "b", up=False)
    lb.balancer.checked("a", passed("boot-1", 1))
    assert lb.balancer.view("a").throttle == 100
    lb.balancer.checked("a", passed("boot-2", 1))
    assert lb.balancer.view("a").throttle == 10
    assert lb.purged == ["a"]


def test_a_node_that_came_back_while_it_was_drained_begins_its_ramp_when_it_gets_sessions_again() -> None:
    lb = ManualBalancer(SLOW, "b")
    lb.balancer.set_admin("a", Admin.DRAIN)
    lb.down("a")
    lb.up("a")
    lb.pass_time(1000.0)
    lb.balancer.set_admin("a", Admin.READY)
    assert lb.balancer.view("a").throttle == 10


def test_without_maxconn_a_cold_node_gets_no_more_new_sessions_than_its_share_of_what_is_in_flight() -> None:
    lb = ManualBalancer({"name": "a", "slowstart": "90s"}, "b")
    for _ in range(10):
        lb.begun("b")
    lb.down("a")
    lb.up("a")
    slow = [lb.begun("a") for _ in range(3)]  # bound to it: those are not turned away
    assert {lb.serve().node for _ in range(30)} == {"b"}, "a tenth of the weight: 2 of 13, and one"
    lb.balancer.end(slow[0])
    assert {lb.serve().node for _ in range(30)} == {"a", "b"}


# Rebalancing.

REBALANCE = {"rebalance": {"enabled": True, "idle": "10s", "ratio": 1.3, "rate": 2, "window": "100s"}}


def uneven(**settings: object) -> ManualBalancer:
    """Ten sessions on a, and b has just come back."""
    lb = ManualBalancer("a", "b", **{**REBALANCE, **settings})
    lb.down("b")
    for number in range(10):
        lb.serve("a", f"s{number}")
    lb.up("b")
    return lb


def test_silent_sessions_go_to_the_node_that_came_back_until_it_has_its_share() -> None:
    lb = uneven()
    assert lb.serve("a", "s0").node == "a", "it was at work a moment ago"
    lb.pass_time(10.0)
    nodes = []
    for number in range(10):
        nodes.append(lb.serve("a", f"s{number}").node)
        lb.pass_time(1.0)
    assert nodes == ["b"] * 5 + ["a"] * 5
    assert lb.balancer.counters.moves[Moved.REBALANCED] == 5


def test_no_more_sessions_are_rebalanced_in_a_second_than_the_rate_says() -> None:
    lb = uneven()
    lb.pass_time(10.0)
    assert [lb.serve("a", f"s{number}").node for number in range(6)] == ["b", "b", "a", "a", "a", "a"]
    lb.pass_time(0.9)
    assert lb.serve("a", "s6").node == "a"
    lb.pass_time(0.1)
    assert [lb.serve("a", f"s{number}").node for number in (7, 8)] == ["b", "b"]


def test_after_the_window_nobody_is_moved() -> None:
    lb = uneven()
    lb.pass_time(100.0)
    assert {lb.serve("a", f"s{number}").node for number in range(10)} == {"a"}


def test_the_first_pass_after_the_load_balancers_start_is_no_return() -> None:
    lb = ManualBalancer("a", "b", up=False, **REBALANCE)
    lb.balancer.checked("a", passed())
    for number in range(10):
        lb.serve("a", f"s{number}")
    lb.balancer.checked("b", passed())
    lb.pass_time(10.0)
    assert {lb.serve("a", f"s{number}").node for number in range(10)} == {"a"}


# Passive checks.


def test_a_refused_connection_takes_its_node_out_at_once_but_never_the_last_one() -> None:
    lb = ManualBalancer("a", "b")
    lb.balancer.failed("a", Failure.REFUSED)
    assert lb.balancer.view("a").operational is Operational.DOWN
    assert reasons(lb, "a")[-1] == "a user's connection was refused"
    assert lb.purged == ["a"]
    lb.balancer.failed("b", Failure.REFUSED)
    assert lb.balancer.view("b").operational is Operational.UP
    assert lb.serve("a").node == "b"


def test_errors_in_a_row_take_a_node_out_and_one_good_answer_begins_the_count_anew() -> None:
    lb = ManualBalancer("a", "b", passive={"error_limit": 3})
    for status in (500, 500, 200, 500, 500):
        lb.balancer.answered("a", status)
    assert lb.balancer.view("a").operational is Operational.UP
    lb.balancer.answered("a", 500)
    assert lb.balancer.view("a").operational is Operational.DOWN
    lb.up("a")
    assert lb.balancer.view("a").takes_new_sessions


def test_the_retry_budget_is_a_share_of_the_requests() -> None:
    lb = ManualBalancer("a", retry={"budget": 0.2, "budget_min": 0})
    for _ in range(10):
        lb.request()
        lb.request("a", tried=("a",))
    assert [lb.balancer.may_retry() for _ in range(3)] == [True, True, False]


# Another configuration.


def test_a_node_that_is_added_is_checked_first_and_one_that_is_gone_finishes_what_it_has() -> None:
    lb = ManualBalancer("a", "b")
    running = lb.begun("a", "s")
    lb.balancer.reconfigure(pool_config("b", "c"))
    assert [view.name for view in lb.balancer.views()] == ["b", "c"]
    assert lb.purged == ["a"]
    moved = lb.request("a", "s")
    assert isinstance(moved, Route)
    assert (moved.node, moved.reason) == ("b", "no node is called a")
    assert not lb.balancer.view("c").takes_new_sessions
    assert lb.balancer.checked("a", passed()) is None, "a check that was under way is nobody's"
    lb.balancer.end(running)
    gone = [entry.change for entry in lb.balancer.journal.after(0) if entry.change.node == "a"][-2:]
    assert [(change.drained, change.reason) for change in gone] == [
        (False, "removed from the configuration"),
        (True, "last request finished"),
    ]


def test_a_node_that_comes_back_before_its_last_request_is_over_still_counts_it() -> None:
    lb = ManualBalancer("a", "b")
    running = lb.begun("a")
    lb.balancer.reconfigure(pool_config("b"))
    lb.balancer.reconfigure(pool_config("a", "b"))
    assert lb.balancer.view("a").in_flight == 1
    lb.balancer.end(running)
    assert lb.balancer.view("a").in_flight == 0


def test_a_node_with_another_address_is_a_new_one() -> None:
    lb = ManualBalancer("a", "b")
    lb.balancer.set_admin("a", Admin.DRAIN)
    lb.purged.clear()
    lb.balancer.reconfigure(pool_config({"name": "a", "port": 4242}, "b"))
    view = lb.balancer.view("a")
    assert (view.operational, view.admin) == (Operational.INIT, Admin.DRAIN)
    assert lb.balancer.addresses["a"].port == 4242
    assert "a" in lb.purged


def test_sessions_admin_states_and_the_operators_weights_outlive_another_configuration() -> None:
    lb = ManualBalancer("a", "b")
    lb.serve("a", "s")
    lb.balancer.set_admin("b", Admin.MAINT)
    lb.balancer.set_weight("a", 7)
    lb.balancer.reconfigure(pool_config("a", "b", queue={"timeout": "9s"}))
    a, b = lb.balancer.views()
    assert (a.sessions, a.weight, a.operational, b.admin) == (1, 7, Operational.UP, Admin.MAINT)
    lb.balancer.reconfigure(pool_config({"name": "a", "weight": 50}, "b"))
    assert lb.balancer.view("a").weight == 50


def test_who_waits_is_served_by_a_node_that_is_added() -> None:
    lb = ManualBalancer("a")
    lb.down("a")
    parked = Parked(lb, "a")
    lb.balancer.reconfigure(pool_config("a", "b"))
    lb.balancer.checked("b", passed())
    assert parked.node == "b"


def test_a_shorter_time_out_counts_for_those_who_wait_already() -> None:
    lb = ManualBalancer("a", queue={"timeout": "1h"})
    lb.down("a")
    parked = Parked(lb)
    lb.balancer.reconfigure(pool_config("a", queue={"timeout": "2s"}))
    lb.pass_time(2.0)
    assert isinstance(parked.decision, NoNode)


@pytest.mark.parametrize("weight", [-1, 257])
def test_a_weight_that_the_configuration_would_refuse_is_refused(weight: int) -> None:
    with pytest.raises(ValueError, match="0 to 256"):
        ManualBalancer("a").balancer.set_weight("a", weight)


def test_a_node_of_weight_0_keeps_its_sessions_and_gets_no_new_ones() -> None:
    lb = ManualBalancer("a", "b")
    lb.balancer.set_weight("a", 0)
    assert {lb.serve().node for _ in range(4)} == {"b"}
    assert lb.serve("a").node == "a"
    assert reasons(lb, "a")[-1] == "weight set by the operator"
