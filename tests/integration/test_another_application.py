"""A release of another application that cannot start: the roll is taken back, and nobody notices."""

from pathlib import Path

import pytest

from tests.support.zdu_runs import read_events, run_zdu, still_alive

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

BROKEN = Path(__file__).parents[1] / "support" / "scenarios" / "broken-release.yaml"
THE_MACHINES = {"longest outage <= 1s", "the probes kept their rate", "the probes saw every absence"}
"""What a busy machine may leave open."""


def test_a_release_that_cannot_start_gets_the_old_command_back_and_leaves_nothing_running(tmp_path: Path) -> None:
    run = run_zdu(tmp_path, scenario=BROKEN)
    wrong = {check["name"] for check in run.result["checks"] if not check["ok"]}
    assert wrong <= THE_MACHINES, run.stdout + run.stderr
    assert run.exit_code == (2 if wrong else 0)
    events = read_events(run.folder)
    [not_up] = [event for event in events if event["kind"] == "node_not_started"]
    assert (not_up["node"], not_up["version"]) == ("node1", "2.0")
    assert not_up["reason"].startswith("no such table: guests ")
    starts = [
        event["version"] for event in events if event["kind"] == "process_started" and event["process"] == "node1"
    ]
    assert starts == ["1.0", "1.0"]
    steps = " ".join(event["title"] for event in events if event["kind"] == "step_started")
    assert "node1 is put back at the load balancer, by its administrator" in steps
    assert still_alive(run.pids) == []
    left = [folder.name for folder in Path("/proc").glob("[0-9]*") if str(run.folder) in command_of(folder)]
    assert left == []


def command_of(process: Path) -> str:
    try:
        return (process / "cmdline").read_text()
    except OSError:
        return ""
