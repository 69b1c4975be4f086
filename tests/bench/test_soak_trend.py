"""When something grows, and when an order is wrong."""

from hypothesis import given
from hypothesis import strategies as st

from bench.soak.trend import compare_executions, trend

MIB = 1024 * 1024
RULE = (0.05, 4 * MIB)


def series(per_sample: float, start: float = 60 * MIB, count: int = 121) -> list[tuple[float, float]]:
    return [(n * 5.0, start + n * per_sample) for n in range(count)]


def test_a_steady_leak_is_found_and_its_slope_told() -> None:
    found = trend(series(0.1 * MIB), warm_up_s=120)
    assert found is not None
    assert found.grows(*RULE)
    assert round(found.slope_per_min / MIB, 3) == 1.2
    assert round(found.fitted_growth / MIB, 3) == 9.6


def test_a_jump_during_the_warm_up_is_no_growth() -> None:
    samples = [(at_s, 100.0 * MIB if at_s >= 60 else 40.0 * MIB) for at_s, _ in series(0)]
    found = trend(samples, warm_up_s=120)
    assert found is not None
    assert not found.grows(*RULE)


def test_growth_must_be_large_in_itself_and_as_a_share() -> None:
    found = trend(series(0.1 * MIB, start=1000 * MIB), warm_up_s=120)
    assert found is not None
    assert not found.grows(*RULE), "less than a twentieth"
    found = trend(series(0.01 * MIB, start=2 * MIB), warm_up_s=120)
    assert found is not None
    assert not found.grows(*RULE), "less than 4 MiB"


def test_too_few_samples_say_nothing() -> None:
    assert trend(series(1)[:26], warm_up_s=120) is None


@given(st.lists(st.floats(0, 1e9), min_size=3, max_size=50), st.floats(-1e5, 1e5))
def test_a_constant_more_everywhere_changes_no_slope(values: list[float], more: float) -> None:
    plain = trend([(n * 5.0, value) for n, value in enumerate(values)], 0)
    raised = trend([(n * 5.0, value + more) for n, value in enumerate(values)], 0)
    assert plain is not None
    assert raised is not None
    assert abs(plain.slope_per_min - raised.slope_per_min) < 1e-3 * max(1.0, abs(plain.slope_per_min))


def test_orders_executed_twice_or_confirmed_and_lost_are_named() -> None:
    found = compare_executions(["1", "2", "2", "4"], sent={"1", "2", "3", "4", "5"}, confirmed={"1", "2", "3"})
    assert (found.twice, found.lost, found.executed) == (("2",), ("3",), 3)
    assert not found.right


def test_an_order_that_was_executed_and_never_confirmed_is_right() -> None:
    assert compare_executions(["1"], sent={"1", "2"}, confirmed=set()).right
