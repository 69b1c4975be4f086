"""A load balancer in the test's own process, in front of given nodes, with quick health checks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientResponse, ClientSession, DummyCookieJar

from lb.balancer import Balancer
from lb.config import BalancerConfig
from lb.server import LoadBalancer
from tests.support.http_nodes import HttpNode
from tests.support.waiting import LIMIT_S, until
from zdu.clock import SystemClock

FAST_CHECKS = {"inter": "40ms", "timeout": "500ms", "rise": 2, "fall": 2}


class RunningBalancer:
    """A load balancer that serves, and a client that sends no cookie of its own accord and follows no redirect."""

    def __init__(self, server: LoadBalancer, url: str, admin_url: str, client: ClientSession) -> None:
        self.server = server
        self.url = url
        self.admin_url = admin_url
        self.client = client

    @property
    def balancer(self) -> Balancer:
        """What decides."""
        return self.server.balancer

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


def balancer_config(nodes: Sequence[HttpNode], **settings: Any) -> BalancerConfig:
    """A configuration for ``nodes``, with ``settings`` in the words of the configuration file."""
    health = {**FAST_CHECKS, **settings.pop("health", {})}
    addresses: list[Mapping[str, object]] = [{"name": node.name, "port": node.port} for node in nodes]
    return BalancerConfig.model_validate({"nodes": addresses, "health": health, "seed": 1, **settings})


@asynccontextmanager
async def running_balancer(*nodes: HttpNode, up: bool = True, **settings: Any) -> AsyncIterator[RunningBalancer]:
    """Start a load balancer in front of ``nodes``; with ``up`` wait until it has found all of them UP."""
    config = balancer_config(nodes, **settings)
    async with asyncio.TaskGroup() as tasks:
        server = LoadBalancer(config, SystemClock(), tasks)
        addresses = await server.start()
        try:
            async with ClientSession(cookie_jar=DummyCookieJar()) as client:
                running = RunningBalancer(server, addresses.url, addresses.admin_url, client)
                for node in nodes if up else ():
                    await running.until_state(node.name, "UP")
                yield running
        finally:
            await server.stop()
