"""The application's knowledge of who may use which of its routes."""

from collections.abc import Mapping

from aiohttp import web

from node.web.access import Access, Handler

ACCESS = web.AppKey("access", Mapping[Handler, Access])


def access_of(request: web.Request) -> Access:
    """Who may use the route of this request. Unknown paths are for signed-in users: strangers learn nothing."""
    return request.app[ACCESS].get(request.match_info.handler, Access.SIGNED_IN)
