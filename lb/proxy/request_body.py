"""A request's body on its way to a node: streamed, but kept while it is small so that it can be sent once more."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from aiohttp.streams import StreamReader

REPLAY_LIMIT_BYTES = 64 * 1024
"""How much of a body is kept. A bigger one can be sent to a second node only if the first has taken nothing."""


class Patience(Protocol):
    """How long a node may take: the time in which we wait for the client does not count against the node."""

    def pause(self) -> None:
        """Now we wait for the client."""
        ...

    def resume(self) -> None:
        """It is the node's turn again, with its whole time."""
        ...


class ClientTooSlowError(Exception):
    """The client did not go on with its body in time."""


class ClientBodyBrokenError(Exception):
    """The client's connection or framing broke within the body."""


class RequestBody:
    """Reads the client's body at the node's pace; starts over from what it kept if asked again.

    ``on_first_read`` is awaited before the first byte is read: then it is time for 100 Continue.
    """

    def __init__(
        self, source: StreamReader, timeout_s: float, on_first_read: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._source = source
        self._timeout_s = timeout_s
        self._on_first_read = on_first_read
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self.replayable = True
        self.received_bytes = 0
        self.failure: Exception | None = None

    async def chunks(self, patience: Patience) -> AsyncIterator[bytes]:
        """The whole body, once. Must not be called again unless ``replayable`` is still true."""
        for chunk in self._kept:
            yield chunk
        while True:
            patience.pause()
            chunk = await self._read()
            patience.resume()
            if not chunk:
                return
            self._keep(chunk)
            yield chunk

    async def _read(self) -> bytes:
        if self._on_first_read is not None:
            first_read, self._on_first_read = self._on_first_read, None
            await first_read()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._source.readany()
        except TimeoutError:
            self.failure = ClientTooSlowError(f"no more of the body within {self._timeout_s:g} s")
        except Exception as error:  # aiohttp raises several unrelated types here, all of them the client's doing
            self.failure = ClientBodyBrokenError(str(error) or type(error).__name__)
        self.replayable = False
        raise self.failure

    def _keep(self, chunk: bytes) -> None:
        self.received_bytes += len(chunk)
        if not self.replayable:
            return
        self._kept_bytes += len(chunk)
        if self._kept_bytes > REPLAY_LIMIT_BYTES:
            self.replayable = False
            self._kept.clear()
        else:
            self._kept.append(chunk)
