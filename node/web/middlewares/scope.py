"""Opens the request's scope and counts the request until its answer is written."""

from contextlib import suppress

from aiohttp import web

from node.services import ApplicationState
from node.web.access import Handler
from node.web.context import WebContext, context_of
from node.web.scope import SCOPE, RequestScope

_MINUTE_MS = 60_000
_MINUTES_A_DAY = 1440
NOT_COUNTED = frozenset({"/status", "/ready", "/rest/zdu-simulator/1/node/upgradeMode"})
"""Who asks whether this node is idle must not keep it from being so."""


@web.middleware
async def scope(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer within a scope of its own."""
    context = context_of(request)
    request[SCOPE] = RequestScope(_request_id(context), presented=request.cookies)
    if request.path in NOT_COUNTED:
        return await handler(request)
    with context.traffic.request():
        response = await handler(request)
        if context.service.application_state is ApplicationState.STOPPING:
            response.force_close()
        # aiohttp would write the answer only after the middlewares; a request is in flight until that is done.
        with suppress(ConnectionError):
            await response.prepare(request)
            await response.write_eof()
        return response


def _request_id(context: WebContext) -> str:
    """Jira's form: minute of the day, number of the request, requests at the same time."""
    minute = context.clock.wall_ms() // _MINUTE_MS % _MINUTES_A_DAY
    traffic = context.traffic
    return f"{minute}x{traffic.served + 1}x{traffic.in_flight + 1}"
