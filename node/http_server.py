"""The node's port: open from the first moment to the last, and quiet before it closes."""

import asyncio
import errno
from dataclasses import dataclass

from aiohttp import web

from node.parts import NodeParts
from node.stopping import HURRY_S, StopWish
from node.web.app import build_app
from node.web.context import WebContext
from zdu.errors import ZduError

_HTTP_LOG = "o.a.c.c.C.[.[localhost].[/]"
"""Tomcat's container logger, as it appears in Jira's logs."""


@dataclass(frozen=True)
class WebActivity:
    """What the web side tells the cluster side of itself."""

    context: WebContext

    @property
    def requests_in_flight(self) -> int:
        """Application requests whose answer is not yet written."""
        return self.context.traffic.in_flight

    @property
    def sessions(self) -> int:
        """Sessions held in this node's memory."""
        return self.context.sessions.count()


class HttpServer:
    """One aiohttp server on one address. Make it, :meth:`open`, in the end :meth:`close`."""

    def __init__(self, parts: NodeParts, context: WebContext) -> None:
        self._config = parts.config
        self._context = context
        self._runner = web.AppRunner(
            build_app(context),
            handle_signals=False,
            access_log=None,
            keepalive_timeout=parts.config.keep_alive,
            shutdown_timeout=HURRY_S,
            logger=parts.log.logger(_HTTP_LOG),
        )

    async def open(self) -> str:
        """Listen, and return the address. Raises ZduError when the port cannot be had."""
        config = self._config
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, config.host, config.port, backlog=1024).start()
        except OSError as error:
            await self._runner.cleanup()
            raise _cannot_listen(config.host, config.port, error) from error
        host, port = self._runner.addresses[0][:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def fall_silent(self, wish: StopWish) -> None:
        """Let what is in flight finish, for as long as the configuration allows; new requests are being refused.

        The port stays open meanwhile: a load balancer shall read STOPPING and not meet a closed door. A connection
        that is kept alive is closed with its next answer, or in the end; closing idle ones at once would tear away
        the request that is on its way over one of them.
        """
        if not wish.hurry:
            await asyncio.sleep(self._config.stop_duration)
        left_s = HURRY_S if wish.hurry else max(0.0, self._config.stop_deadline - self._config.stop_duration)
        try:
            async with asyncio.timeout(left_s):
                await self._context.traffic.idle()
        except TimeoutError:
            pass

    async def close(self) -> None:
        """Close the port and every connection."""
        await self._runner.cleanup()


def _cannot_listen(host: str, port: int, error: OSError) -> ZduError:
    if error.errno == errno.EADDRINUSE:
        return ZduError(
            f"port {port} on {host} is taken by another process",
            hint="Stop that process, or give this node another port in its configuration (0: any free one).",
        )
    return ZduError(
        f"cannot listen on port {port} of {host}: {error.strerror or error}",
        hint="Check host and port in the node's configuration.",
    )
