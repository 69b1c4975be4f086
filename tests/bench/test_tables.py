"""Figures and tables."""

import math

import pytest

from bench.common.tables import (
    Target,
    markdown_table,
    median_or_nan,
    number,
    percentile,
    replaced_between_markers,
    rotated,
)
from zdu.errors import UsageError


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(n) for n in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)) == (50, 99, 100)
    assert percentile([7.0], 0.01) == 7.0


def test_what_was_not_measured_is_no_number() -> None:
    assert math.isnan(median_or_nan([]))
    assert math.isnan(percentile([], 0.99))
    assert number(math.nan) == "–"


def test_the_median_of_rounds_is_not_moved_by_one_bad_one() -> None:
    assert median_or_nan([100.0, 101.0, 3.0]) == 100.0


def test_each_round_begins_with_another_subject() -> None:
    assert [rotated(["a", "b", "c"], turn) for turn in range(4)] == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["a", "b", "c"],
    ]


def test_a_table_is_aligned_and_a_bar_in_a_cell_is_escaped() -> None:
    assert markdown_table(["", "requests/s"], [["zdu lb", "1,000"], ["a|b", "9"]]).splitlines() == [
        "|        | requests/s |",
        "|--------|-----------:|",
        "| zdu lb |      1,000 |",
        "| a\\|b   |          9 |",
    ]


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    document = "before\n<!-- x -->\nold\n<!-- /x -->\nafter\n"
    once = replaced_between_markers(document, "x", "new\n")
    assert once == "before\n<!-- x -->\nnew\n<!-- /x -->\nafter\n"
    assert replaced_between_markers(once, "x", "new") == once


@pytest.mark.parametrize("document", ["", "<!-- x -->", "<!-- /x --><!-- x -->", "<!-- x --><!-- x --><!-- /x -->"])
def test_a_document_without_its_markers_is_left_alone(document: str) -> None:
    with pytest.raises(UsageError, match="<!-- x -->"):
        replaced_between_markers(document, "x", "new")


def test_a_target_is_met_at_its_bound_and_not_judged_without_a_figure() -> None:
    assert Target("rate", 0.4, 0.4, at_least=True).met is True
    assert Target("rate", 0.39, 0.4, at_least=True).met is False
    assert Target("p99", 1.6, 1.5, at_least=False).met is False
    assert Target("p99", math.nan, 1.5, at_least=False).row()[2:] == ["–", "not measured"]
