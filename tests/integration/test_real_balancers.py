"""The Valiantys test behind the load balancers that administrators have: Apache as in the blog, HAProxy, nginx.

Each run is a real one of half a minute, so each looks at everything at once.
"""

import csv
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from simulator.balancers import KINDS
from tests.support.zdu_runs import Going, run_zdu, still_alive

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

REAL = sorted(KINDS.keys() - {"ours"})
BUSY = ("--users", "8", "--rate", "5", "--set", "load.request_timeout=30s")
"""Other tests run at the same time: nobody gives up for that, and there are no more people than are needed."""
DEAD = "the kept-alive connection was dead"
"""What is told of a request that the client had to send a second time, on a new connection."""
THE_MACHINES = {"longest outage <= 1s", "the probes kept their rate"}
"""What a busy machine may leave open. Neither may be *broken*: then it was not the machine."""


def needs(kind: str) -> None:
    if not KINDS[kind].installed and "CI" not in os.environ:
        pytest.skip(f"{kind} is not installed")


def balancer_events(folder: Path, kind: str) -> list[dict[str, Any]]:
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["kind"] == kind]


def requests_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "requests.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("kind", REAL)
def test_the_valiantys_test_behind_a_real_load_balancer(kind: str, tmp_path: Path) -> None:
    needs(kind)
    run = run_zdu(tmp_path, "--lb", kind, *BUSY, scenario="valiantys")
    result = run.result
    checks = {check["name"]: check for check in result["checks"]}

    broken = {name for name, check in checks.items() if check["outcome"] == "fail"}
    missing = {name for name, check in checks.items() if check["outcome"] == "inconclusive"}
    assert missing <= THE_MACHINES, run.stdout
    assert result["probes"]["new"]["failed"] == 0, run.stdout
    if kind == "nginx":
        # A reload closes kept-alive connections; whoever sends on one at that instant loses a request, and is told.
        assert broken <= {"no request failed", "no session was lost"}, run.stdout
        assert set(result["requests"]["by_outcome"]) <= {"ok", "reset", "login_page"}, run.stdout
        resets = [request for request in requests_of(run.folder) if request["outcome"] == "reset"]
        assert all(r["connection"] == "reused" or DEAD in r["detail"] for r in resets), resets
        assert result["requests"]["failed"] <= result["requests"]["total"] / 50, run.stdout
    else:
        assert broken == set(), run.stdout + run.stderr
        assert result["requests"]["failed"] == 0
    assert run.exit_code == (1 if broken else 2 if missing else 0)
    assert result["load_balancer"].startswith(KINDS[kind].title)
    assert f"--lb {kind}" in result["command"]
    assert result["sessions"]["moved"] >= 1
    assert all(node["down_s"] > 1 for node in result["nodes"])
    [audit] = balancer_events(run.folder, "balancer_audited")
    assert audit["attempts"] >= result["requests"]["total"] - 5
    assert audit["untold"] in checks["no request went to a node after it was taken out"]["detail"]
    assert result["requests"]["retried_by_load_balancer"] == audit["retried"]
    steps = [event["title"] for event in balancer_events(run.folder, "step_started")]
    for node in ("node1", "node2"):
        assert f"{node} is taken out at the load balancer, by its administrator" in steps
        assert f"{node} is put back at the load balancer, by its administrator" in steps
    assert still_alive(run.pids) == []


@pytest.mark.parametrize("kind", REAL)
def test_kill_9_of_the_simulator_leaves_no_process_of_a_real_load_balancer(kind: str, tmp_path: Path) -> None:
    needs(kind)
    run = Going(tmp_path, "--lb", kind)
    run.wait_for("Users work")
    balancer = run.pid_of("lb")
    workers = Path(f"/proc/{balancer}/task/{balancer}/children").read_text().split()
    assert bool(workers) is (kind != "haproxy")
    run.send(signal.SIGKILL)
    finished = run.finish()
    assert still_alive([*finished.pids, *map(int, workers)]) == []


def test_without_drain_apache_loses_requests_and_the_verdict_says_so(tmp_path: Path) -> None:
    needs("apache")
    run = run_zdu(tmp_path, "--lb", "apache", "--set", "balancer.drain=false")
    assert run.exit_code == 1, run.stdout + run.stderr
    assert run.result["requests"]["failed"] > 0
    assert "after node1 was told to stop" in " ".join(run.result["failures"])
    assert still_alive(run.pids) == []
