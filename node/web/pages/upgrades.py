"""The administrator's page "Jira upgrades"."""

import re
from dataclasses import replace

from aiohttp import web

from node.services import ClusterService, NotAllowed, UpgradeAction
from node.web.bodies import read_form
from node.web.context import WebContext, context_of
from node.web.errors import Refusal
from node.web.pages.health import look
from node.web.pages.upgrade_model import UpgradePage, describe
from node.web.rendering import redirect, render_page
from node.web.scope import visitor_of

_NODE_ID = re.compile(r"[A-Za-z0-9_-]{1,60}")
_ADDRESS = "/secure/admin/JiraUpgrades.jspa"
_ACTIONS = {
    "start": UpgradeAction.START,
    "cancel": UpgradeAction.CANCEL,
    "approve": UpgradeAction.APPROVE,
    "retry": UpgradeAction.RETRY,
}
_NODE_MODE = {"nodeUpgradeModeOn": True, "nodeUpgradeModeOff": False}
_DONE = {
    "start": "Jira is now in upgrade mode.",
    "cancel": "The upgrade has been cancelled.",
    "approve": "The upgrade tasks have been started.",
    "retry": "The failure has been acknowledged. You can run the upgrade tasks again.",
    "nodeUpgradeModeOn": "{node} is now in upgrade mode and asks the load balancer to be drained.",
    "nodeUpgradeModeOff": "{node} is no longer in upgrade mode.",
}


async def show_upgrades(request: web.Request) -> web.Response:
    """``GET``. ``done`` names the action that led here, so that the page can confirm it.

    ``node`` names where it was done: a node that was just put into upgrade mode may not be the one that answers now.
    """
    where = request.query.get("node", "")
    notice = _DONE.get(request.query.get("done", ""), "") if _NODE_ID.fullmatch(where) else ""
    return await _page(request, notice=notice.format(node=where))


async def act(request: web.Request) -> web.Response:
    """``POST`` with ``action``. What the cluster's state forbids is shown on the page, with 409."""
    action = (await read_form(request)).get("action", "")
    try:
        await _carry_out(context_of(request).service, action, visitor_of(request).username)
    except NotAllowed as refused:
        return await _page(request, status=409, problem=refused.message)
    return redirect(f"{_ADDRESS}?done={action}&node={context_of(request).service.node_id}")


async def _carry_out(service: ClusterService, action: str, actor: str) -> None:
    if action in _ACTIONS:
        await service.act(_ACTIONS[action], actor=actor)
    elif action in _NODE_MODE:
        await service.set_node_upgrade_mode(enabled=_NODE_MODE[action], actor=actor)
    else:
        raise Refusal(400, "There is no such action.")


async def _page(request: web.Request, *, status: int = 200, notice: str = "", problem: str = "") -> web.Response:
    model = await _look(context_of(request))
    return render_page(
        request,
        "upgrades.html",
        page="upgrades",
        title="Jira upgrades",
        status=status if model.state != "UNKNOWN" else 503,
        model=model,
        notice=notice,
        problem=problem,
    )


async def _look(context: WebContext) -> UpgradePage:
    service, found = context.service, await look(context)
    mode = service.node_mode()
    return describe(
        found.view,
        found.health,
        node_id=service.node_id,
        release=service.release,
        application_state=service.application_state,
        mode=replace(mode, requests_in_flight=max(0, mode.requests_in_flight - 1)),  # but for this one
    )
