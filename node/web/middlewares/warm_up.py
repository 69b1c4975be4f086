"""Lets requests take longer while the node is not warm yet. Health checks are answered as fast as ever."""

import asyncio

from aiohttp import web

from node.warm_up import WarmUp
from node.web.access import Access, Handler
from node.web.context import context_of
from node.web.route_table import access_of


@web.middleware
async def warm_up(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Wait first, so that whoever waits is counted as a request in flight."""
    context = context_of(request)
    since_s = context.service.running_since_s
    if since_s is not None and access_of(request) is not Access.PUBLIC:
        warming = WarmUp(context.config.warm_up, context.config.warm_up_delay)
        delay_s = warming.delay_s(asyncio.get_running_loop().time() - since_s)
        if delay_s > 0:
            await asyncio.sleep(delay_s)
    return await handler(request)
