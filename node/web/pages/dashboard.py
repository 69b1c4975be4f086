"""The dashboard: what happened lately."""

from aiohttp import web

from node.web.context import context_of
from node.web.redirects import DASHBOARD
from node.web.rendering import redirect, render_page

_LATEST = 10


async def go_to_dashboard(_request: web.Request) -> web.Response:
    """``GET /``."""
    return redirect(DASHBOARD)


async def show_dashboard(request: web.Request) -> web.Response:
    """``GET /secure/Dashboard.jspa``."""
    issues, total = await context_of(request).db.issues.search("", 0, _LATEST)
    return render_page(
        request, "dashboard.html", page="dashboard", title="System Dashboard", issues=issues, total=total
    )
