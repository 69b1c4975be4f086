"""The balancer as its checker and its operator see it; its drains and its queue have files of their own."""

from typing import Any

import pytest

from lb.health import Operational
from lb.pool import Admin, Moved, NoNode, Route
from lb.retry import Failure
from tests.support.pools import ManualBalancer, Parked, passed, pool_config


def reasons(lb: ManualBalancer, node: str) -> list[str]:
    return [entry.change.reason for entry in lb.balancer.journal.after(0) if entry.change.node == node]


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


def test_a_limit_that_grows_between_a_tick_and_the_next_look_at_the_deadlines_is_not_passed_over() -> None:
    lb = ManualBalancer(SLOW, queue={"timeout": "100s"})
    lb.down("a")
    waiting = [Parked(lb, "a") for _ in range(3)]
    lb.up("a")
    lb.clock.advance(4.999)
    lb.balancer.tick()
    lb.clock.advance(0.002)
    assert waiting[2].node is None
    lb.pass_time(0.0)
    assert waiting[2].node == "a"


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

REBALANCE: dict[str, Any] = {"rebalance": {"enabled": True, "idle": "10s", "ratio": 1.3, "rate": 2, "window": "100s"}}


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
    assert lb.balancer.moves[Moved.REBALANCED] == 5


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
