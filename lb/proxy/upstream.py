"""The load balancer's connections to one node.

Idle connections are kept in a pool that can be given up at any moment: requests that use it finish, others get a new
one. Whatever the pool is given up for (the node left, or is a new process) can thus never meet an old connection.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from multidict import CIMultiDict
from yarl import URL

from lb.config import NodeAddress, Timeouts
from lb.fitness import unfit_response
from lb.headers import Headers
from lb.proxy.attempt import Attempt, AttemptError, connection_trace
from lb.proxy.node_response import NodeResponse
from lb.proxy.request_body import Patience
from lb.retry import Failure

MAX_LINE_BYTES = 64 * 1024
MAX_HEADERS = 200
_NO_AUTO_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class _Generation:
    """A pool of connections with the number of requests that use it; closed when it is retired and unused."""

    def __init__(self, session: ClientSession) -> None:
        self.session = session
        self.users = 0
        self.retired = False


Body = Callable[[Patience], AsyncIterator[bytes]]
"""Makes the stream of a request's body."""


class _Limit:
    """A :class:`Patience` that moves the deadline of an ``asyncio.timeout``."""

    def __init__(self, timeout: asyncio.Timeout, seconds: float) -> None:
        self._timeout = timeout
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self.over = False

    def pause(self) -> None:
        """Wait without end; whoever called has a limit of its own."""
        self._move(None)

    def resume(self) -> None:
        """From now on, ``seconds``."""
        self._move(self._loop.time() + self._seconds)

    def _move(self, when_s: float | None) -> None:
        # A node may answer before the body is over; then nobody waits for its response's head any more.
        if not self.over:
            self._timeout.reschedule(when_s)


@dataclass(frozen=True)
class NodeRequest:
    """A request as a node gets it; ``target`` is in origin form, the header fields are UTF-8."""

    method: str
    target: str
    headers: Headers
    body: Body | None


class NodeConnections:
    """Connections to one node: a pool that can be retired, and single ones for requests that want no reused one."""

    def __init__(self, address: NodeAddress, timeouts: Timeouts, unused: Callable[[ClientSession], None]) -> None:
        self._base = f"http://{_in_url(address.host)}:{address.port}"
        self._timeouts = timeouts
        self._unused = unused
        self._pooled: _Generation | None = None
        self._single: _Generation | None = None

    def purge(self) -> None:
        """Let no other request use the connections that exist now; those in use are closed after their response."""
        if self._pooled is not None:
            self._retire(self._pooled)
            self._pooled = None

    def close(self) -> None:
        """Give up everything."""
        self.purge()
        if self._single is not None:
            self._retire(self._single)
            self._single = None

    async def send(self, attempt: Attempt, request: NodeRequest, *, fresh: bool) -> NodeResponse:
        """Send one request once and wait for the response's head. Raises AttemptError."""
        generation = self._generation(fresh=fresh)
        generation.users += 1
        try:
            response = await self._request(generation.session, attempt, request)
        except BaseException as error:
            self._leave(generation)
            if isinstance(error, AttemptError):
                attempt.failure = error.failure
            raise
        return NodeResponse(response, lambda: self._leave(generation))

    async def _request(self, session: ClientSession, attempt: Attempt, request: NodeRequest) -> ClientResponse:
        limit_s = self._timeouts.server
        limit = None
        try:
            async with asyncio.timeout(limit_s + self._timeouts.connect) as timeout:
                limit = _Limit(timeout, limit_s)
                response = await session.request(
                    request.method,
                    URL(self._base + request.target, encoded=True),
                    headers=CIMultiDict((name.decode(), value.decode()) for name, value in request.headers),
                    data=request.body(limit) if request.body else None,
                    allow_redirects=False,
                    middlewares=(attempt,),
                    trace_request_ctx=attempt,
                )
        except TimeoutError:
            raise AttemptError(Failure.NO_RESPONSE, f"no response within {limit_s:g} s") from None
        finally:
            if limit is not None:
                limit.over = True
        if response.status == 101:
            response.close()
            raise AttemptError(Failure.BAD_RESPONSE, "the node switched protocols unasked")
        unfit = unfit_response(response.raw_headers)
        if unfit:
            response.close()
            raise AttemptError(Failure.BAD_RESPONSE, unfit)
        attempt.answered(response.status)
        return response

    def _generation(self, *, fresh: bool) -> _Generation:
        if fresh:
            self._single = self._single or self._open(pooled=False)
            return self._single
        self._pooled = self._pooled or self._open(pooled=True)
        return self._pooled

    def _open(self, *, pooled: bool) -> _Generation:
        if pooled:
            connector = TCPConnector(limit=0, keepalive_timeout=self._timeouts.server_keep_alive)
        else:
            connector = TCPConnector(limit=0, force_close=True)
        session = ClientSession(
            connector=connector,
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            timeout=ClientTimeout(total=None, sock_connect=self._timeouts.connect),
            trace_configs=[connection_trace()],
            skip_auto_headers=_NO_AUTO_HEADERS,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
            max_headers=MAX_HEADERS,
        )
        return _Generation(session)

    def _leave(self, generation: _Generation) -> None:
        generation.users -= 1
        if generation.retired and not generation.users:
            self._unused(generation.session)

    def _retire(self, generation: _Generation) -> None:
        generation.retired = True
        if not generation.users:
            self._unused(generation.session)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
