"""``GET /rest/api/2/cluster/nodes``: every node the cluster knows, with Jira's fields."""

from aiohttp import web

from node.web.answers import json_answer
from node.web.context import context_of


async def cluster_nodes(request: web.Request) -> web.Response:
    """Administrators only. ``alive`` is about heartbeats: a killed node stays ACTIVE for long and is not alive."""
    members = await context_of(request).service.members()
    return json_answer(
        [
            {
                "nodeId": member.node_id,
                "state": member.state,
                "lastStateChangeTimestamp": member.last_state_change_ms,
                "ip": member.ip,
                "cacheListenerPort": member.cache_listener_port,
                "nodeBuildNumber": member.build_number,
                "nodeVersion": member.version,
                "alive": member.alive,
            }
            for member in members
        ]
    )
