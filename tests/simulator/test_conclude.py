"""A run is judged from its folder alone, however old it is, and ``zdu report`` does it again."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator.conclude import conclude
from simulator.record.reading import UnreadableRecord
from simulator.report_cli import report
from tests.support.evidence import good_events
from tests.support.recorded_runs import record_run
from zdu.errors import ExitCode

MADE = ("result.json", "junit.xml", "report.html")


def test_the_same_record_gives_the_same_files_each_time(tmp_path: Path) -> None:
    folder = record_run(tmp_path)
    assert conclude(folder).exit_code == ExitCode.PASS
    first = {name: (folder.path / name).read_bytes() for name in MADE}
    for name in MADE:
        (folder.path / name).unlink()
    conclude(folder)
    assert {name: (folder.path / name).read_bytes() for name in MADE} == first


def test_a_run_that_broke_off_is_judged_by_what_it_left_and_proves_nothing(tmp_path: Path) -> None:
    folder = record_run(tmp_path, events=[(t_s, event) for t_s, event in good_events() if t_s < 15.2])
    conclusion = conclude(folder)
    assert conclusion.exit_code == ExitCode.INCONCLUSIVE
    assert "its record breaks off at 15.10 s" in " ".join(conclusion.verdict.reasons)
    assert "the story was played to its end" not in [check.name for check in conclusion.verdict.checks]


@pytest.mark.parametrize(
    ("played", "told"),
    [
        ({}, "does not say what was expected"),
        ({"name": "valiantys"}, "is none that this zdu knows: title: Field required"),
    ],
)
def test_a_record_without_a_scenario_that_is_understood_is_told(
    tmp_path: Path, played: dict[str, object], told: str
) -> None:
    folder = record_run(tmp_path)
    events = folder.path / "events.jsonl"
    first, *rest = events.read_text().splitlines()
    events.write_text("\n".join([json.dumps({**json.loads(first), "played": played}), *rest]) + "\n")
    with pytest.raises(UnreadableRecord, match=told):
        conclude(folder)


def test_the_command_prints_the_verdict_and_ends_with_its_exit_code(tmp_path: Path) -> None:
    folder = record_run(tmp_path)
    told = CliRunner().invoke(report, ["--out", str(tmp_path)])
    assert told.exit_code == 0, told.output
    assert "PASS  Nobody noticed" in told.output
    assert (folder.path / "report.html").exists()
    as_json = CliRunner().invoke(report, ["valiantys", "--out", str(tmp_path), "--json"])
    assert json.loads(as_json.output)["verdict"] == "pass"
