"""The faults of processes on real ones: each takes effect, is seen, and is taken back, in one run."""

from pathlib import Path

import pytest

from tests.support.zdu_runs import read_events, run_zdu, still_alive

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

FAULTS = Path(__file__).parents[1] / "support" / "scenarios" / "process-faults.yaml"


def test_nodes_are_killed_told_to_stop_paused_slow_and_die_at_each_start(tmp_path: Path) -> None:
    run = run_zdu(tmp_path, scenario=FAULTS)
    checks = {check["name"]: check for check in run.result["checks"]}
    events = read_events(run.folder)
    assert checks["the story was played to its end"]["ok"], run.stdout + run.stderr
    assert checks["every process lived until it was stopped"]["ok"], "who is killed on purpose has not died"

    over = [(event["fault"], event["count"], event["trouble"]) for event in events if event["kind"] == "fault_reset"]
    names = ("proc.crash_loop", "proc.kill", "proc.kill", "proc.pause", "proc.slow_start", "proc.term")
    assert sorted(over) == [(name, 1, "") for name in names]

    told = [(event["process"], event["signal"]) for event in events if event["kind"] == "process_stopping"]
    assert told[:4] == [("node1", "SIGKILL"), ("node2", "SIGTERM"), ("node2", "SIGKILL"), ("node2", "SIGKILL")]
    stood_still = [event["process"] for event in events if event["kind"] in {"process_paused", "process_resumed"}]
    assert stood_still == ["node2", "node2"]
    starts = [event["process"] for event in events if event["kind"] == "process_started"]
    assert (starts.count("node1"), starts.count("node2")) == (2, 3)
    assert "start_duration: 400ms" in (run.folder / "nodes" / "node1" / "node.yaml").read_text()
    assert still_alive(run.pids) == []
