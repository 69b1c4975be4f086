"""Looks at the nodes all the time, from outside, and reports to the picture."""

import asyncio

from simulator.application.looks import NodeLook
from simulator.clients.jira_admin import JiraAdmin
from simulator.picture import Picture

LOOK_EVERY_S = 0.2


async def watch_node(picture: Picture, node_id: str, admin: JiraAdmin | NodeLook) -> None:
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
