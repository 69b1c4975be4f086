"""Lets application requests through only while the node can serve them.

A node in its upgrade mode (DRAINING) serves on: the load balancer is asked to send no more, but whoever still comes
is not turned away.
"""

from aiohttp import web

from node.services import ApplicationState
from node.web.access import Access, Handler
from node.web.answers import error_answer
from node.web.context import context_of
from node.web.route_table import access_of

SERVING = frozenset({ApplicationState.RUNNING, ApplicationState.DRAINING})
_SENTENCES = {
    ApplicationState.STARTING: "JIRA is starting. Please wait a moment.",
    ApplicationState.FIRST_RUN: "JIRA is not set up yet.",
    ApplicationState.MAINTENANCE: "JIRA is down for maintenance.",
    ApplicationState.STOPPING: "JIRA is stopping. Another node will serve you.",
    ApplicationState.ERROR: "JIRA could not be started. The node's log tells why.",
}


@web.middleware
async def state_gate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """503 with Retry-After unless the node serves; ``/status`` and the page's style sheet always pass."""
    context = context_of(request)
    state = context.service.application_state
    if state in SERVING or access_of(request) is Access.PUBLIC:
        return await handler(request)
    retry = {"Retry-After": str(context.limits.retry_after_s)}
    answer = error_answer(request, 503, [_SENTENCES[state]], headers=retry)
    if state is ApplicationState.STOPPING:
        answer.force_close()
    return answer
