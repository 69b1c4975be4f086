"""A client that minds every byte: it tells a complete answer from one that broke off, a clean end from a reset."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.support.http_nodes import raw_connection
from tests.support.waiting import LIMIT_S


@dataclass(frozen=True)
class Answer:
    """A complete response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        """All values of a header field, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def closes(self) -> bool:
        """Whether it says that the connection is not to be used again."""
        return "close" in [value.lower() for value in self.all("Connection")]


class NoAnswerError(Exception):
    """The connection ended in good order, and not one byte of a response had come."""


class BrokenOffError(Exception):
    """The connection was reset, or it ended within a response."""


@dataclass
class RawClient:
    """One connection to a server; requests go over it one after the other."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @staticmethod
    @asynccontextmanager
    async def to(url: str) -> "AsyncIterator[RawClient]":
        """Connect to ``url``."""
        async with raw_connection(url) as (reader, writer):
            yield RawClient(reader, writer)

    async def send(
        self,
        method: str = "GET",
        path: str = "/",
        *headers: str,
        body: bytes | None = None,
        node: str = "",
        version: str = "1.1",
    ) -> None:
        """Send a request, bound to ``node`` if one is named; a ``body`` is sent with its length."""
        fields = ["Host: h", *headers]
        if node:
            fields.append(f"Cookie: ROUTEID=.{node}")
        if body is not None:
            fields.append(f"Content-Length: {len(body)}")
        head = "\r\n".join([f"{method} {path} HTTP/{version}", *fields, "", ""])
        if self.reader.at_eof():
            raise NoAnswerError("the connection had ended before the request")
        try:
            self.writer.write(head.encode() + (body or b""))
            await self.writer.drain()
        except ConnectionError as error:
            raise BrokenOffError(f"the connection was reset under the request: {error}") from error

    async def answer(self, began: asyncio.Event | None = None, limit_s: float = LIMIT_S) -> Answer:
        """The next response, interim ones left out; ``began`` is set with the first byte of its body."""
        try:
            async with asyncio.timeout(limit_s):
                status, headers = await self._head()
                while 100 <= status < 200 and status != 101:
                    status, headers = await self._head()
                return Answer(status, headers, await self._body(status, headers, began or asyncio.Event()))
        except asyncio.IncompleteReadError as error:
            raise BrokenOffError(f"it ended within a response, after {error.partial[-40:]!r}") from error
        except ConnectionError as error:
            raise BrokenOffError(f"the connection was reset: {error}") from error
        except TimeoutError:
            raise AssertionError(f"no complete response within {limit_s:g} s") from None

    async def request(
        self, method: str = "GET", path: str = "/", *headers: str, body: bytes | None = None, node: str = ""
    ) -> Answer:
        """Send a request and read the answer."""
        await self.send(method, path, *headers, body=body, node=node)
        return await self.answer()

    async def ended(self, limit_s: float = LIMIT_S) -> bytes:
        """What still comes until the server ends the connection, in whichever way."""
        got = b""
        try:
            async with asyncio.timeout(limit_s):
                while data := await self.reader.read(65536):
                    got += data
        except ConnectionError:
            pass
        except TimeoutError:
            raise AssertionError(f"the connection still stands after {limit_s:g} s") from None
        return got

    async def _head(self) -> tuple[int, tuple[tuple[str, str], ...]]:
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if not error.partial:
                raise NoAnswerError from error
            raise
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return int(first.split(" ")[1]), tuple((name, value.strip()) for name, _, value in pairs)

    async def _body(self, status: int, headers: Sequence[tuple[str, str]], began: asyncio.Event) -> bytes:
        fields = {name.lower(): value for name, value in headers}
        if status in {101, 204, 304}:
            return b""
        if "chunked" in fields.get("transfer-encoding", ""):
            return b"".join([chunk async for chunk in self._chunks(began)])
        if "content-length" in fields:
            return await self._exactly(int(fields["content-length"]), began)
        body = b""
        while data := await self.reader.read(65536):
            began.set()
            body += data
        return body

    async def _chunks(self, began: asyncio.Event) -> AsyncIterator[bytes]:
        while size := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
            yield await self._exactly(size, began)
            await self.reader.readexactly(2)
        while await self.reader.readuntil(b"\r\n") != b"\r\n":
            pass

    async def _exactly(self, size: int, began: asyncio.Event) -> bytes:
        if not size:
            return b""
        first = await self.reader.readexactly(1)
        began.set()
        return first + await self.reader.readexactly(size - 1)
