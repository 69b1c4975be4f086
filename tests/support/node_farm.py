"""Real node processes for tests: started as an administrator would, asked over HTTP, stopped by signals."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from ruamel.yaml import YAML

from tests.support.databases import DatabaseTarget

READY_LIMIT_S = 45.0
EXIT_LIMIT_S = 15.0
ADMIN = {"Authorization": aiohttp.encode_basic_auth("admin", "admin")}


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class FarmNode:
    """One running node."""

    process: asyncio.subprocess.Process
    url: str
    log_file: Path
    http: aiohttp.ClientSession

    @property
    def log(self) -> str:
        """What the node has logged."""
        return self.log_file.read_text(encoding="utf-8")

    async def app_state(self) -> str:
        """What ``/status`` says."""
        async with self.http.get(f"{self.url}/status") as answer:
            return str((await answer.json())["state"])

    async def cluster_state(self) -> str:
        """The cluster upgrade state this node shows."""
        return str((await self.get("/rest/api/2/cluster/zdu/state"))["state"])

    async def get(self, path: str) -> Any:
        """The JSON an administrator gets."""
        async with self.http.get(self.url + path, headers=ADMIN) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def post(self, path: str) -> int:
        """The status of an administrator's POST."""
        async with self.http.post(self.url + path, headers=ADMIN, json={}) as answer:
            return answer.status

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def ended(self) -> Ended:
        """How the process ended, without a word from us."""
        return await _to_its_end(self.process)

    async def stop(self) -> Ended:
        """SIGTERM, and how that ended."""
        self.signal(signal.SIGTERM)
        return await self.ended()


async def zdu(*arguments: str) -> Ended:
    """Run a command to its end."""
    return await _to_its_end(await _spawn(*arguments))


async def _to_its_end(process: asyncio.subprocess.Process) -> Ended:
    # Not communicate(): that closes standard input first, which is how a node learns that its parent is gone.
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(EXIT_LIMIT_S):
        out, err = await asyncio.gather(process.stdout.read(), process.stderr.read())
        return Ended(await process.wait(), out.decode(), err.decode())


async def _spawn(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "zdu", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


class NodeFarm:
    """The node processes of one test, on one database."""

    def __init__(self, target: DatabaseTarget, folder: Path, http: aiohttp.ClientSession) -> None:
        self.target = target
        self.folder = folder
        self.http = http
        self._processes: list[asyncio.subprocess.Process] = []

    async def set_up(self) -> None:
        """Run ``zdu db setup``."""
        ended = await zdu(
            *("db", "setup", "--url", self.target.url, "--namespace", self.target.namespace),
            *("--users", "2", "--issues", "3", "--password-cost", "4"),
        )
        assert ended.code == 0, ended.err

    def configure(self, node_id: str, version: str = "7.3.0", **options: object) -> Path:
        """Write a node's configuration file."""
        config = {
            "node_id": node_id,
            "version": version,
            "database": {"url": self.target.url, "namespace": self.target.namespace},
            "shared_home": str(self.folder / "shared"),
            "local_home": str(self.folder / node_id),
            "time_scale": 300,
            "node_upgrade_mode": True,
            "password_cost": 4,
            **options,
        }
        path = self.folder / f"{node_id}.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML(typ="safe", pure=True).dump(config, file)
        return path

    async def begin(self, node_id: str, version: str = "7.3.0", **options: object) -> FarmNode:
        """Start a node and return once its port is open."""
        config = self.configure(node_id, version, **options)
        process = await _spawn("node", "--config", str(config), "--exit-with-parent")
        self._processes.append(process)
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), READY_LIMIT_S)
        if not line:
            raise AssertionError(f"{node_id} ended: {(await _to_its_end(process)).err}")
        log_file = self.folder / node_id / "log" / "atlassian-jira.log"
        return FarmNode(process, json.loads(line)["url"], log_file, self.http)

    async def end(self) -> None:
        """Kill what is left."""
        for process in self._processes:
            if process.returncode is None:
                process.kill()
            await process.communicate()


@asynccontextmanager
async def node_farm(target: DatabaseTarget, folder: Path) -> AsyncIterator[NodeFarm]:
    """Node processes that end with the block."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http:
        farm = NodeFarm(target, folder, http)
        try:
            yield farm
        finally:
            await farm.end()
