"""``zdu up`` and the commands from another terminal, for real: a whole upgrade, mistakes, and every way to end."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.support.living import Up, cluster_up, zdu
from tests.support.waiting import until_in_another_process
from tests.support.zdu_runs import read_events, still_alive
from zdu.pytest_plugin.leases import everybody_works
from zdu.pytest_plugin.state import State

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def pids(up: Up) -> list[int]:
    """Every process of the cluster."""
    events = read_events(Path(up.status["run_folder"]))
    return [event["pid"] for event in events if event["kind"] == "process_started"]


def state_of(up: Up, node: str) -> str:
    status = up.zdu("status", "--json").json
    return str(next(its["state"] for its in status["nodes"] if its["id"] == node))


def test_a_cluster_is_upgraded_from_another_terminal_and_its_end_says_that_nobody_noticed(tmp_path: Path) -> None:
    with cluster_up(tmp_path, "--users", "6") as up:
        assert up.status["state"] == "STABLE"
        until_in_another_process(lambda: everybody_works(State.of(up.zdu("status", "--json").json)), "all at work")
        refused = up.zdu("upgrade", "roll", "--to", "7.3.2")
        assert refused.exit_code == 1
        assert "zdu upgrade start" in refused.stderr
        started = up.zdu("upgrade", "start")
        assert started.exit_code == 0, started.stderr
        assert "Next: zdu upgrade roll" in started.stdout
        again = up.zdu("upgrade", "start", "--json").json
        assert (again["changed"], again["next"][1]["command"]) == (False, "zdu upgrade cancel")
        alone = up.zdu("node", "upgrade", "node2", "--to", "7.3.2")
        assert (alone.exit_code, "first zdu node upgrade node1" in alone.stderr) == (1, True), alone.stderr
        one = up.zdu("node", "upgrade", "node1", "--to", "7.3.2")
        assert one.exit_code == 0, one.stderr
        assert "node1 is upgraded to 7.3.2" in one.stdout
        assert up.zdu("load", "set", "--users", "8", "--json").json["changed"]
        third = up.zdu("upgrade", "roll", "--to", "7.3.x")
        assert third.exit_code == 64
        assert "unknown version" in third.stderr
        rolled = up.zdu("upgrade", "roll", "--json").json
        assert (rolled["message"], rolled["next"][0]["command"]) == ("every node runs 7.3.2", "zdu upgrade finalise")
        assert not up.zdu("upgrade", "roll", "--to", "7.3.2", "--json").json["changed"]
        assert up.zdu("upgrade", "finalise").exit_code == 0
        assert not up.zdu("upgrade", "finalise", "--json").json["changed"]
        status = up.zdu("status").stdout
        assert "STABLE" in status
        assert "8 users at work" in status
        assert "node1" in up.zdu("lb", "status").stdout
        assert "7.3.2" in up.zdu("logs", "node1", "-n", "50").stdout
        down = up.zdu("down")
        assert down.exit_code == 0, down.stderr
        assert "PASS  Nobody " in down.stdout, "nobody noticed, or nobody lost anything on a slow machine"
        assert "2 nodes went from 7.3.0 to 7.3.2" in down.stdout
        assert up.ended() == 0
        assert still_alive(pids(up)) == []
        folder = Path(up.status["run_folder"])
        assert json.loads((folder / "result.json").read_text())["verdict"] == "pass"
        assert (folder / "report.html").exists()
        assert "nothing to stop" in up.zdu("down").stdout
        gone = up.zdu("status")
        assert (gone.exit_code, "no cluster is up" in gone.stderr) == (1, True)


def test_nodes_can_be_maltreated_one_by_one_and_ctrl_c_ends_it_all_with_a_verdict(tmp_path: Path) -> None:
    with cluster_up(tmp_path, "--users", "2", "--name", "lab") as up:
        taken = zdu(tmp_path, "up", "--name", "lab")
        assert (taken.exit_code, "is up already" in taken.stderr) == (64, True)
        refused = up.zdu("upgrade", "roll", "--to", "7.3.2")
        assert "zdu upgrade start --name lab" in refused.stderr, "as it has to be typed when others are up as well"
        assert "zdu upgrade start --name lab" in up.zdu("status").stdout
        assert up.zdu("load", "stop").exit_code == 0
        gone = up.zdu("load", "stop")
        assert gone.stdout.startswith("nobody is at work"), gone.stdout
        assert "Next: zdu upgrade start --name lab" in gone.stdout
        assert up.zdu("load", "start").exit_code == 0
        assert up.zdu("node", "pause", "node1").exit_code == 0
        assert not up.zdu("node", "pause", "node1", "--json").json["changed"]
        assert state_of(up, "node1") == "paused"
        assert up.zdu("node", "resume", "node1", "--name", "lab").exit_code == 0
        slow = up.zdu("fault", "apply", "net.latency", "--node", "node2", "latency=50ms")
        assert (slow.exit_code, "net.latency on node2 is on" in slow.stdout) == (0, True), slow.stderr
        assert up.zdu("fault", "reset", "--json").json["message"] == "net.latency on node2 taken back"
        assert not up.zdu("fault", "reset", "net.latency", "--json").json["changed"]
        assert up.zdu("node", "kill", "node1").exit_code == 0
        assert not up.zdu("node", "stop", "node1", "--json").json["changed"]
        refused = up.zdu("node", "start", "node1", "--to", "8.0.3")
        assert refused.exit_code == 1
        assert "could not start with 8.0.3" in refused.stderr
        assert up.zdu("node", "stop", "node1").exit_code == 0
        started = up.zdu("node", "start", "node1", "--to", "7.3.0")
        assert started.exit_code == 0, started.stderr
        assert not up.zdu("node", "start", "node1", "--json").json["changed"]
        unknown = up.zdu("node", "stop", "node9")
        assert (unknown.exit_code, "This cluster has: node1, node2" in unknown.stderr) == (64, True)
        nobody = up.zdu("status", "--name", "other")
        assert (nobody.exit_code, "Up are: lab" in nobody.stderr) == (1, True)
        up.interrupt()
        code = up.ended()
        verdict = json.loads((Path(up.status["run_folder"]) / "result.json").read_text())["verdict"]
        assert code == {"pass": 0, "fail": 1, "inconclusive": 2}[verdict], "who is lucky may not notice a kill"
        assert json.loads(up.said[-1])["verdict"] in {"fail", "inconclusive"}
        assert still_alive(pids(up)) == []


def test_kill_9_of_the_simulator_leaves_nothing_and_its_name_is_free_again(tmp_path: Path) -> None:
    with cluster_up(tmp_path, "--users", "0") as up:
        assert up.zdu("node", "pause", "node2").exit_code == 0
        up.kill()
        assert still_alive(pids(up)) == []
        assert up.zdu("down", "--all", "--json").json == []


def test_down_finds_what_a_killed_simulator_has_left_and_touches_nothing_else(tmp_path: Path) -> None:
    with cluster_up(tmp_path, "--users", "0") as up:
        file = tmp_path / "state" / "zdu" / "up.json"
        words = json.loads(file.read_text())
        os.kill(up.process.pid, signal.SIGSTOP)  # it stays: its nodes do not hear of its end
        words["simulator"]["began"] = "long ago"
        words["processes"]["not ours"] = {"pid": os.getpid(), "began": "another time"}
        file.write_text(json.dumps(words))
        again = zdu(tmp_path, "up")
        assert (again.exit_code, "has left processes behind: " in again.stderr) == (64, True)
        assert sorted(up.zdu("down", "--json").json[0]["strays"]) == ["control", "lb", "node1", "node2", "paths"]
        assert still_alive(pids(up)) == []


def test_a_wrong_option_is_told_in_one_message_and_nothing_is_started(tmp_path: Path) -> None:
    wrong = zdu(tmp_path, "up", "--version", "7.3.99")
    assert (wrong.exit_code, wrong.stdout) == (64, "")
    assert "--version 7.3.99: unknown version '7.3.99'" in wrong.stderr
    assert ".yaml" not in wrong.stderr, "the file is ours, not the reader's"
    assert list(tmp_path.glob("runs/*")) == []
