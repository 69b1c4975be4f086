"""The nodes, each a process of its own as ``zdu run`` starts it: their configuration, start, memory, logs, end."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench.cluster.figures import lock_troubles, rss_and_pss_bytes
from bench.common.errors import BenchError, progress
from bench.common.processes import Child, Children, tail

VERSION = "7.3.0"
PASSWORD_COST = 10
"""As in a rehearsal: log2 of scrypt's N."""
START_LIMIT_S = 120.0
STOP_LIMIT_S = 30.0
LOOK_EVERY_S = 0.05
JIRA_HEARTBEAT_S = 60.0
LOCKED, NOT_WRITTEN = "locked", "not written"


@dataclass(frozen=True)
class Place:
    """Where one cluster lives."""

    folder: Path
    url: str
    namespace: str


@dataclass
class Node:
    """One node's process, and when what happened, in seconds since the process was started."""

    name: str
    child: Child
    started_s: float
    started_wall_ms: float
    url: str = ""
    ready_s: float = 0.0
    running_s: float = 0.0


def set_up_database(place: Place, users: int) -> None:
    """Make tables, users and some issues, by the product's own command."""
    _db(place, "setup", "--version", VERSION, "--users", str(users), "--issues", "60", "--seed", "7",
        "--password-cost", str(PASSWORD_COST))  # fmt: skip


def drop_database(place: Place) -> None:
    """Remove what the set-up has made: a PostgreSQL server may not be ours alone."""
    _db(place, "drop")


def _db(place: Place, verb: str, *options: str) -> None:
    namespace = ["--namespace", place.namespace] if place.namespace else []
    command = [sys.executable, "-P", "-m", "zdu", "db", verb, "--url", place.url, *namespace, *options]
    done = subprocess.run(command, cwd=place.folder, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise BenchError(f"zdu db {verb} failed:\n{done.stderr}")


class Nodes:
    """All nodes of one cluster."""

    def __init__(self, place: Place, children: Children, heartbeat_s: float) -> None:
        self._place, self._children = place, children
        self._time_scale = JIRA_HEARTBEAT_S / heartbeat_s
        self.all: list[Node] = []

    async def start(self, count: int, at_once: int) -> float:
        """Start them so that at most ``at_once`` are on their way; how long it took until all were RUNNING, in s."""
        begun_s = time.monotonic()
        starting: list[Node] = []
        told = 0
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http:
            while len(self.all) < count or starting:
                while len(starting) < at_once and len(self.all) < count:
                    starting.append(self._start_one(len(self.all) + 1))
                starting = [node for node in starting if not await self._is_running(node, http)]
                await asyncio.sleep(LOOK_EVERY_S)
                for node in starting:
                    node.child.check()
                    if time.monotonic() - node.started_s > START_LIMIT_S:
                        raise BenchError(
                            f"{node.name} was not RUNNING within {START_LIMIT_S:g} s:\n{self._end(node)}"
                        )
                if (running := len(self.all) - len(starting)) >= told + 10:
                    progress(f"{running} nodes are RUNNING")
                    told = running
        return time.monotonic() - begun_s

    def _start_one(self, number: int) -> Node:
        name = f"node{number}"
        home = self._place.folder / name
        home.mkdir()
        config = home / "node.yaml"
        config.touch(mode=0o600)  # it has the database's password
        settings = {
            "node_id": name,
            "version": VERSION,
            "port": 0,
            "database": {"url": self._place.url, "namespace": self._place.namespace},
            "shared_home": str(self._place.folder / "shared"),
            "local_home": str(home),
            "log_file": str(home / "node.log"),
            "password_cost": PASSWORD_COST,
            "time_scale": self._time_scale,
        }
        config.write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML too
        wall_ms = time.time() * 1000
        command = [sys.executable, "-P", "-m", "zdu", "node", "--config", str(config)]
        node = Node(name, self._children.start(name, command, home), time.monotonic(), wall_ms)
        self.all.append(node)
        return node

    async def _is_running(self, node: Node, http: aiohttp.ClientSession) -> bool:
        if not node.url:
            line, whole, _ = node.child.output.read_text(encoding="utf-8", errors="replace").partition("\n")
            if not whole or not line.startswith("{"):
                return False
            node.url, node.ready_s = str(json.loads(line)["url"]), time.monotonic() - node.started_s
        try:
            async with http.get(node.url + "/status") as answer:
                state = (await answer.json())["state"]
        except (aiohttp.ClientError, TimeoutError):
            return False  # asked again, until the limit
        if state == "ERROR":
            raise BenchError(f"{node.name} says ERROR:\n{self._end(node)}")
        node.running_s = time.monotonic() - node.started_s
        return bool(state == "RUNNING")

    def memory_bytes(self) -> list[tuple[int, int]]:
        """Each node's resident memory and its share (RSS, PSS)."""
        return [rss_and_pss_bytes(Path(f"/proc/{node.child.pid}/smaps_rollup").read_text()) for node in self.all]

    def cpu_s(self) -> float:
        """What all nodes together have used so far."""
        return sum(node.child.own_cpu_s() for node in self.all)

    def check(self) -> None:
        """BenchError if one has ended."""
        for node in self.all:
            node.child.check()

    def log_lines(self) -> dict[str, int]:
        """How often the nodes' logs and output speak of a locked database, and of a beat that was not written."""
        found = {LOCKED: 0, NOT_WRITTEN: 0}
        for node in self.all:
            text = (self._place.folder / node.name / "node.log").read_text(encoding="utf-8", errors="replace")
            text += node.child.output.read_text(encoding="utf-8", errors="replace")
            found[LOCKED] += lock_troubles(text)
            found[NOT_WRITTEN] += text.count("in a row could not be written")
        return found

    async def stop(self) -> int:
        """Ask all at once to stop; how many did not end with 0 within :data:`STOP_LIMIT_S`."""
        for node in self.all:
            node.child.signal(signal.SIGTERM)
        ends = (asyncio.to_thread(node.child.popen.wait, STOP_LIMIT_S) for node in self.all)
        await asyncio.gather(*ends, return_exceptions=True)  # who takes too long is counted
        return sum(node.child.popen.poll() != 0 for node in self.all)

    def _end(self, node: Node) -> str:
        return tail(self._place.folder / node.name / "node.log")
