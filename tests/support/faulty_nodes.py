"""Nodes that go wrong by a plan: they leave connections at bad moments, and fail before or after they have acted."""

import asyncio
import random
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.http_nodes import Connection, HttpNode, Request, ok


@dataclass
class Restless:
    """A behaviour that ends kept-alive connections when it likes, as servers with short keep-alive times do.

    With the chance ``race`` a connection is found closed by the very request that was to reuse it: that request is
    never carried out. With ``close_at_once`` it closes right behind a response, with ``close_later`` a moment later.
    """

    node: HttpNode
    rng: random.Random
    race: float = 0.0
    close_at_once: float = 0.0
    close_later: float = 0.0
    later_s: float = 0.003
    races: int = 0
    """Requests lost to a connection that had been closed under them."""
    closings: int = 0
    """Connections closed while they were idle, or just becoming busy again."""

    async def __call__(self, connection: Connection, request: Request) -> bool:
        if connection.requests > 1 and self.rng.random() < self.race:
            self.races += 1
            if self.rng.random() < 0.5:
                connection.reset()
            return False
        await connection.read_body(request)
        self.node.execute(request)
        await connection.send(ok(self.node.name))
        draw = self.rng.random()
        if draw < self.close_at_once:
            self.closings += 1
            return False
        if draw < self.close_at_once + self.close_later:
            self.closings += 1
            delay_s = self.rng.uniform(0, self.later_s)
            asyncio.get_running_loop().call_later(delay_s, connection.writer.close)
        return True


Fault = Callable[[HttpNode, Connection, Request], Awaitable[bool]]


async def _serve(node: HttpNode, connection: Connection, request: Request) -> bool:
    await connection.read_body(request)
    node.execute(request)
    await connection.send(ok(node.name))
    return True


async def _close_before(node: HttpNode, connection: Connection, request: Request) -> bool:
    await connection.read_body(request)
    return False


async def _reset_before(node: HttpNode, connection: Connection, request: Request) -> bool:
    connection.reset()
    return False


async def _close_after(node: HttpNode, connection: Connection, request: Request) -> bool:
    await connection.read_body(request)
    node.execute(request)
    return False


async def _reset_after(node: HttpNode, connection: Connection, request: Request) -> bool:
    await connection.read_body(request)
    node.execute(request)
    connection.reset()
    return False


def _say_and_close(data: bytes) -> Fault:
    async def fault(node: HttpNode, connection: Connection, request: Request) -> bool:
        await connection.read_body(request)
        node.execute(request)
        await connection.send(data)
        return False

    return fault


async def _stall(node: HttpNode, connection: Connection, request: Request) -> bool:
    await connection.read_body(request)
    node.execute(request)
    await connection.reader.read(1)  # until the load balancer has lost patience
    return False


async def _refuse_politely(node: HttpNode, connection: Connection, request: Request) -> bool:
    await connection.read_body(request)
    await connection.send(ok("busy", status="503 Service Unavailable"))
    return True


FAULTS: dict[str, Fault] = {
    "served": _serve,
    "closed before it acted": _close_before,
    "reset before it acted": _reset_before,
    "closed after it acted": _close_after,
    "reset after it acted": _reset_after,
    "half a head": _say_and_close(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "truncated": _say_and_close(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"),
    "garbage": _say_and_close(b"\x16\x03\x01 no HTTP at all\r\n\r\n"),
    "two lengths": _say_and_close(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"),
    "stalled": _stall,
    "busy": _refuse_politely,
}


@dataclass
class Unreliable:
    """A behaviour that draws what goes wrong with each request from a seeded generator."""

    node: HttpNode
    rng: random.Random
    stalls: int = 3
    """At most so many requests get no answer at all: each costs a time-out."""
    drawn: Counter[str] = field(default_factory=Counter)

    async def __call__(self, connection: Connection, request: Request) -> bool:
        fault = "served" if self.rng.random() < 0.5 else self.rng.choice(list(FAULTS))
        if fault == "stalled" and self.drawn[fault] >= self.stalls:
            fault = "closed after it acted"
        self.drawn[fault] += 1
        return await FAULTS[fault](self.node, connection, request)


@contextmanager
def black_hole(port: int) -> Iterator[None]:
    """Make loopback ``port`` swallow connections: none is refused, and none ever stands."""
    fillers = []
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(0)
        for _ in range(4):  # nobody accepts: once its short queue is full, Linux drops what comes
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        try:
            yield
        finally:
            for filler in fillers:
                filler.close()
