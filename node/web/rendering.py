"""From a template and a request to an answer: the values every page needs, in one place."""

from aiohttp import web

from node.web.build_info import footer
from node.web.context import WebContext, context_of
from node.web.scope import SCOPE, Visitor

ADMINISTRATION = (
    ("Applications", (("upgrades", "Jira upgrades", "/secure/admin/JiraUpgrades.jspa"),)),
    (
        "System",
        (
            ("clustering", "Clustering", "/secure/admin/Clustering.jspa"),
            ("troubleshooting", "Troubleshooting and support tools", "/plugins/servlet/troubleshooting/view"),
        ),
    ),
    ("Manage apps", (("apps", "Manage apps", "/plugins/servlet/upm"),)),
)
"""The administrators' menu, by Jira's headings: for each link the page's name, its label and its address."""


def render_page(
    request: web.Request, template: str, *, page: str, title: str, status: int = 200, **values: object
) -> web.Response:
    """A page. ``page`` is the name clients check the content by (``<meta name="zdu-page">``)."""
    scope = request.get(SCOPE)
    html = _render(context_of(request), scope.visitor if scope else None, template, page=page, title=title, **values)
    return web.Response(text=html, status=status, content_type="text/html")


def _render(context: WebContext, visitor: Visitor | None, template: str, **values: object) -> str:
    service = context.service
    return context.templates.render(
        template,
        visitor=visitor,
        atl_token=visitor.xsrf_token if visitor else "",
        node_id=service.node_id,
        release=service.release,
        administration=ADMINISTRATION,
        footer=footer(service.release, service.node_id),
        **values,
    )


def redirect(location: str) -> web.Response:
    """Send the browser on with a GET. ``location`` is one of our own paths."""
    return web.Response(status=302, headers={"Location": location})
