"""A load balancer in front of given nodes, with quick health checks: in the test's own process, or as a real one."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse, ClientSession, DummyCookieJar

from lb.balancer import Balancer
from lb.config import BalancerConfig
from lb.server import LoadBalancer
from lb.telemetry.meters import Meter
from tests.support.http_nodes import HttpNode
from tests.support.waiting import LIMIT_S, until
from zdu.clock import SystemClock

FAST_CHECKS = {"inter": "40ms", "timeout": "500ms", "rise": 2, "fall": 2}
SELDOM = {"inter": "60s"}
"""Checks so rare that the load balancer does not learn of a node's death by them."""

_START_LIMIT_S = 45.0
_ROOT = Path(__file__).parents[2]


class HurriedClock(SystemClock):
    """The machine's clocks, and however much the test lets pass in no time: an idle hour, a slow start."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.ahead_s

    def wall_ms(self) -> int:
        return super().wall_ms() + round(self.ahead_s * 1000)


class RunningBalancer:
    """A load balancer that serves, and a client that sends no cookie of its own accord and follows no redirect."""

    def __init__(
        self, server: LoadBalancer, url: str, admin_url: str, client: ClientSession, clock: HurriedClock
    ) -> None:
        self.server = server
        self.clock = clock
        self.url = url
        self.admin_url = admin_url
        self.client = client

    @property
    def balancer(self) -> Balancer:
        """What decides."""
        return self.server.balancer

    @property
    def queued(self) -> int:
        """How many requests wait for a node."""
        return self.balancer.held

    async def reload(self, *nodes: HttpNode, **settings: Any) -> None:
        """Go on with another configuration, as a reload of the file does."""
        await self.server.reload(balancer_config(nodes, **settings))

    def pass_time(self, seconds: float) -> None:
        """Let ``seconds`` pass for the load balancer, all at once."""
        self.clock.ahead_s += seconds
        self.balancer.tick()

    async def status(self) -> dict[str, Any]:
        """What the admin port tells about now."""
        async with self.client.get(self.admin_url + "/status.json") as response:
            status: dict[str, Any] = await response.json()
            return status

    @property
    def meter(self) -> Meter:
        """What all nodes together were sent, and what the load balancer answered itself."""
        return self.server.telemetry.meters.front()

    def node_meter(self, node: str) -> Meter:
        """What one node was sent."""
        return self.server.telemetry.meters.nodes[node]

    async def until(self, condition: Callable[[], object], what: str = "", limit_s: float = LIMIT_S) -> None:
        """Wait for the journal to make ``condition()`` true."""
        journal = self.balancer.journal
        try:
            async with asyncio.timeout(limit_s):
                while not condition():
                    await journal.wait_after(journal.last_seq, limit_s)
        except TimeoutError:
            raise AssertionError(f"not within {limit_s:g} s: {what or condition}: {self.balancer.views()}") from None

    async def until_state(self, node: str, state: str) -> None:
        """Wait until ``node``'s operational state is ``state``."""
        await self.until(lambda: self.balancer.view(node).operational == state, f"{node} is {state}")

    async def until_check(self, node: str, check_status: str, detail: str = "") -> None:
        """Wait until the last check of ``node`` found ``check_status``; checks alone are not in the journal."""

        def found() -> bool:
            last = self.balancer.health[node].last
            return last is not None and last.check_status == check_status and last.detail.startswith(detail)

        await until(found, f"{node}: {check_status} {detail}")

    async def request(
        self, path: str = "/", node: str = "", method: str = "GET", **options: Any
    ) -> tuple[ClientResponse, bytes]:
        """One request through the data port, bound to ``node`` if one is named, with its body read."""
        headers = dict(options.pop("headers", {}))
        if node:
            headers["Cookie"] = f"ROUTEID=.{node}"
        async with self.client.request(
            method, self.url + path, headers=headers, allow_redirects=False, **options
        ) as response:
            return response, await response.read()


class Browser:
    """One user: a session of the application, and the cookies that the load balancer gave it."""

    def __init__(self, lb: RunningBalancer, session: str, node: str = "") -> None:
        self._lb = lb
        self._session = session
        self.node = node
        self.moves = 0

    async def get(self, path: str = "/", method: str = "GET", **options: Any) -> tuple[int, bytes]:
        """One request; the answer's status and body."""
        bound = f"; ROUTEID=.{self.node}" if self.node else ""
        headers = {**options.pop("headers", {}), "Cookie": f"JSESSIONID={self._session}{bound}"}
        response, body = await self._lb.request(path, method=method, headers=headers, **options)
        for value in response.headers.getall("Set-Cookie", []):
            name, _, rest = value.partition("=")
            if name == "ROUTEID":
                node = rest.partition(";")[0].removeprefix(".")
                self.moves += bool(self.node) and node != self.node
                self.node = node
        return response.status, body


def settings_for(nodes: Sequence[HttpNode], **settings: Any) -> dict[str, Any]:
    """A configuration file's contents for ``nodes``; ``each_node`` is said of every one of them."""
    health = {**FAST_CHECKS, **settings.pop("health", {})}
    each: Mapping[str, object] = settings.pop("each_node", {})
    addresses: list[Mapping[str, object]] = [{"name": node.name, "port": node.port, **each} for node in nodes]
    return {"nodes": addresses, "health": health, "seed": 1, **settings}


def balancer_config(nodes: Sequence[HttpNode], **settings: Any) -> BalancerConfig:
    """A configuration for ``nodes``, with ``settings`` in the words of the configuration file."""
    return BalancerConfig.model_validate(settings_for(nodes, **settings))


@asynccontextmanager
async def running_balancer(*nodes: HttpNode, up: bool = True, **settings: Any) -> AsyncIterator[RunningBalancer]:
    """Start a load balancer in front of ``nodes``; with ``up`` wait until it has found all of them UP."""
    config = balancer_config(nodes, **settings)
    clock = HurriedClock()
    async with asyncio.TaskGroup() as tasks:
        server = LoadBalancer(config, clock, tasks)
        addresses = await server.start()
        try:
            async with ClientSession(cookie_jar=DummyCookieJar()) as client:
                running = RunningBalancer(server, addresses.url, addresses.admin_url, client, clock)
                for node in nodes if up else ():
                    await running.until_state(node.name, "UP")
                yield running
        finally:
            await server.stop()


@dataclass
class BalancerProcess:
    """``zdu lb --config`` as a process of its own."""

    process: Process
    url: str
    admin_url: str
    log: Path

    async def status(self) -> dict[str, Any]:
        """What the admin port tells about now."""
        async with ClientSession() as client, client.get(self.admin_url + "/status.json") as response:
            status: dict[str, Any] = await response.json()
            return status

    async def until_states(self, *states: str) -> None:
        """Wait until the nodes' operational states are ``states``, in the configuration's order."""
        seen: list[str] = []
        try:
            async with asyncio.timeout(_START_LIMIT_S), ClientSession() as client:
                while seen != list(states):
                    async with client.get(self.admin_url + "/status.json") as response:
                        status = await response.json()
                    seen = [node["operational"] for node in status["nodes"]]
                    if seen != list(states):
                        query = f"/events?after={status['last_seq']}&wait_ms=5000"
                        async with client.get(self.admin_url + query) as response:
                            await response.read()
        except TimeoutError:
            raise AssertionError(f"waited for {states}, last seen {seen}; log:\n{self.log.read_text()}") from None


@asynccontextmanager
async def balancer_process(folder: Path, *nodes: HttpNode, **settings: Any) -> AsyncIterator[BalancerProcess]:
    """Start a load balancer by the administrator's command; wait until it has found all ``nodes`` UP."""
    log = folder / "lb.log"
    file = folder / "lb.yaml"
    file.write_text(json.dumps(settings_for(nodes, log_file=str(log), **settings)))  # JSON is YAML
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "zdu", "lb", "--config", str(file), "--exit-with-parent"),
        cwd=_ROOT,
        stdin=PIPE,
        stdout=PIPE,
    )
    try:
        assert process.stdout is not None
        ready = json.loads(await asyncio.wait_for(process.stdout.readline(), _START_LIMIT_S) or "{}")
        assert ready.get("ready"), f"the load balancer did not start:\n{log.read_text() if log.exists() else ''}"
        running = BalancerProcess(process, ready["url"], ready["admin_url"], log)
        await running.until_states(*["UP"] * len(nodes))
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
