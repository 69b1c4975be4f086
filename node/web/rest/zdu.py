"""``/rest/api/2/cluster/zdu``: the cluster's upgrade, for programs. Codes are those of Jira's own specification."""

from aiohttp import web

from node.services import UpgradeAction
from node.web.access import Handler
from node.web.answers import json_answer
from node.web.context import context_of
from node.web.scope import visitor_of

SUCCESS = {
    UpgradeAction.START: 201,
    UpgradeAction.CANCEL: 201,
    UpgradeAction.APPROVE: 200,
    UpgradeAction.RETRY: 200,
}


async def upgrade_state(request: web.Request) -> web.Response:
    """``GET state``."""
    view = await context_of(request).service.upgrade_view()
    return json_answer({"state": view.state, "build": {"buildNumber": view.build_number, "version": view.version}})


def action(wanted: UpgradeAction) -> Handler:
    """The handler of ``POST <wanted>``: an empty answer, or 409 if the cluster's state forbids it."""

    async def act(request: web.Request) -> web.Response:
        await context_of(request).service.act(wanted, actor=visitor_of(request).username)
        return web.Response(status=SUCCESS[wanted])

    return act
