"""The flaw ``leaks-5xx``: a release that answers some of its users' requests with an error, for no reason at all."""

from aiohttp import web

from node.releases import Flaw
from node.web.access import Access, Handler
from node.web.context import context_of
from node.web.route_table import access_of

SHARE = 1 / 20
"""How many of the requests fail."""


class Leak(Exception):
    """What the flawed release stumbles over."""


@web.middleware
async def flaws(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Raise now and then, if this node's release has that flaw. Administrators, and the log-in page, are spared."""
    context = context_of(request)
    leaks = context.service.release.flaw == Flaw.LEAKS_5XX and access_of(request) is Access.SIGNED_IN
    if leaks and context.entropy.rng.random() < SHARE:
        raise Leak("this release is flawed on purpose")
    return await handler(request)
