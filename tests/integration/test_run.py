"""Whole runs with real processes: what passes, what fails, what proves nothing, and what each leaves behind."""

import json
import os
import signal
import socket
from pathlib import Path

import pytest

from simulator.result_schema import ResultFile
from tests.support.zdu_runs import QUICK, STILL, Going, read_events, run_zdu, still_alive

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

RUN_FILES = {"events.jsonl", "requests.csv", "control.csv", "result.json", "report.html", "junit.xml", "logs"}
RESULT_KEYS = {
    *("schema", "scenario", "seed", "verdict", "reasons", "duration_s", "database", "load_balancer", "requests"),
    *("probes", "sessions", "writes", "states", "nodes", "checks"),
}


def test_a_quick_roll_passes_and_leaves_its_whole_record(tmp_path: Path) -> None:
    run = run_zdu(tmp_path, "--seed", "5", "--summary", str(tmp_path / "summary.md"))
    assert run.exit_code == 0, run.stdout + run.stderr
    result = run.result
    assert (result["verdict"], result["reasons"], result["seed"]) == ("pass", [], 5)
    assert result.keys() >= RESULT_KEYS
    ResultFile.model_validate(result)
    assert "## ✅ quick: pass" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert {path.name for path in run.folder.iterdir()} >= RUN_FILES
    assert {path.name for path in (run.folder / "logs").iterdir()} >= {"node1.log", "node2.log", "lb.log"}
    assert result["control_probe"]["sent"] >= 1
    assert not result["control_probe"]["failed"]
    assert [(lag["node"], lag["exact_to_ms"]) for lag in result["lb_lag"]["each"]] == [("node1", 1.0), ("node2", 1.0)]
    assert {"before", "node1 out", "node2 out", "after"} <= {phase["name"] for phase in result["phases"]}
    assert [(n["id"], n["version_from"], n["version_to"]) for n in result["nodes"]] == [
        ("node1", "7.3.0", "7.3.2"),
        ("node2", "7.3.0", "7.3.2"),
    ]
    assert result["sessions"]["moved"] >= 1
    assert result["writes"]["acknowledged"] >= 1
    assert "Upgrading node node1 from 7.3.0 (build 73011) to 7.3.2 (build 73013)" in (
        run.folder / "logs" / "node1.log"
    ).read_text(encoding="utf-8")
    assert "PASS  Nobody noticed" in run.stdout
    assert str(run.folder) in run.stdout
    assert still_alive(run.pids) == []


def test_the_same_roll_passes_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    slow = "  - fault: {name: db.slow, node: node1, latency: 5ms, for: 1s}\n"
    story = tmp_path / "slow.yaml"
    story.write_text(QUICK.read_text(encoding="utf-8").replace("timeline:\n", f"timeline:\n{slow}"), encoding="utf-8")
    run = run_zdu(tmp_path, "--db", postgres_url, scenario=story, called="quick")
    assert run.exit_code == 0, run.stdout + run.stderr
    assert run.result["database"].startswith("postgresql")
    (fired,) = [check["detail"] for check in run.result["checks"] if check["name"] == "every fault took effect"]
    assert fired.startswith("db.slow on node1: ")


def test_a_node_killed_by_hand_is_seen_and_told(tmp_path: Path) -> None:
    run = Going(tmp_path)
    run.wait_for("shows READY_TO_UPGRADE")
    os.kill(run.pid_of("node2"), signal.SIGKILL)
    finished = run.finish()
    assert finished.exit_code == 1, finished.stdout + finished.stderr
    assert any("node2 died" in reason and "signal 9" in reason for reason in finished.result["reasons"])
    assert still_alive(finished.pids) == []


def bad_canary(on_breach: str) -> tuple[str, ...]:
    """A roll whose canary, the first of two nodes, answers one in twenty with an error, of which none is allowed."""
    watch = "canary: 1, canary_watch: 1min, canary_expect: [no request failed]"
    roll = f"to: 7.3.2+leaks-5xx, {watch}, on_breach: {on_breach}"
    return "--users", "8", "--set", f"timeline.roll={{{roll}}}"


def test_a_bad_canary_ends_the_upgrade_at_once_or_after_a_pause_in_which_nobody_puts_it_right(tmp_path: Path) -> None:
    kinds = {"abort": "abort", "pause": "pause, pause_deadline: 1s"}
    made = _made(tmp_path, *kinds)
    runs = [Going(tmp_path / name, *bad_canary(kinds[name])) for name in made]
    abort, pause = finished = [run.finish() for run in runs]

    for run in finished:
        assert run.exit_code == 1, run.stdout + run.stderr
        (breach,) = [event for event in read_events(run.folder) if event["kind"] == "roll_breached"]
        assert breach["reason"].startswith("node1 is a bad canary: 'no request failed' does not hold")
        assert {node["id"]: node["version_to"] for node in run.result["nodes"]}["node2"] == "7.3.0", "it never left"
        assert still_alive(run.pids) == []
    assert "the roll pauses" not in abort.stdout
    assert "the roll pauses, and nobody else leaves" in pause.stdout
    assert any("the roll paused for 1 s, and nobody put it right" in reason for reason in pause.result["reasons"])


def test_ctrl_c_stops_everything_even_a_roll_that_pauses_and_still_writes_the_result(tmp_path: Path) -> None:
    late = "timeline.roll={to: 7.3.2, node_deadline: 50ms, on_breach: pause, pause_deadline: 10min}"
    run = Going(tmp_path, "--set", late)
    run.wait_for("the roll pauses")
    run.send(signal.SIGINT)
    finished = run.finish()
    assert finished.exit_code == 130, finished.stdout + finished.stderr
    assert finished.result["interrupted"] is True
    assert finished.result["verdict"] == "inconclusive"
    assert (finished.folder / "report.html").exists()
    assert still_alive(finished.pids) == []


def test_ctrl_c_twice_kills(tmp_path: Path) -> None:
    run = Going(tmp_path, "--set", "cluster.stop_duration=60s")
    run.wait_for("Users work")
    run.send(signal.SIGINT)
    run.wait_for("interrupted by SIGINT")
    run.send(signal.SIGINT)
    finished = run.finish()
    assert finished.exit_code == 130
    assert still_alive(finished.pids) == []


@pytest.mark.interpreters
def test_kill_9_of_the_simulator_leaves_no_process_behind(tmp_path: Path) -> None:
    run = Going(tmp_path)
    run.wait_for("Users work")
    run.send(signal.SIGKILL)
    finished = run.finish()
    assert len(finished.pids) == 4, "two nodes, the load balancer, and what the control probe asks"
    assert still_alive(finished.pids) == []


def test_a_busy_port_is_told_in_one_message_and_nothing_is_left(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        run = run_zdu(tmp_path, "--set", f"balancer.listen=127.0.0.1:{port}")
    assert run.exit_code == 70
    assert f"port {port} on 127.0.0.1 is taken" in run.stderr
    assert "Traceback" not in run.stderr
    assert "lb.log" in run.stderr
    assert still_alive(run.pids) == []


@pytest.mark.parametrize(
    ("url", "exit_code", "told"),
    [
        ("postgresql://somebody:hidden@127.0.0.1:1/none", 70, "nothing listens there"),
        ("sqlite:////nonexistent-folder/zdu.db", 70, "there is no directory /nonexistent-folder"),
        ("mysql://localhost/jira", 64, "databases of the kind 'mysql' are not known"),
    ],
)
def test_a_database_that_is_not_there_is_told_in_one_message(
    tmp_path: Path, url: str, exit_code: int, told: str
) -> None:
    run = run_zdu(tmp_path, "--db", url)
    assert run.exit_code == exit_code, run.stdout + run.stderr
    assert told in run.stderr
    assert "hidden" not in run.stderr
    assert "Traceback" not in run.stderr


def test_a_run_without_users_proves_nothing_and_json_prints_its_result_and_nothing_else(tmp_path: Path) -> None:
    run = run_zdu(tmp_path, "--users", "0", "--json", scenario=STILL)
    assert run.exit_code == 2, run.stdout + run.stderr
    assert json.loads(run.stdout) == run.result
    assert run.stderr == ""
    assert run.result["verdict"] == "inconclusive"
    missing = {check["name"] for check in run.result["checks"] if check["outcome"] == "inconclusive"}
    assert missing >= {"sessions had to move", "every user worked throughout", "writes were made and looked for"}


def test_a_reader_that_goes_away_changes_nothing_about_the_verdict(tmp_path: Path) -> None:
    run = Going(tmp_path, scenario=STILL)
    run.wait_for("Users work")
    run.close_output()
    finished = run.finish()
    assert finished.exit_code == 2, finished.stderr
    assert finished.result["verdict"] == "inconclusive"
    assert finished.result["requests"]["failed"] == 0
    assert finished.stderr == ""


@pytest.mark.interpreters
def test_a_node_that_dies_while_it_starts_with_the_new_version_is_told_in_a_verdict(tmp_path: Path) -> None:
    run = Going(tmp_path)
    run.wait_for("node1 is upgraded to 7.3.2")
    os.kill(run.pid_that_runs("nodes/node1/node.yaml"), signal.SIGKILL)
    finished = run.finish()
    assert finished.exit_code == 1, finished.stdout + finished.stderr
    assert any("node1 did not start" in reason for reason in finished.result["reasons"])
    assert still_alive(finished.pids) == []


def test_a_cluster_that_freezes_for_longer_than_people_wait_fails(tmp_path: Path) -> None:
    longer = ("--set", "timeline.1.observe.for=7s", "--expect", "longest outage <= 1s")
    run = Going(tmp_path, *longer, scenario=STILL)
    run.wait_for("Users work")
    nodes = [run.pid_of(name) for name in ("node1", "node2")]
    run.wait_for("req/s")
    for pid in nodes:
        os.kill(pid, signal.SIGSTOP)
    run.wait_for("req/s")
    run.wait_for("req/s")
    for pid in nodes:
        os.kill(pid, signal.SIGCONT)
    finished = run.finish()
    assert finished.exit_code == 1, finished.stdout + finished.stderr
    assert any("an outage lasted too long" in reason for reason in finished.result["reasons"])


def test_of_two_runs_side_by_side_where_sessions_are_kept_decides_who_notices(tmp_path: Path) -> None:
    options = ("--rate", "5", "--set", "load.mix.bulk_edit=3")
    kinds = _made(tmp_path, "in-memory", "shared")
    runs = [Going(tmp_path / kind, "--set", f"sessions={kind}", *options) for kind in kinds]
    in_memory, shared = [run.finish() for run in runs]

    assert (in_memory.exit_code, shared.exit_code) == (1, 0), in_memory.stdout + shared.stdout
    assert in_memory.result["sessions"]["lost"] >= 1
    assert "had to log in again: sessions were in the memory of one node each" in in_memory.result["sentence"]
    assert (shared.result["sessions"]["lost"], shared.result["sessions"]["silent_relogins"]) == (0, 0)
    assert shared.result["sessions"]["moved"] >= 1
    assert "was not even signed in again" in shared.result["sentence"]


def _made(folder: Path, *names: str) -> tuple[str, ...]:
    for name in names:
        (folder / name).mkdir()
    return names
