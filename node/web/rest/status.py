"""``GET /status``: what load balancers look at. Open to everyone, answered from memory, never from the database."""

from aiohttp import web

from node.services import ApplicationState
from node.web.answers import json_answer
from node.web.context import context_of


async def status(request: web.Request) -> web.Response:
    """The node's state, with the boot and sequence numbers that tell a late answer from a new one."""
    context = context_of(request)
    state = context.service.application_state
    document = {
        "state": state.value,
        "nodeId": context.service.node_id,
        "bootId": context.service.boot_id,
        "sequence": context.next_status_sequence(),
    }
    return json_answer(document, state.http_status)


async def ready(request: web.Request) -> web.Response:
    """Ours, for orchestrators that read no body: 200 only if the node is RUNNING, 503 in every other state.

    Jira has no such resource, and its ``/status`` answers 200 in STARTING and STOPPING too.
    """
    state = context_of(request).service.application_state
    return json_answer({"state": state.value}, 200 if state is ApplicationState.RUNNING else 503)
