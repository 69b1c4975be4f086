import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.slowstart import Ramp, fair_concurrency, ramped_maxconn


@pytest.mark.parametrize(("now", "share"), [(100.0, 0.1), (130.0, 0.4), (150.0, 0.6), (190.0, 1.0), (500.0, 1.0)])
def test_a_ramp_goes_in_a_straight_line_from_a_tenth_to_all(now: float, share: float) -> None:
    assert Ramp(100.0, 90.0).share(now) == pytest.approx(share)


def test_a_ramp_is_over_when_all_is_reached() -> None:
    ramp = Ramp(100.0, 90.0)
    assert [ramp.is_over(now) for now in (100.0, 189.9, 190.0)] == [False, False, True]


@pytest.mark.parametrize(
    ("maxconn", "share", "limit"), [(0, 0.1, 0), (1, 0.1, 1), (20, 0.1, 2), (30, 0.1, 3), (30, 0.13, 3), (7, 1.0, 7)]
)
def test_maxconn_grows_with_the_share_and_is_never_nothing(maxconn: int, share: float, limit: int) -> None:
    assert ramped_maxconn(maxconn, share) == limit


@given(maxconn=st.integers(1, 500), length_s=st.floats(0.5, 1000.0), at=st.floats(0.0, 0.99))
def test_the_next_moment_with_more_room_is_neither_too_early_nor_too_late(
    maxconn: int, length_s: float, at: float
) -> None:
    ramp = Ramp(50.0, length_s)
    now = 50.0 + at * length_s
    limit = ramped_maxconn(maxconn, ramp.share(now))
    due_s = ramp.next_room_s(maxconn, now)
    before = ramped_maxconn(maxconn, ramp.share(now + (due_s - now) * 0.99 - 1e-6))
    after = ramped_maxconn(maxconn, ramp.share(due_s + 1e-6))
    assert due_s <= 50.0 + length_s
    assert before <= limit <= after
    assert after > limit or limit == maxconn


def test_the_fair_share_of_what_is_in_flight_is_rounded_up_and_one_more() -> None:
    assert [fair_concurrency(*given) for given in ((0, 0.1), (10, 0.1), (11, 0.1), (100, 0.5))] == [1, 2, 3, 51]
