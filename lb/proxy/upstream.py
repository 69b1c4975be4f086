"""The load balancer's connections to one node, and one attempt at one request over them.

aiohttp's client repeats idempotent requests by itself once when a pooled connection turns out dead. A proxy must know
how often it sends a request, so a client middleware turns the errors that would start that repetition into
:class:`AttemptError`, which aiohttp passes on untouched: what we count is what is sent.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from types import SimpleNamespace

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientHandlerType,
    ClientOSError,
    ClientPayloadError,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    ServerDisconnectedError,
    TCPConnector,
    TraceConfig,
    TraceConnectionReuseconnParams,
)
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from lb.config import NodeAddress, Timeouts
from lb.headers import Headers
from lb.proxy.request_body import Patience
from lb.retry import Failure

MAX_LINE_BYTES = 64 * 1024
MAX_HEADERS = 200
_NO_AUTO_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class AttemptError(Exception):
    """One attempt brought no response; ``failure`` says what the node can have seen of the request."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail


class Attempt:
    """One try at getting a response from a node; for the access log and for the retry rules."""

    def __init__(self, node: str, now: Callable[[], float]) -> None:
        self.node = node
        self.reused = False
        self.failure: Failure | None = None
        self.status = 0
        self.connect_ms = 0.0
        self.response_ms = 0.0
        self._now = now
        self._began_s = now()

    def connected(self, *, reused: bool) -> None:
        """A connection is there: an idle one of the pool, or a new one."""
        self.reused = reused
        self.connect_ms = (self._now() - self._began_s) * 1000

    def answered(self, status: int) -> None:
        """The response's head is here."""
        self.status = status
        self.response_ms = (self._now() - self._began_s) * 1000 - self.connect_ms

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Be the client middleware of this attempt: pass the request on once, and name what goes wrong."""
        try:
            return await handler(request)
        except (ClientError, HttpProcessingError, OSError) as error:
            failure = self._classify(error)
            raise AttemptError(failure, f"{type(error).__name__}: {error}") from error

    def _classify(self, error: Exception) -> Failure:
        if isinstance(error, ConnectionTimeoutError):
            return Failure.CONNECT_TIMEOUT
        if isinstance(error, ClientConnectorError):
            return Failure.REFUSED
        if isinstance(error, TimeoutError):
            return Failure.NO_RESPONSE
        if isinstance(error, ServerDisconnectedError) and not isinstance(error.message, str):
            return Failure.BAD_RESPONSE  # a part of the head came: the node had taken the request
        if isinstance(error, (ServerDisconnectedError, ClientOSError, ConnectionError)):
            return Failure.CLOSED_REUSED if self.reused else Failure.CLOSED_FRESH
        return Failure.BAD_RESPONSE


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
    """A request as a node gets it; ``target`` is in origin form."""

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

    async def send(self, attempt: Attempt, request: NodeRequest, *, fresh: bool) -> "NodeResponse":
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
                    headers=CIMultiDict((_text(name), _text(value)) for name, value in request.headers),
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
            trace_configs=[_trace()],
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


class NodeResponse:
    """A response whose head is here and whose body is still to be read; must be finished one way or the other."""

    def __init__(self, response: ClientResponse, left: Callable[[], None]) -> None:
        self._response = response
        self._left: Callable[[], None] | None = left
        self.status = response.status
        self.reason = response.reason or ""
        self.headers: Headers = response.raw_headers
        self._closed = self._watch_connection()

    async def read(self) -> bytes:
        """The next piece of the body, empty at its end. Raises ConnectionAbortedError if it breaks off."""
        try:
            return await self._response.content.readany()
        except (ClientError, HttpProcessingError, OSError) as error:
            raise ConnectionAbortedError(f"{type(error).__name__}: {error}") from error

    def finish(self, *, reusable: bool) -> None:
        """Give the connection back if it may be used again, or close it."""
        if self._left is None:
            return
        left, self._left = self._left, None
        if self._closed is not None:
            self._closed.remove_done_callback(self._connection_closed)
        if reusable:
            self._response.release()
        else:
            self._response.close()
        left()

    def _watch_connection(self) -> asyncio.Future[None] | None:
        """Have :meth:`read` fail when the connection closes.

        aiohttp's parser forgets to tell the body's reader when rubbish in the middle of a body made it give up.
        """
        connection = self._response.connection
        if connection is None or connection.protocol is None:
            return None  # the whole response is here already
        closed = connection.protocol.closed
        if closed is not None:
            closed.remove_done_callback(_heed)
            closed.add_done_callback(_heed)
            closed.add_done_callback(self._connection_closed)
        return closed

    def _connection_closed(self, _closed: asyncio.Future[None]) -> None:
        content = self._response.content
        if not content.is_eof() and content.exception() is None:
            content.set_exception(ClientPayloadError("the response breaks off"))


def _heed(closed: asyncio.Future[None]) -> None:
    """Take note of how a connection ended, or asyncio complains that nobody did."""
    if not closed.cancelled():
        closed.exception()


def _trace() -> TraceConfig:
    async def reused(_s: ClientSession, context: SimpleNamespace, _p: TraceConnectionReuseconnParams) -> None:
        context.trace_request_ctx.connected(reused=True)

    async def created(_s: ClientSession, context: SimpleNamespace, _p: object) -> None:
        context.trace_request_ctx.connected(reused=False)

    trace = TraceConfig()
    trace.on_connection_reuseconn.append(reused)
    trace.on_connection_create_end.append(created)
    return trace


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
