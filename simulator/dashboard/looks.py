"""What the dashboard shows and no event tells: the load balancer's figures of each node, and who is heard of."""

import asyncio
from contextlib import suppress

from simulator.clients.jira_admin import AdminRequestFailed
from simulator.dashboard.feed import Feed
from simulator.stage import Stage

LOOK_EVERY_S = 0.5
OF_A_NODE = ("sessions", "sessions_left", "in_flight")


async def look_for(feed: Feed, stage: Stage) -> None:
    """Look now and then, until cancelled."""
    while True:
        status = await stage.cluster.balancer.status()
        if status is not None:
            feed.balancer = {
                node["name"]: {key: node[key] for key in OF_A_NODE}
                for node in status.get("nodes", ())
                if node.keys() >= set(OF_A_NODE)
            }
        feed.members = await _members(stage) or feed.members
        await asyncio.sleep(LOOK_EVERY_S)


async def _members(stage: Stage) -> dict[str, dict[str, object]]:
    """What the first node that answers knows of all: in the table of nodes, and heard of by its heartbeat."""
    for node in stage.picture.nodes.values():
        if node.serving and not node.paused and node.node_id in stage.admins:  # another application has none
            with suppress(AdminRequestFailed):
                listed = await stage.admins[node.node_id].get("/rest/api/2/cluster/nodes")
                return {one["nodeId"]: {"state": one["state"], "alive": one["alive"]} for one in listed}
    return {}
