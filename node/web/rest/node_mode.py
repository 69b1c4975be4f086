"""``/rest/zdu-simulator/1/node/upgradeMode``: ask this one node to be drained. Ours; Jira has no such thing.

The blog's procedure takes a node out by its own upgrade mode; ``/status`` then asks the load balancer to drain it.
"""

from aiohttp import web

from node.web.answers import json_answer
from node.web.context import context_of
from node.web.scope import visitor_of


async def show(request: web.Request) -> web.Response:
    """``GET``: whether the mode is on, and what still keeps this node busy."""
    return _answer(request)


async def enable(request: web.Request) -> web.Response:
    """``POST``. 409 when this cluster has no such mode or is not in an upgrade."""
    return await _set(request, enabled=True)


async def disable(request: web.Request) -> web.Response:
    """``DELETE``."""
    return await _set(request, enabled=False)


async def _set(request: web.Request, *, enabled: bool) -> web.Response:
    service = context_of(request).service
    await service.set_node_upgrade_mode(enabled=enabled, actor=visitor_of(request).username)
    return _answer(request)


def _answer(request: web.Request) -> web.Response:
    service = context_of(request).service
    mode = service.node_mode()
    return json_answer(
        {
            "nodeId": service.node_id,
            "enabled": mode.enabled,
            "requestsInFlight": mode.requests_in_flight,
            "sessions": mode.sessions,
        }
    )
