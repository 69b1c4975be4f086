"""Two runs side by side: nobody compares apples and pears without being told."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from simulator.compare_cli import compare as command
from simulator.report.comparison import Comparison, Row, compare
from simulator.scenario import load
from tests.support.evidence import good_requests
from tests.support.recorded_runs import record_run
from tests.support.synthetic_run import failing_run, passing_run

PLAYED = load("valiantys").as_played()
WITHOUT_DRAIN = load("valiantys", ["balancer.drain=false"]).as_played()


def compared(
    first: dict[str, Any],
    second: dict[str, Any],
    first_played: dict[str, Any] = PLAYED,
    second_played: dict[str, Any] = PLAYED,
) -> Comparison:
    return compare(first, second, first_played=first_played, second_played=second_played)


def row(comparison: Comparison, name: str) -> Row:
    return next(row for row in comparison.rows if row.name == name)


def test_one_difference_in_the_set_up_is_named_in_the_words_of_a_scenario_file() -> None:
    found = compared(passing_run().result, failing_run().result, PLAYED, WITHOUT_DRAIN)
    (difference,) = found.differences
    assert (difference.place, difference.first, difference.second) == ("balancer.drain", "true", "false")
    assert found.judgement.startswith("Only balancer.drain differs")


def test_a_scenario_and_its_twin_differ_in_what_is_played_and_not_in_what_is_said_of_it() -> None:
    twin = load("valiantys", twin=True).as_played()
    found = compared(passing_run().result, failing_run().result, PLAYED, twin)
    assert [difference.place for difference in found.differences] == ["balancer.drain"]
    noted = {**PLAYED, "timeline": [{**step, "notes": "Look."} for step in PLAYED["timeline"]]}
    assert compared(passing_run().result, passing_run().result, PLAYED, noted).differences == ()


def test_with_two_differences_nothing_is_put_down_to_one_of_them() -> None:
    other = load("valiantys", ["balancer.drain=false", "load.users=7"]).as_played()
    found = compared(passing_run().result, failing_run().result, PLAYED, other)
    assert [difference.place for difference in found.differences] == ["balancer.drain", "load.users"]
    assert "nothing below can be put down to one of them" in found.judgement


def test_two_scenarios_have_no_common_measure() -> None:
    other = load("cancel-and-roll-back").as_played()
    assert "two scenarios" in compared(passing_run().result, passing_run().result, PLAYED, other).judgement


def test_the_same_set_up_says_that_the_rest_is_chance_and_the_place_of_a_database_is_no_difference() -> None:
    one, two = passing_run().result, passing_run().result
    one["database"], two["database"] = "sqlite+aiosqlite:////a/b", "sqlite+aiosqlite:////c/d"
    found = compared(one, two)
    assert found.differences == ()
    assert "what differs below is chance" in found.judgement
    two["seed"] = 8
    assert "same set-up but for the seed" in compared(one, two).judgement
    two["database"] = "postgresql+asyncpg://x"
    assert [difference.place for difference in compared(one, two).differences] == ["seed", "database"]


def test_a_run_that_proved_nothing_is_no_measure_for_the_other() -> None:
    one, two = passing_run().result, passing_run().result
    two["verdict"] = "inconclusive"
    assert compared(one, two).judgement.endswith("B is inconclusive: its figures may be of half a run.")


def test_a_step_more_in_the_timeline_is_told_as_a_number_of_entries() -> None:
    longer = {**PLAYED, "timeline": [*PLAYED["timeline"], PLAYED["timeline"][0]]}
    (difference,) = compared({}, {}, PLAYED, longer).differences
    assert (difference.place, difference.first, difference.second) == ("timeline", "5 entries", "6 entries")


def test_figures_tell_their_change_and_which_is_better_where_one_is() -> None:
    passing, failing = passing_run().result, failing_run().result
    found = compared(passing, failing)
    lost = failing["requests"]["failed"]
    assert row(found, "failed requests") == Row("failed requests", "0", str(lost), f"+{lost}", "first")
    assert row(found, "verdict").better == "first"
    assert row(found, "longest outage, new connections").change == "+600 ms"
    assert row(found, "sessions moved").change == "the same"
    assert row(compared(failing, passing), "failed requests").better == "second"


def test_what_one_run_does_not_know_is_unknown_and_better_than_nothing() -> None:
    one, two = passing_run().result, passing_run().result
    two["writes"]["lost"] = None
    assert row(compared(one, two), "writes lost") == Row("writes lost", "0", "unknown")


def test_phases_are_compared_where_both_had_them_and_samples_enough() -> None:
    phases = [
        {"name": "before", "latency_ms": {"p90": 5.0}},
        {"name": "node1 out", "latency_ms": {"p90": 7.5}},
        {"name": "upgrade tasks", "latency_ms": {"p90": 9.0, "too_few_for": ["p90"]}},
    ]
    slower = [{**phase, "latency_ms": {**phase["latency_ms"], "p90": 10.0}} for phase in phases[1:]]  # type: ignore[dict-item]  # JSON
    found = compared({"phases": phases}, {"phases": slower})
    rows = [row for row in found.rows if row.name.startswith("latency, 90th percentile, ")]
    assert rows == [Row("latency, 90th percentile, node1 out", "7.5 ms", "10.0 ms", "+2.5 ms", "first")]


@pytest.fixture
def two_runs(tmp_path: Path) -> tuple[str, str]:
    good = good_requests()
    bad = [request for request in good if request.id % 7]
    return str(record_run(tmp_path).path), str(record_run(tmp_path, requests=bad).path)


def test_the_command_prints_both_and_leaves_their_folders_alone(two_runs: tuple[str, str], tmp_path: Path) -> None:
    before = sorted(path.name for run in two_runs for path in Path(run).iterdir())
    page = tmp_path / "compared.html"
    told = CliRunner().invoke(command, [*two_runs, "--html", str(page)])
    assert told.exit_code == 0, told.output
    assert "Both have the same set-up" in told.output
    assert re.search(r"requests +520 +446 +−74", told.output)
    assert sorted(path.name for run in two_runs for path in Path(run).iterdir()) == before
    text = page.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")  # a name, no address
    assert text.count('<svg class="timeline"') == 2
    assert not re.search(r"""\bsrc\s*=|href\s*=\s*"(?!#)|url\((?!#)|<link|https?://""", text)
    as_json = json.loads(CliRunner().invoke(command, [*two_runs, "--json"]).output)
    assert as_json["rows"][0]["name"] == "verdict"


def test_a_page_that_cannot_be_written_is_told(two_runs: tuple[str, str], tmp_path: Path) -> None:
    told = CliRunner().invoke(command, [*two_runs, "--html", str(tmp_path / "no" / "where.html")])
    assert told.exit_code != 0
    assert "cannot be written" in str(told.exception)
