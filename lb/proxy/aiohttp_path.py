"""The data path on aiohttp: its low-level server towards clients, its client towards nodes.

What it does not do: WebSocket and other upgrades (501), trailers and 103 Early Hints (dropped), half-closed clients
(taken for gone), transfer codings but chunked (501), header fields that are not UTF-8 (400, from a node 502).
"""

import asyncio
import logging
from contextlib import suppress

from aiohttp import ClientSession, web

from lb.balancer import Balancer
from lb.proxy.answer import Answer, own_answer
from lb.proxy.exchange import Exchange
from lb.proxy.upstream import NodeConnections
from lb.telemetry.record import RequestRecord
from lb.telemetry.telemetry import Telemetry

_log = logging.getLogger("lb.proxy")

MAX_LINE_BYTES = 16 * 1024
MAX_HEADERS = 128
BACKLOG = 1024
LINGER_S = 1.0
"""How long the rest of a body that nobody wants is still read: closing at once could reset the answer away."""
_FORCED_S = 0.05
"""How long handlers that are broken off may take to notice."""


class _ClientConnection(web.RequestHandler):
    """aiohttp's connection, except that what it cannot parse is answered in our words, and is no error of ours."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a request that is no HTTP (400), or that we failed at (500)."""
        if status < 500:
            text = (message or "the request cannot be understood").strip().splitlines()[0]
            return own_answer(status, text, error="http_request_error", reason="bad-request", close=True)
        _log.error("a request could not be handled", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the response has begun; closing is all that is left")
        text = "the load balancer failed at this request; its log tells more"
        return own_answer(status, text, error="proxy_internal_error", reason="internal", close=True)


class AiohttpDataPath:
    """Implements :class:`lb.proxy.data_path.DataPath`; ``tasks`` owns the task that closes retired connections."""

    def __init__(self, balancer: Balancer, telemetry: Telemetry, tasks: asyncio.TaskGroup) -> None:
        self._balancer = balancer
        self._telemetry = telemetry
        self._tasks = tasks
        self._listener: asyncio.Server | None = None
        self._server: web.Server | None = None
        self._janitor: asyncio.Task[None] | None = None
        self._unused: asyncio.Queue[ClientSession] = asyncio.Queue()
        self._closing = False
        self._connections = {
            name: NodeConnections(address, balancer.config.timeouts, self._unused.put_nowait)
            for name, address in balancer.addresses.items()
        }

    async def open(self) -> int:
        """Listen, and return the port."""
        config = self._balancer.config
        self._server = web.Server(self._handle, handler_cancellation=True)
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._connected, config.host, config.port, backlog=BACKLOG)
        self._janitor = self._tasks.create_task(self._close_unused(), name="lb-janitor")
        return int(self._listener.sockets[0].getsockname()[1])

    def purge(self, node: str) -> None:
        """Never use the connections to ``node`` that exist now for another request."""
        self._connections[node].purge()

    async def close(self, deadline_s: float) -> bool:
        """Accept no more and finish what is in flight within ``deadline_s``; True if all of it was finished."""
        self._closing = True
        finished = True
        if self._listener is not None and self._server is not None:
            self._listener.close()
            self._server.pre_shutdown()
            try:
                async with asyncio.timeout(deadline_s):
                    await self._server.shutdown(deadline_s + 1)
            except TimeoutError:
                finished = False
                await self._server.shutdown(_FORCED_S)
        for connections in self._connections.values():
            connections.close()
        if self._janitor is not None:
            self._janitor.cancel()
            with suppress(asyncio.CancelledError):
                await self._janitor
        while not self._unused.empty():
            await self._unused.get_nowait().close()
        return finished

    def _connected(self) -> web.RequestHandler:
        assert self._server is not None  # noqa: S101 - open() made it
        return _ClientConnection(
            self._server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=self._balancer.config.timeouts.client_keep_alive,
            access_log=None,  # type: ignore[arg-type]  # None turns it off; the annotation forgets that
            auto_decompress=False,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
            max_headers=MAX_HEADERS,
            lingering_time=LINGER_S,
            logger=_log,
        )

    async def _handle(self, request: web.BaseRequest) -> Answer:
        now = self._balancer.now
        record = RequestRecord(
            request_id=request.headers.get("X-Request-Id", ""),
            client=request.remote or "",
            method=request.method,
            target=request.raw_path,
            received_s=now(),
        )
        exchange = Exchange(request, record, self._balancer, self._connections, lambda: self._closing)
        try:
            answer = await exchange.run()
            await answer.prepare(request)
            await answer.write_eof()
        except (asyncio.CancelledError, ConnectionError):
            record.ended = "CD" if record.status else "CH"
            raise
        finally:
            record.ta_ms = (now() - record.received_s) * 1000
            self._telemetry.observe(record)
        return answer

    async def _close_unused(self) -> None:
        while True:
            session = await self._unused.get()
            await session.close()
