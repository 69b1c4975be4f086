"""Real processes for tests, nodes and the load balancer, by the very commands an administrator would type."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientError, ClientSession
from yarl import URL

from simulator.spawn import Process, spawn
from tests.support.waiting import eventually

START_LIMIT_S = 45.0
STOP_LIMIT_S = 15.0


@dataclass
class NodeProcess:
    """One running node."""

    node_id: str
    url: str
    log: Path
    process: Process

    async def running(self) -> None:
        """Return once ``/status`` says RUNNING; AssertionError with the log's end if it does not in time."""
        try:
            async with ClientSession() as client:
                await eventually(lambda: _state(client, self.url), "RUNNING", START_LIMIT_S)
        except AssertionError as error:
            raise AssertionError(f"{self.node_id}: {error}; its log ends:\n{self.log_end()}") from None

    async def stop(self) -> int:
        """Stop it in an orderly way and return its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_LIMIT_S):
            return await self.process.wait()

    def log_end(self) -> str:
        """The last lines of the log."""
        return "\n".join(self.log.read_text().splitlines()[-20:]) if self.log.exists() else "(no log)"


async def set_up(folder: Path, *, users: int = 3, issues: int = 25) -> str:
    """Set up a SQLite database in ``folder`` and return its URL."""
    url = f"sqlite+aiosqlite:///{folder / 'zdu.db'}"
    options = {"url": url, "users": users, "issues": issues, "password-cost": 4}
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    process = await spawn(("db", "setup", *arguments), held=False)
    assert process.stderr is not None
    async with asyncio.timeout(START_LIMIT_S):
        problem = await process.stderr.read()
        assert await process.wait() == 0, problem.decode()
    return url


@asynccontextmanager
async def node_process(
    folder: Path, database_url: str, node_id: str, version: str = "7.3.0", **more: object
) -> AsyncIterator[NodeProcess]:
    """Start a node, sixty times as fast as life; it is gone at the end, whatever happens."""
    config: dict[str, object] = {
        "node_id": node_id,
        "version": version,
        "database": {"url": database_url},
        "shared_home": str(folder / "shared"),
        "local_home": str(folder / node_id),
        "log_file": str(folder / f"{node_id}.log"),
        "time_scale": 60,
        "password_cost": 4,
        **more,
    }
    async with _process(folder, "node", node_id, config) as (process, ready):
        node = NodeProcess(node_id, str(ready["url"]), folder / f"{node_id}.log", process)
        await node.running()
        yield node
        await node.stop()


@asynccontextmanager
async def balancer_process(folder: Path, *nodes: NodeProcess) -> AsyncIterator[str]:
    """Start a load balancer in front of ``nodes``, quick to notice things, and give its address."""
    config: dict[str, object] = {
        "nodes": [{"name": node.node_id, "port": URL(node.url).port} for node in nodes],
        "health": {"inter": "100ms", "timeout": "1s", "rise": 1, "fall": 2},
    }
    async with _process(folder, "lb", "lb", config) as (_, ready):
        yield str(ready["url"])


@asynccontextmanager
async def _process(
    folder: Path, command: str, name: str, config: dict[str, object]
) -> AsyncIterator[tuple[Process, dict[str, object]]]:
    file = folder / f"{name}.yaml"
    file.write_text(json.dumps(config))  # JSON is YAML
    process = await spawn((command, "--config", str(file), "--exit-with-parent"), held=True)
    try:
        assert process.stdout is not None
        ready = json.loads(await asyncio.wait_for(process.stdout.readline(), START_LIMIT_S) or "{}")
        assert ready.get("ready"), f"{name} did not start"
        yield process, ready
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()


async def _state(client: ClientSession, url: str) -> str:
    try:
        async with client.get(f"{url}/status") as response:
            return str((await response.json())["state"])
    except ClientError:
        return ""
