"""Small HTTP servers for tests that behave exactly as told, misbehaviour included, and count what they execute.

A node answers ``/status`` from its ``state``, or by the behaviour set as ``check``; every other path is handled by
the behaviour set for it, a coroutine function that gets the connection and the request, and writes raw bytes. Nothing
is corrected on the way.
"""

import asyncio
import json
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True)
class Request:
    """A request's head as it arrived."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """All values of a header field, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        """The only value of a header field; None if it is absent."""
        found = self.all(name)
        assert len(found) <= 1, f"{name} came {len(found)} times"
        return found[0] if found else None


@dataclass
class Connection:
    """A client's connection, numbered from 1 in the order of acceptance."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    requests: int = 0

    async def send(self, data: bytes | str) -> None:
        """Write and wait until there is room for more."""
        self.writer.write(data if isinstance(data, bytes) else data.encode())
        await self.writer.drain()

    async def read_body(self, request: Request) -> bytes:
        """The request's whole body."""
        if "chunked" in (request.get("Transfer-Encoding") or ""):
            body = b""
            async for chunk in self.chunks():
                body += chunk
            return body
        return await self.reader.readexactly(int(request.get("Content-Length") or 0))

    async def chunks(self) -> AsyncIterator[bytes]:
        """The pieces of a chunked body as they come."""
        while size := int((await self.reader.readline()).split(b";")[0], 16):
            data = await self.reader.readexactly(size)
            await self.reader.readexactly(2)
            yield data
        await self.reader.readline()

    def reset(self) -> None:
        """Close with RST."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Behaviour = Callable[[Connection, Request], Awaitable[bool]]
"""Handles one request; true keeps the connection open for the next."""


@dataclass
class HttpNode:
    """A server on a loopback port of its own."""

    name: str = "node1"
    state: str = "RUNNING"
    status_code: int | None = None
    boot_id: str = "boot-1"
    port: int = 0
    received: list[Request] = field(default_factory=list)
    executions: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    """How often each operation was carried out, by the request's ``Operation-Id``."""
    busy: int = 0
    busiest: int = 0
    """The most requests it ever had at once."""
    connections: int = 0
    open_connections: set[int] = field(default_factory=set)
    checks: int = 0
    check: Behaviour | None = None
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    retiring: bool = False
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; a second start uses the same port again."""
        self.retiring = False
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def retire(self) -> None:
        """Stop as a careful server does: refuse connections, and end each open one with its next response."""
        self.retiring = True
        if self._server is not None:
            self._server.close()
            self._server = None

    async def stop(self) -> None:
        """Refuse connections and drop those that are open."""
        self.retire()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def on(self, path: str, behaviour: Behaviour) -> None:
        """Handle ``path`` by ``behaviour``."""
        self.behaviours[path] = behaviour

    def execute(self, request: Request) -> None:
        """Carry out what ``request`` asks for: what must not happen twice."""
        self.operations[request.get("Operation-Id") or ""] += 1

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        connection = Connection(self.connections, reader, writer)
        self.open_connections.add(connection.number)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._serve_one(connection):
                    pass
        finally:
            self._tasks.discard(task)
            self.open_connections.discard(connection.number)
            writer.close()

    async def _serve_one(self, connection: Connection) -> bool:
        head = await connection.reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, target, _ = first.split(" ")
        pairs = (line.partition(":") for line in lines)
        request = Request(method, target, tuple((name, value.strip()) for name, _, value in pairs))
        path = target.partition("?")[0]
        if path == "/status":
            self.checks += 1
            if self.check is not None:
                return await self.check(connection, request)
            await self._tell_state(connection)
            return request.get("Connection") != "close"
        connection.requests += 1
        self.received.append(request)
        self.executions[f"{method} {path}"] += 1
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            return await self.behaviours.get(path, self._echo)(connection, request)
        finally:
            self.busy -= 1

    async def _tell_state(self, connection: Connection) -> None:
        code = self.status_code or (503 if self.state in {"DRAINING", "MAINTENANCE"} else 200)
        body = json.dumps({"state": self.state, "nodeId": self.name, "bootId": self.boot_id, "sequence": self.checks})
        await connection.send(f"HTTP/1.1 {code} X\r\nContent-Length: {len(body)}\r\n\r\n{body}")

    async def _echo(self, connection: Connection, request: Request) -> bool:
        body = await connection.read_body(request)
        self.execute(request)
        fields = ("Connection: close",) if self.retiring else ()
        text = self.name + (f" got {len(body)}" if body else "")
        await connection.send(ok(text, *fields, head=request.method == "HEAD"))
        return not self.retiring


def ok(body: str | bytes = "", *headers: str, status: str = "200 OK", head: bool = False) -> bytes:
    """A complete response with Content-Length; for HEAD without the body."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(data)}", "", ""]
    return "\r\n".join(lines).encode() + (b"" if head else data)


def answering(data: bytes | str, *, keep: bool = True) -> Behaviour:
    """Read the request's body, then send ``data`` as it is."""

    async def behaviour(connection: Connection, request: Request) -> bool:
        await connection.read_body(request)
        await connection.send(data)
        return keep

    return behaviour


async def close_without_a_byte(connection: Connection, request: Request) -> bool:
    """Take the request and close."""
    await connection.read_body(request)
    return False


async def reset_without_a_byte(connection: Connection, request: Request) -> bool:
    """Take the request and reset the connection."""
    await connection.read_body(request)
    connection.reset()
    return False


def close_if_reused(name: str) -> Behaviour:
    """Serve a connection's first request; close without a byte at its second: the keep-alive race, every time."""

    async def behaviour(connection: Connection, request: Request) -> bool:
        await connection.read_body(request)
        if connection.requests > 1:
            return False
        await connection.send(ok(name))
        return True

    return behaviour


@dataclass
class Gate:
    """A behaviour that waits: tells that a request is in, answers once it is let go, notices a client that leaves."""

    body: str = "late"
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    client_left: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, connection: Connection, request: Request) -> bool:
        await connection.read_body(request)
        self.entered.set()
        leaving = asyncio.create_task(connection.reader.read(1))
        going_on = asyncio.create_task(self.release.wait())
        try:
            await asyncio.wait({leaving, going_on}, return_when=asyncio.FIRST_COMPLETED)
            if leaving.done():
                self.client_left.set()
                return False
        finally:
            leaving.cancel()
            going_on.cancel()
            await asyncio.gather(leaving, going_on, return_exceptions=True)
        await connection.send(ok(self.body))
        return True


@asynccontextmanager
async def raw_connection(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare connection to the server at ``url``, for clients that mind every byte."""
    host, port = url.removeprefix("http://").rstrip("/").rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()  # nothing is worth flushing any more, and the other side may not be reading
