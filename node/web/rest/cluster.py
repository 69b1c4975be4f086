"""``/rest/api/2/cluster``: every node the cluster knows, in Jira's words, and what tidies up after one that is gone.

Setting OFFLINE is no way to stop a node: a node that runs and finds itself OFFLINE shuts itself down, but only a node
without a heartbeat can be set OFFLINE here.
"""

from http import HTTPStatus

from aiohttp import web

from node.services import NodeChangeRefused, NoSuchNode
from node.web.answers import json_answer
from node.web.context import context_of
from node.web.errors import Refusal, not_found
from node.web.scope import visitor_of


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


async def set_offline(request: web.Request) -> web.Response:
    """``PUT node/{id}/offline``: 200; 404 for an unknown node, 409 for one that is alive or OFFLINE already."""
    try:
        await context_of(request).service.set_member_offline(
            request.match_info["node_id"], actor=visitor_of(request).username
        )
    except (NoSuchNode, NodeChangeRefused) as refused:
        raise _refusal(refused) from refused
    return web.Response()


async def delete_node(request: web.Request) -> web.Response:
    """``DELETE node/{id}``: 200; 404 for an unknown node, 409 for one that is not OFFLINE."""
    try:
        await context_of(request).service.remove_member(
            request.match_info["node_id"], actor=visitor_of(request).username
        )
    except (NoSuchNode, NodeChangeRefused) as refused:
        raise _refusal(refused) from refused
    return web.Response()


async def reindex(request: web.Request) -> web.Response:
    """``POST /rest/api/2/reindex?type=FOREGROUND``: 202, and MAINTENANCE until the node has built its index.

    Jira's other types work in the background, where nobody notices; a node here has nothing of the kind, because its
    index follows the journal anyway. What Jira answers beside the code is more than what is here.
    """
    kind = request.query.get("type", "FOREGROUND")
    if kind != "FOREGROUND":
        raise Refusal(HTTPStatus.BAD_REQUEST, f"There is no reindex of type {kind} here; there is FOREGROUND.")
    try:
        await context_of(request).service.reindex(actor=visitor_of(request).username)
    except NodeChangeRefused as refused:
        raise _refusal(refused) from refused
    return json_answer({"type": kind, "currentProgress": 0, "success": False}, HTTPStatus.ACCEPTED)


def _refusal(refused: NoSuchNode | NodeChangeRefused) -> Refusal:
    if isinstance(refused, NoSuchNode):
        return not_found(str(refused))
    return Refusal(HTTPStatus.CONFLICT, str(refused))
