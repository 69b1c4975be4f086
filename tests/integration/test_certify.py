"""Somebody else's system: nginx before two plain web servers, which a shell script restarts."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.balancers.programs import find_program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SCRIPT = Path(__file__).parents[1] / "support" / "plain_cluster.sh"


class PlainCluster:
    """The system, and the script by which its administrator upgrades it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        with socket.socket() as one, socket.socket() as two, socket.socket() as three:
            ports = []
            for sock in (one, two, three):
                sock.bind(("127.0.0.1", 0))
                ports.append(str(sock.getsockname()[1]))
        self.url = f"http://127.0.0.1:{ports[0]}/"
        self._environment = {
            **os.environ, "PYTHON": sys.executable, "NGINX": str(find_program("nginx")),
            "PORTS": " ".join(ports), "FOLDER": str(folder),
        }  # fmt: skip

    def run(self, word: str) -> None:
        subprocess.run(
            ["sh", str(SCRIPT), word], env=self._environment, check=True, timeout=60, stdin=subprocess.DEVNULL
        )

    def certify(self, out: Path, word: str, *options: str) -> tuple[int, dict[str, Any]]:
        done = subprocess.run(
            [
                *(sys.executable, "-P", "-m", "zdu", "certify", "--url", self.url, "--expect-text", "Welcome"),
                *(*options, "--out", str(out), "--", "sh", str(SCRIPT), word),
            ],
            env=self._environment, capture_output=True, text=True, check=False, timeout=120, cwd=self.folder,
        )  # fmt: skip
        found = out / "certify" / "latest" / "result.json"
        assert found.exists(), done.stdout + done.stderr
        return done.returncode, json.loads(found.read_text())


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[PlainCluster]:
    if find_program("nginx") is None and "CI" not in os.environ:
        pytest.skip("nginx is not installed")
    made = PlainCluster(tmp_path / "system")
    try:
        made.run("start")
        yield made
    finally:
        made.run("stop")
        shutil.rmtree(made.folder, ignore_errors=True)


def test_an_upgrade_without_drain_fails_and_one_with_drain_passes(cluster: PlainCluster, tmp_path: Path) -> None:
    code, result = cluster.certify(tmp_path / "blunt", "blunt", "--node-header", "X-Node")
    assert (code, result["verdict"]) == (1, "fail"), result["reasons"]
    assert result["requests"]["failed"] > 0
    assert result["probes"]["new"]["longest_outage_ms"] > 0
    assert "502" in " ".join(result["failures"])

    code, result = cluster.certify(tmp_path / "drain", "drain", "--node-header", "X-Node")
    checks = {check["name"]: check for check in result["checks"]}
    # The price of nginx's reload: it closes kept-alive connections, whoever sends on one at that instant loses out.
    assert set(result["requests"]["by_outcome"]) <= {"ok", "reset"}, result["reasons"]
    assert result["probes"]["new"]["failed"] == 0, result["reasons"]
    lost = result["requests"]["failed"] > 0
    assert checks["the command succeeded"]["detail"] == "it ended with exit code 0"
    assert result["sessions"]["moved"] > 0
    # 2: this machine was too busy to keep the probes' rate, and says so.
    assert code in ({1} if lost else {0, 2}), result["reasons"]
    assert code != 0 or "Nobody noticed" in result["sentence"]

    told = ("--header", "X-Token: sesame", "--node-cookie", "NODE")
    code, result = cluster.certify(tmp_path / "failing", "fail", *told)
    assert code == 1
    assert result["sessions"]["moved"] > 0
    assert all(move["to_node"].endswith("-sesame") for move in result["sessions"]["each_move"])
    events = (tmp_path / "failing" / "certify" / "latest" / "events.jsonl").read_text()
    assert "X-Token" in events
    assert "X-Token: sesame" not in events
    assert result["application"] == cluster.url.rstrip("/")
    assert all(check["ok"] for check in result["checks"] if check["name"] == "no session was lost")
    assert "the command failed: it ended with exit code 3" in result["reasons"]
