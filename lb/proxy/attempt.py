"""One attempt at getting a response from a node: when it was connected and answered, and by which failure it ended.

aiohttp's client repeats idempotent requests by itself once when a pooled connection turns out dead. A proxy must know
how often it sends a request, so an attempt is also a client middleware: it turns the errors that would start that
repetition into :class:`AttemptError`, which aiohttp passes on untouched. What we count is what is sent.
"""

from collections.abc import Callable
from types import SimpleNamespace

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientHandlerType,
    ClientOSError,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ConnectionTimeoutError,
    ServerDisconnectedError,
    TraceConfig,
    TraceConnectionReuseconnParams,
)
from aiohttp.http_exceptions import HttpProcessingError

from lb.retry import Failure


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


def connection_trace() -> TraceConfig:
    """Has a session tell each :class:`Attempt` (its ``trace_request_ctx``) when it is connected, and how."""

    async def reused(_s: ClientSession, context: SimpleNamespace, _p: TraceConnectionReuseconnParams) -> None:
        context.trace_request_ctx.connected(reused=True)

    async def created(_s: ClientSession, context: SimpleNamespace, _p: object) -> None:
        context.trace_request_ctx.connected(reused=False)

    trace = TraceConfig()
    trace.on_connection_reuseconn.append(reused)
    trace.on_connection_create_end.append(created)
    return trace
