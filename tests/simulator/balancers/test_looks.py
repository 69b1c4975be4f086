"""What is told of a load balancer that only answers when it is asked."""

from simulator.balancers.looks import NOT_CHECKED_YET, Look, changes

UP = Look("READY", "UP", usable=True, in_flight=2)
DRAIN = Look("DRAIN", "UP", usable=True, in_flight=2)
BUSY = Look("MAINT", "UP", usable=False, in_flight=1)
OUT = Look("MAINT", "UP", usable=False, in_flight=0)


def told(before: Look | None, now: Look) -> list[tuple[str, float, bool, bool]]:
    looked = {} if before is None else {"node1": before}
    found = changes(looked, {"node1": now}, before_s=1.0, now_s=2.0)
    return [(c["admin"], c["at_s"], c["takes_new_sessions"], c["drained"]) for c in found]


def test_a_node_is_out_from_the_later_look_on() -> None:
    assert told(BUSY, OUT) == [("MAINT", 2.0, False, True)]


def test_a_node_is_back_from_the_earlier_look_on() -> None:
    assert told(OUT, UP) == [("READY", 1.0, True, False)]


def test_a_draining_node_gets_no_new_sessions_and_is_not_out() -> None:
    assert told(UP, DRAIN) == [("DRAIN", 2.0, False, False)]


def test_a_node_that_still_has_requests_is_not_out() -> None:
    assert told(DRAIN, BUSY) == [("MAINT", 2.0, False, False)]


def test_the_first_look_tells_of_every_node() -> None:
    assert told(None, UP) == [("READY", 2.0, True, False)]


def test_another_number_of_requests_in_flight_is_no_news() -> None:
    assert told(UP, Look("READY", "UP", usable=True, in_flight=7)) == []


def test_a_node_that_was_not_checked_yet_is_neither_serving_nor_out() -> None:
    look = Look("READY", NOT_CHECKED_YET, usable=False, in_flight=0)
    assert (look.serving, look.drained) == (False, False)
