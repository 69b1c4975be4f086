"""The histogram keeps its promise of error against exact percentiles, and merging changes nothing."""

import json
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.verdict.histogram import LEAST_MS, RELATIVE_ERROR, Histogram

LATENCIES = st.floats(min_value=LEAST_MS, max_value=3_600_000, allow_nan=False)
SAMPLES = st.lists(LATENCIES, min_size=1, max_size=300)
ROUNDING = 1e-9


def exact(values: list[float], share: float) -> float:
    return sorted(values)[max(1, ceil(share * len(values))) - 1]


@given(SAMPLES, st.floats(min_value=0, max_value=1))
def test_a_percentile_is_within_the_stated_error_of_the_exact_one(values: list[float], share: float) -> None:
    wanted = exact(values, share)
    assert abs(Histogram.of(values).quantile_ms(share) - wanted) <= wanted * (RELATIVE_ERROR + ROUNDING)


@given(SAMPLES)
def test_count_least_and_greatest_are_exact(values: list[float]) -> None:
    histogram = Histogram.of(values)
    assert (histogram.count, histogram.least_ms, histogram.greatest_ms) == (len(values), min(values), max(values))
    assert histogram.quantile_ms(1) == max(values)


@given(SAMPLES, st.lists(LATENCIES, max_size=300))
def test_two_that_are_merged_are_as_if_all_had_been_counted_in_one(one: list[float], other: list[float]) -> None:
    merged = Histogram.of(one)
    merged.merge(Histogram.of(other))
    assert merged == Histogram.of([*one, *other])


@given(SAMPLES)
def test_percentiles_never_fall_as_the_share_grows(values: list[float]) -> None:
    histogram = Histogram.of(values)
    found = [histogram.quantile_ms(share / 20) for share in range(21)]
    assert found == sorted(found)


@given(st.lists(st.integers(min_value=0, max_value=36_000_000).map(lambda tenth: tenth / 10), max_size=100))
def test_json_brings_it_back(values: list[float]) -> None:
    histogram = Histogram.of(values)
    assert Histogram.from_dict(json.loads(json.dumps(histogram.as_dict()))) == histogram


def test_buckets_of_another_error_are_refused() -> None:
    with pytest.raises(ValueError, match=r"relative error is 0\.05, not 0\.01"):
        Histogram.from_dict({**Histogram.of([1.0]).as_dict(), "relative_error": 0.05})


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
def test_what_is_no_latency_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="is no latency"):
        Histogram().add(wrong)


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no percentile of nothing"):
        Histogram().quantile_ms(0.5)
