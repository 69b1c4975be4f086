"""Looks at nodes and load balancer all the time, from outside, and reports to the picture."""

import asyncio
from typing import Any

import aiohttp

from simulator.clients.jira_admin import JiraAdmin
from simulator.picture import Picture

LOOK_EVERY_S = 0.2
LONG_POLL_MS = 2000
ANSWER_WITHIN_S = 5.0


async def watch_node(picture: Picture, node_id: str, admin: JiraAdmin) -> None:
    """Ask a node for its own state and for the cluster's, until cancelled."""
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    while True:
        said = await admin.status() if picture.nodes[node_id].running else None
        if said is None:
            picture.node_says(node_id, "")
        else:
            picture.node_says(node_id, said.state, said.version, said.build)
            if said.state in {"RUNNING", "DRAINING"}:
                state = await admin.cluster_state()
                if state:
                    picture.node_shows(node_id, state)
        due_s = max(due_s + LOOK_EVERY_S, loop.time())
        await asyncio.sleep(due_s - loop.time())


class BalancerWatch:
    """Follows the journal of the load balancer, missing nothing."""

    def __init__(self, picture: Picture, admin_url: str) -> None:
        self._picture = picture
        self._http = aiohttp.ClientSession(
            base_url=admin_url, timeout=aiohttp.ClientTimeout(total=LONG_POLL_MS / 1000 + ANSWER_WITHIN_S)
        )

    async def follow(self) -> None:
        """Report every event until cancelled; while the load balancer does not answer, try again."""
        after = 0
        while True:
            try:
                events = await self._get_json("/events", after=after, wait_ms=LONG_POLL_MS)
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(LOOK_EVERY_S)
                continue
            for event in events["events"]:
                self._picture.balancer_says(event)
                after = event["seq"]

    async def status(self) -> dict[str, Any]:
        """The load balancer's own figures. Raises aiohttp.ClientError or TimeoutError when it does not answer."""
        status: dict[str, Any] = await self._get_json("/status.json")
        return status

    async def set_state(self, node_id: str, state: str) -> None:
        """Set a node's admin state, ``ready``, ``drain`` or ``maint``. Raises what :meth:`status` raises."""
        async with self._http.post(f"/nodes/{node_id}/state", json={"state": state}) as answer:
            answer.raise_for_status()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _get_json(self, path: str, **query: int) -> Any:
        async with self._http.get(path, params=query) as answer:
            answer.raise_for_status()
            return await answer.json()
