"""Requests that wait for a node, as the data path sees them."""

import pytest

from lb.hold import Held
from lb.pool import Admin, NoNode, Route
from tests.support.pools import CLIENT, ManualBalancer, Parked, failed, passed, reading


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


def test_the_reason_names_the_nodes_that_were_tried_in_their_order() -> None:
    names = [f"{letter}1" for letter in "zyxwvutsrq"]
    lb = ManualBalancer(*names)
    parked = Parked(lb, tried=tuple(names))
    lb.pass_time(5.0)
    assert isinstance(parked.decision, NoNode)
    assert f"tried {', '.join(names)}" in parked.decision.reason


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


# A load balancer that was just started.


def just_started(**settings: object) -> ManualBalancer:
    """Of two nodes, ``b`` has been checked already."""
    lb = ManualBalancer("a", "b", up=False, **settings)
    lb.balancer.checked("b", passed())
    return lb


def test_who_is_bound_to_a_node_that_nobody_has_checked_yet_waits_for_the_check_and_stays() -> None:
    lb = just_started()
    refused = lb.request("a")
    assert isinstance(refused, NoNode)
    assert refused.reason == "bound to a, which nobody has checked yet"
    waiting, new = Parked(lb, "a"), lb.request()
    assert isinstance(new, Route)
    assert (waiting.node, new.node, lb.balancer.view("a").queued) == (None, "b", 1)
    lb.balancer.checked("a", passed())
    assert waiting.node == "a"


def test_who_waits_for_the_first_check_of_a_dead_node_goes_elsewhere_once_it_is_over() -> None:
    lb = just_started()
    waiting = Parked(lb, "a")
    lb.balancer.checked("a", failed())
    assert waiting.node == "b"


@pytest.mark.parametrize("queue", [{"timeout": "0s"}, {"timeout": "900ms"}, {"size": 0}, {"size": 1}])
def test_where_nobody_may_wait_for_as_long_as_a_check_may_take_the_session_moves(queue: dict[str, object]) -> None:
    lb = just_started(queue=queue, health={"timeout": "1s"})
    if queue == {"size": 1}:
        Parked(lb, "a")
    assert lb.serve("a").node == "b"


def test_a_node_in_maintenance_is_not_waited_for() -> None:
    lb = just_started()
    lb.balancer.set_admin("a", Admin.MAINT)
    assert lb.serve("a").node == "b"
