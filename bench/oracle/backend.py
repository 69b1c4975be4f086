"""A node that misbehaves exactly as a request asks it to, on raw sockets, and counts what it executes.

A request's ``X-Behave`` names the misbehaviour, ``X-Case`` the case that it belongs to, and ``X-Token`` comes back in
the answer, so that an answer to something else is known as such. Node b never misbehaves.
"""

import asyncio
import base64
import hashlib
import socket
import struct
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

LIMIT_BYTES = 2**20
HOLD_S = 8.0
"""How long a node that never answers keeps its connection."""


@dataclass
class Executed:
    """What one node saw of one case."""

    count: int = 0
    heads: list[bytes] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Incoming:
    """One request at the node."""

    node: str
    head: bytes
    fields: dict[str, str]
    nth: int
    """Which one on its connection, from 1."""
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    executed: Executed

    def get(self, name: str) -> str:
        """The last value of a field; empty if there is none."""
        return self.fields.get(name, "")

    @property
    def is_head(self) -> bool:
        """Whether the answer must have no body."""
        return self.head.startswith(b"HEAD ")

    async def body(self) -> bytes:
        """Read it whole."""
        if "chunked" in self.get("transfer-encoding").lower():
            body = b""
            while size := int((await self.reader.readline()).split(b";")[0], 16):
                body += await self.reader.readexactly(size)
                await self.reader.readexactly(2)
            while (await self.reader.readline()).strip():
                self.executed.notes.append("trailer")
            return body
        return await self.reader.readexactly(int(self.get("content-length") or 0))

    def start(self, status: str = "200 OK", *fields: str, version: str = "HTTP/1.1") -> bytes:
        """The beginning of a head that says who answers what; without the empty line."""
        lines = [f"{version} {status}", f"X-Node: {self.node}", f"X-Token: {self.get('x-token')}", *fields]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n"

    def ok(self, body: bytes = b"hello", status: str = "200 OK") -> bytes:
        """A complete, correct answer."""
        head = self.start(status, f"Content-Length: {len(body)}") + b"\r\n"
        return head if self.is_head else head + body

    async def send(self, *pieces: bytes) -> None:
        """Write and flush."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    def reset(self) -> None:
        """Close with RST."""
        raw: socket.socket = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Bytes = Callable[[Incoming], bytes]
"""Makes an answer, right or wrong."""

Behaviour = Callable[[Incoming], Awaitable[bool]]
"""Handles a request; true keeps the connection."""


class Backend:
    """One node on a port."""

    def __init__(self, name: str, port: int) -> None:
        self.name, self.port = name, port
        self.by_case: dict[str, Executed] = defaultdict(Executed)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=LIMIT_BYTES)

    async def stop(self) -> None:
        """Refuse from now on, and drop what is open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        nth = 0
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ValueError):
                keep = True
                while keep:
                    nth += 1
                    keep = await self._serve(reader, writer, nth)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, nth: int) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        fields = {name.lower(): value.strip() for name, _, value in pairs}
        if " /status " in first or " /ready " in first:
            await reader.readexactly(int(fields.get("content-length", 0)))
            body = b'{"state":"RUNNING"}'
            writer.write(b"HTTP/1.1 200 OK\r\nX-Node: %b\r\nContent-Length: %d\r\n\r\n%b" % (
                self.name.encode(), len(body), b"" if first.startswith("HEAD") else body))  # fmt: skip
            return fields.get("connection", "").lower() != "close"
        executed = self.by_case[fields.get("x-case", "") or _case_in(first)]
        executed.count += 1
        executed.heads.append(head)
        behave = BEHAVIOURS[fields.get("x-behave", "")] if self.name == "a" else answer
        keep = await behave(Incoming(self.name, head, fields, nth, reader, writer, executed))
        return keep and fields.get("connection", "").lower() != "close"


def _case_in(first: str) -> str:
    """The case named in the target, for requests that are hidden in others."""
    return first.partition("case=")[2].partition(" ")[0]


async def answer(incoming: Incoming) -> bool:
    """As it should be."""
    await incoming.body()
    await incoming.send(incoming.ok())
    return True


def raw(make: Bytes, *, keep: bool = True, linger_s: float = 0) -> Behaviour:
    """Read the request, then send these bytes as they are."""

    async def behaviour(incoming: Incoming) -> bool:
        await incoming.body()
        await incoming.send(make(incoming))
        await asyncio.sleep(linger_s)
        return keep

    return behaviour


async def close_without_a_byte(incoming: Incoming) -> bool:
    """Take the request and close."""
    await incoming.body()
    return False


async def close_if_reused(incoming: Incoming) -> bool:
    """The keep-alive race, every time: only a connection's first request is served."""
    await incoming.body()
    if incoming.nth > 1:
        incoming.executed.count -= 1  # it closed its idle connection: nothing was executed
        return False
    await incoming.send(incoming.ok())
    return True


async def reset_without_a_byte(incoming: Incoming) -> bool:
    """Take the request and reset."""
    await incoming.body()
    incoming.reset()
    return False


async def reset_in_the_body(incoming: Incoming) -> bool:
    """Begin to answer and reset once that has arrived."""
    await incoming.body()
    await incoming.send(incoming.start("200 OK", "Content-Length: 100") + b"\r\nhalf")
    await asyncio.sleep(0.2)
    incoming.reset()
    return False


async def never_answer(incoming: Incoming) -> bool:
    """Take the request and wait; note when whoever sent it leaves."""
    await incoming.body()
    with suppress(TimeoutError):
        async with asyncio.timeout(HOLD_S):
            await incoming.reader.read(1)
            incoming.executed.notes.append("it left")
    return False


async def refuse_early(incoming: Incoming) -> bool:
    """413 before the body has come, and the connection closed in good order."""
    await incoming.send(incoming.start("413 Too Large", "Content-Length: 0", "Connection: close") + b"\r\n")
    await asyncio.sleep(0.5)
    return False


async def ask_for_the_body(incoming: Incoming) -> bool:
    """100, then the body, then 200."""
    if incoming.get("expect").lower() == "100-continue":
        await incoming.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    return await answer(incoming)


async def want_no_body(incoming: Incoming) -> bool:
    """417 instead of 100: the body never comes."""
    await incoming.send(incoming.start("417 Expectation Failed", "Content-Length: 0", "Connection: close") + b"\r\n")
    return False


async def hint_early(incoming: Incoming) -> bool:
    """103, then 200."""
    await incoming.body()
    await incoming.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
    await asyncio.sleep(0.05)
    await incoming.send(incoming.ok())
    return True


async def upgrade(incoming: Incoming) -> bool:
    """101, then whatever comes goes back."""
    if incoming.get("upgrade").lower() != "websocket":
        return await answer(incoming)
    # HAProxy looks at the key (RFC 6455 4.2.2); SHA-1 is what that RFC says.
    key = hashlib.sha1(incoming.get("sec-websocket-key").encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    accept = f"Sec-WebSocket-Accept: {base64.b64encode(key).decode()}"
    fields = ("Connection: Upgrade", "Upgrade: websocket", accept)
    await incoming.send(incoming.start("101 Switching Protocols", *fields) + b"\r\n")
    while data := await incoming.reader.read(65536):
        await incoming.send(data)
    return False


async def stream_slowly(incoming: Incoming) -> bool:
    """An event stream: the first event at once, the second after a second."""
    await incoming.body()
    head = incoming.start("200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked") + b"\r\n"
    await incoming.send(head + b"9\r\ndata: 1\n\n\r\n")
    await asyncio.sleep(1)
    await incoming.send(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")
    return True


def _fields(*fields: str, body: bytes = b"", status: str = "200 OK", version: str = "HTTP/1.1") -> Bytes:
    return lambda incoming: incoming.start(status, *fields, version=version) + b"\r\n" + body


HELLO_CHUNKED = b"5\r\nhello\r\n0\r\n\r\n"
POISON = b"HTTP/1.1 200 OK\r\nX-Node: a\r\nX-Token: poison\r\nContent-Length: 6\r\n\r\npoison"

BEHAVIOURS: dict[str, Behaviour] = {
    "": answer,
    "close": close_without_a_byte,
    "close-if-reused": close_if_reused,
    "reset": reset_without_a_byte,
    "never": never_answer,
    "early-413": refuse_early,
    "continue": ask_for_the_body,
    "417": want_no_body,
    "103": hint_early,
    "upgrade": upgrade,
    "sse": stream_slowly,
    "503": raw(_fields("Retry-After: 7", "Content-Length: 2", body=b"no", status="503 Busy")),
    "cut-length": raw(_fields("Content-Length: 100", body=b"half"), keep=False),
    "cut-chunked": raw(_fields("Transfer-Encoding: chunked", body=b"4\r\nhalf\r\n"), keep=False),
    "cut-head": raw(lambda incoming: incoming.start(), keep=False),
    "reset-in-body": reset_in_the_body,
    "garbage": raw(lambda _: b"SSH-2.0-OpenSSH_9.2\r\n\r\n", keep=False, linger_s=1.5),
    "http-3.1": raw(_fields("Content-Length: 5", body=b"hello", version="HTTP/3.1")),
    "two-lengths": raw(_fields("Content-Length: 5", "Content-Length: 6", body=b"hello!"), keep=False),
    "length-list": raw(_fields("Content-Length: 5, 5", body=b"hello"), keep=False),
    "length-negative": raw(_fields("Content-Length: -5", body=b"hello"), keep=False),
    "length-and-chunked": raw(_fields("Content-Length: 5", "Transfer-Encoding: chunked", body=HELLO_CHUNKED)),
    "chunked-twice": raw(_fields("Transfer-Encoding: chunked, chunked", body=HELLO_CHUNKED), keep=False),
    "chunked-1.0": raw(_fields("Transfer-Encoding: chunked", body=HELLO_CHUNKED, version="HTTP/1.0"), keep=False),
    "bad-chunk": raw(_fields("Transfer-Encoding: chunked", body=b"zz\r\nhello\r\n0\r\n\r\n"), keep=False),
    "big-field": raw(_fields("X-Big: " + "x" * 100_000, "Content-Length: 5", body=b"hello")),
    "folded": raw(_fields("X-Folded: one", " two", "Content-Length: 5", body=b"hello")),
    "space-colon": raw(_fields("X-Space : one", "Content-Length: 5", body=b"hello")),
    "nul": raw(_fields("X-Nul: a\0b", "Content-Length: 5", body=b"hello")),
    "bare-lf": raw(lambda incoming: incoming.ok().replace(b"\r\n", b"\n")),
    "until-close-1.0": raw(_fields(body=b"hello", version="HTTP/1.0"), keep=False),
    "until-close-1.1": raw(_fields("Connection: close", body=b"hello"), keep=False),
    "head-with-body": raw(lambda incoming: incoming.start("200 OK", "Content-Length: 5") + b"\r\nhello"),
    "204-with-body": raw(_fields("Content-Length: 5", body=b"hello", status="204 No Content")),
    "304-with-length": raw(_fields("Content-Length: 5", 'ETag: "1"', status="304 Not Modified")),
    "extra": raw(lambda incoming: incoming.ok() + POISON),
    "101-unasked": raw(_fields("Connection: Upgrade", "Upgrade: h", status="101 Switching Protocols"),
                       keep=False, linger_s=1),
    "trailers": raw(_fields("Transfer-Encoding: chunked", "Trailer: X-T", body=b"5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n")),
}  # fmt: skip
