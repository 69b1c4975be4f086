"""How a node of another application is looked at from outside: by its health check, past the load balancer."""

from collections.abc import Callable

import aiohttp

from simulator.clients.jira_admin import Said
from simulator.scenario.application import HealthPart

SERVES = "RUNNING"
"""What is said of a node whose health check passes; the word of a Jira node that serves."""
LOOK_WITHIN_S = 2.0


class NodeLook:
    """One node, for :func:`simulator.observers.watch_node`, which looks at Jira's nodes in the same way."""

    def __init__(self, url: str, health: HealthPart, *, version: Callable[[], str] = str) -> None:
        """``version`` tells what the node was started with: an application need not tell it itself."""
        self.told = ""
        """What became of the last look, for people."""
        self._health = health
        self._version = version
        self._http = aiohttp.ClientSession(base_url=url, timeout=aiohttp.ClientTimeout(total=LOOK_WITHIN_S))

    async def status(self) -> Said | None:
        """RUNNING if the health check passes; None otherwise."""
        try:
            async with self._http.get(self._health.path, allow_redirects=False) as answer:
                good = answer.status == self._health.status and self._health.text in await answer.text()
                self.told = f"answered with {answer.status}" + ("" if good else ", which is not what is expected")
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            self.told = f"not answered ({str(error) or type(error).__name__})"
            return None
        return Said(SERVES, self._version(), 0) if good else None

    async def cluster_state(self) -> str | None:
        """There is none."""
        return None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()
