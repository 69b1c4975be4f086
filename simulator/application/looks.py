"""How a node of another application is looked at from outside: by its health check, past the load balancer."""

from collections.abc import Callable

import aiohttp

from simulator.clients.jira_admin import Said
from simulator.scenario.application import HealthPart

SERVES = "RUNNING"
"""What is said of a node whose health check passes; the word of a Jira node that serves."""
DRAINS = "DRAINING"
"""What is said of one that asks to be drained; the word of a Jira node, too."""
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
        """RUNNING if the health check passes, DRAINING if it asks to be drained; None otherwise."""
        try:
            async with self._http.get(self._health.path, allow_redirects=False) as answer:
                state = state_in(self._health, answer.status, await answer.text(errors="replace"))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            self.told = f"not answered ({str(error) or type(error).__name__})"
            return None
        self.told = f"answered with {answer.status}" + ("" if state == SERVES else ", which is not what is expected")
        return Said(state, self._version(), 0) if state else None

    async def cluster_state(self) -> str | None:
        """There is none."""
        return None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def state_in(health: HealthPart, status: int, body: str) -> str:
    """What an answer to the health check says of the node, as our load balancer understands it; empty for no good."""
    asks = health.draining
    if asks and status == asks.status and asks.text in body:
        return DRAINS
    return SERVES if status == health.status and health.text in body else ""
