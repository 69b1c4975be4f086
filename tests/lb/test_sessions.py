from hypothesis import given
from hypothesis import strategies as st

from lb.sessions import Sessions, SessionsView


def seen(sessions: Sessions, key: str, node: str, now: float) -> None:
    """A request of the session that is over at once, as the pool counts it."""
    session = sessions.enter(key, node, now)
    assert session is not None
    session.last_seen_s = now
    sessions.table.move_to_end(key)


def test_the_one_that_was_silent_for_longest_is_forgotten_first() -> None:
    sessions = Sessions(2, 0.0)
    for at_s, key in enumerate(["s", "t", "s", "u"]):
        seen(sessions, key, "a", float(at_s))
    assert list(sessions.table) == ["s", "u"]
    assert sessions.count("a") == 2


def test_a_session_with_a_request_in_flight_is_not_forgotten() -> None:
    sessions = Sessions(2, 0.0)
    seen(sessions, "s", "a", 1.0)
    sessions.table["s"].in_flight = 1
    seen(sessions, "t", "a", 2.0)
    seen(sessions, "u", "a", 3.0)
    assert set(sessions.table) == {"s", "u"}


def test_a_table_full_of_requests_in_flight_takes_nobody_more() -> None:
    sessions = Sessions(1, 0.0)
    seen(sessions, "s", "a", 1.0)
    sessions.table["s"].in_flight = 1
    assert sessions.enter("t", "a", 2.0) is None
    assert list(sessions.table) == ["s"]


def test_a_session_that_moves_is_counted_where_it_is_and_its_safety_is_forgotten() -> None:
    sessions = Sessions(10, 0.0)
    seen(sessions, "s", "a", 1.0)
    sessions.table["s"].safe = True
    seen(sessions, "s", "b", 2.0)
    assert (sessions.count("a"), sessions.count("b"), sessions.table["s"].safe) == (0, 1, False)
    assert sessions.table["s"].first_seen_s == 1.0


def test_who_is_not_in_the_table_was_silent_at_least_since_the_last_one_was_forgotten() -> None:
    sessions = Sessions(1, 5.0)
    assert sessions.idle_s("s", "a", 8.0) == 3.0
    seen(sessions, "s", "a", 10.0)
    seen(sessions, "t", "a", 20.0)
    assert sessions.idle_s("s", "a", 30.0) == 20.0
    assert sessions.idle_s("t", "a", 30.0) == 10.0


def test_somebody_without_a_session_may_be_bound_from_then_on_to_the_node_that_served_it() -> None:
    sessions = Sessions(10, 0.0)
    sessions.stranger("a", 7.0)
    assert (sessions.idle_s("s", "a", 10.0), sessions.idle_s("s", "b", 10.0)) == (3.0, 10.0)


def test_who_is_at_work_is_not_silent() -> None:
    sessions = Sessions(10, 0.0)
    seen(sessions, "s", "a", 1.0)
    sessions.table["s"].in_flight = 1
    assert sessions.idle_s("s", "a", 100.0) == 0.0


def test_a_node_that_is_gone_takes_its_sessions_along() -> None:
    sessions = Sessions(10, 0.0)
    seen(sessions, "s", "a", 1.0)
    seen(sessions, "t", "b", 1.0)
    sessions.forget_node("a")
    assert (list(sessions.table), sessions.count("a"), len(sessions)) == (["t"], 0, 1)


def test_a_smaller_table_forgets_at_once() -> None:
    sessions = Sessions(10, 0.0)
    for number in range(6):
        seen(sessions, f"s{number}", "a", float(number))
    sessions.resize(2)
    assert list(sessions.table) == ["s4", "s5"]


def test_the_view_tells_how_many_and_how_long_they_were_silent() -> None:
    sessions = Sessions(10, 0.0)
    for number in range(4):
        seen(sessions, f"s{number}", "a", float(number))
    sessions.table["s3"].in_flight = 2
    assert sessions.view("a", 10.0) == SessionsView(count=4, active=1, idle_median_s=9.0, idle_max_s=10.0)
    assert sessions.view("b", 10.0) == SessionsView(count=0, active=0, idle_median_s=0.0, idle_max_s=0.0)


@given(
    visits=st.lists(st.tuples(st.sampled_from("stuvw"), st.sampled_from("ab"), st.booleans()), max_size=40),
    size=st.integers(1, 4),
)
def test_whatever_comes_the_table_is_bounded_and_its_counts_are_right(
    visits: list[tuple[str, str, bool]], size: int
) -> None:
    sessions = Sessions(size, 0.0)
    for at_s, (key, node, stays) in enumerate(visits):
        session = sessions.enter(key, node, float(at_s))
        if session is not None:
            session.in_flight = int(stays)
            session.last_seen_s = float(at_s)
            sessions.table.move_to_end(key)
        assert len(sessions) <= size
        for name in "ab":
            on = [s for s in sessions.table.values() if s.node == name]
            assert sessions.count(name) == len(on) == len(sessions.on(name))
