"""Drains as their operator and the data path see them: sessions that move, streams that are closed."""

from typing import Any

import pytest

from lb.pool import Admin, Moved, Route
from tests.support.pools import ManualBalancer, reading

DRAIN: dict[str, Any] = {"drain": {"deadline": "60s", "move_idle": "10s", "move_header": "X-Safe"}}


def reasons(lb: ManualBalancer, node: str) -> list[str]:
    return [entry.change.reason for entry in lb.balancer.journal.after(0) if entry.change.node == node]


def routed(lb: ManualBalancer, *cookies: str) -> Route:
    """A request that is sent to a node."""
    route = lb.request(*cookies)
    assert isinstance(route, Route)
    return route


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
    assert lb.balancer.moves[Moved.IDLE] == sum(lb.balancer.moves.values()) == 1


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
        "a", reading("a").state, routed(lb, "a").cookie_action, "bound to a", b"", "from before"
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
    assert routed(lb, "a").node == "a"
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
    assert sum(lb.balancer.moves.values()) == 1, "one session, whatever the number of its requests"
    lb.up("a")
    assert routed(lb, "a", "s").node == first.node, "an old cookie does not take it back"


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
