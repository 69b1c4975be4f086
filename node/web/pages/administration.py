"""The administrator's other pages: "Clustering", "Troubleshooting and support tools", "Manage apps".

That they exist, and what Jira calls them, is known; their addresses are modest inventions, but for the last two,
which lie where Jira's plugins have theirs.
"""

from aiohttp import web

from node.services import MemberView
from node.web.context import context_of
from node.web.pages.checks import health_checks
from node.web.pages.clustering_model import cluster_rows
from node.web.pages.health import look
from node.web.rendering import render_page
from shared_db import NodeFigures
from zdu.errors import ZduError


async def show_clustering(request: web.Request) -> web.Response:
    """``GET /secure/admin/Clustering.jspa``."""
    context = context_of(request)
    service = context.service
    members: list[MemberView] = []
    figures: dict[str, NodeFigures] = {}
    answered = True
    try:
        members, figures = await service.members(), await service.figures()
    except ZduError:
        context.log.exception("The cluster's nodes could not be read")
        answered = False
    return render_page(
        request,
        "clustering.html",
        page="clustering",
        title="Clustering",
        status=200 if answered else 503,
        answered=answered,
        rows=cluster_rows(members, figures, own_id=service.node_id),
    )


async def show_health(request: web.Request) -> web.Response:
    """``GET /plugins/servlet/troubleshooting/view``."""
    checks = health_checks((await look(context_of(request))).health)
    failed = [check for check in checks if check.mark == "bad"]
    return render_page(
        request,
        "troubleshooting.html",
        page="troubleshooting",
        title="Troubleshooting and support tools",
        checks=checks,
        failed=len(failed),
    )


async def show_apps(request: web.Request) -> web.Response:
    """``GET /plugins/servlet/upm``."""
    return render_page(request, "apps.html", page="apps", title="Manage apps")
