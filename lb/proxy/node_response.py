"""A node's response whose head is here and whose body is still coming."""

import asyncio
from collections.abc import Callable

from aiohttp import ClientError, ClientPayloadError, ClientResponse
from aiohttp.http_exceptions import HttpProcessingError

from lb.headers import Headers


class NodeResponse:
    """A response whose head is here and whose body is still to be read; must be finished one way or the other."""

    def __init__(self, response: ClientResponse, left: Callable[[], None]) -> None:
        self._response = response
        self._left: Callable[[], None] | None = left
        self.status = response.status
        self.reason = _utf8_or_empty(response.reason or "")
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


def _utf8_or_empty(reason: str) -> str:
    """A reason phrase means nothing to anybody (RFC 9112 4); one that cannot be passed on whole is left out."""
    return "" if any("\ud800" <= char <= "\udfff" for char in reason) else reason


def _heed(closed: asyncio.Future[None]) -> None:
    """Take note of how a connection ended, or asyncio complains that nobody did."""
    if not closed.cancelled():
        closed.exception()
