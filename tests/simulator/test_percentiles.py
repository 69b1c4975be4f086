"""Percentiles: nearest rank, the same for everyone who counts them."""

import pytest

from simulator.percentiles import percentile, samples_for
from simulator.verdict.histogram import Histogram

HUNDRED = [float(n) for n in range(1, 101)]


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7.0], 0.99, 7.0),
        ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0),
        (HUNDRED, 0.99, 99.0),
        (HUNDRED, 1, 100.0),
        (HUNDRED, 0, 1.0),
        (HUNDRED, 0.07, 7.0),  # 0.07 * 100 is 7.000000000000001 in floating point
    ],
)
def test_a_percentile_is_a_value_that_was_measured(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def test_the_histogram_takes_the_same_value_up_to_its_error() -> None:
    apart = [2.0**n for n in range(100)]  # so far apart that the next value could not pass for this one
    for hundredths in range(101):
        share = hundredths / 100
        assert Histogram.of(apart).quantile_ms(share) == pytest.approx(percentile(apart, share), rel=0.011)


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="of nothing"):
        percentile([], 0.5)


def test_rarer_values_need_more_samples() -> None:
    assert [samples_for(share) for share in (0.5, 0.95, 0.99, 0.999, 1.0)] == [2, 20, 100, 1000, 1]
