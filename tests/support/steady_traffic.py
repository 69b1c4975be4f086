"""Users who never pause and forgive nothing: whatever is not a complete, right answer is a failure."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from tests.support.http_nodes import Connection, HttpNode, Request
from tests.support.raw_clients import BrokenOffError, NoAnswerError, RawClient
from tests.support.waiting import stand_still
from tests.support.web_sockets import EchoSocket

UPLOAD = b"u" * 200_000


async def count_for_ever(connection: Connection, _request: Request) -> bool:
    """A behaviour: an event stream that counts, and never ends of its own accord."""
    await connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    number = 0
    while True:
        event = f"data: {number}\n\n"
        await connection.send(f"{len(event):x}\r\n{event}\r\n")
        number += 1
        await stand_still(0.01, "an event now and then")


@dataclass
class Traffic:
    """What became of it."""

    url: str
    requests: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    events: int = 0
    echoes: int = 0
    connections: int = 0

    @property
    def total(self) -> int:
        """How many requests were answered as they should be."""
        return self.requests.total()

    async def keep_asking(self, session: str) -> None:
        """One browser on a kept-alive connection; it opens another one only when it is told to."""
        while True:
            self.connections += 1
            async with self._client() as client:
                while await self._ask(client, "GET", "kept", f"JSESSIONID={session}"):
                    await stand_still(0.002, "a short thought")

    async def keep_coming(self) -> None:
        """A stranger on a new connection, again and again."""
        while True:
            self.connections += 1
            async with self._client() as client:
                await self._ask(client, "GET", "new", "")
            await stand_still(0.005, "they come one after the other")

    async def keep_uploading(self) -> None:
        """An upload in two pieces, on a new connection each."""
        while True:
            async with self._client() as client:
                await client.send("POST", "/upload", f"Content-Length: {len(UPLOAD)}")
                client.writer.write(UPLOAD[: len(UPLOAD) // 2])
                await stand_still(0.02, "the second piece comes later")
                client.writer.write(UPLOAD[len(UPLOAD) // 2 :])
                await self._expect(client, "upload", f" got {len(UPLOAD)}".encode())

    async def listen(self, node: str) -> None:
        """An event stream that must not miss one."""
        async with self._client() as client:
            await client.send("GET", "/events", node=node)
            await client.reader.readuntil(b"\r\n\r\n")
            try:
                while True:
                    line = await client.reader.readuntil(b"\n\n\r\n")
                    if line.split(b"\r\n")[1] != f"data: {self.events}\n\n".encode():
                        self.failures.append(f"event {self.events}: {line!r}")
                    self.events += 1
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                self.failures.append(f"the event stream ended after {self.events} events: {error!r}")

    async def talk(self, node: str) -> None:
        """A WebSocket that says something and gets it back, again and again."""
        async with ClientSession(cookies={"ROUTEID": f".{node}"}) as session:
            socket: ClientWebSocketResponse
            async with session.ws_connect(self.url + "/ws") as socket:
                while True:
                    await socket.send_str(str(self.echoes))
                    message = await socket.receive()
                    if (message.type, message.data) != (WSMsgType.TEXT, str(self.echoes)):
                        self.failures.append(f"the WebSocket after {self.echoes} echoes: {message}")
                        return
                    self.echoes += 1
                    await stand_still(0.005, "a short thought")

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[RawClient]:
        try:
            async with RawClient.to(self.url) as client:
                yield client
        except OSError as error:
            self.failures.append(f"no connection: {error}")
            await stand_still(0.01, "who is turned away does not come back at once")

    async def _ask(self, client: RawClient, method: str, kind: str, cookie: str) -> bool:
        """True if the connection may be used again."""
        try:
            await client.send(method, "/", *([f"Cookie: {cookie}"] if cookie else []))
        except (NoAnswerError, BrokenOffError) as error:
            self.failures.append(f"{kind}: {error}")
            return False
        return await self._expect(client, kind, b"")

    async def _expect(self, client: RawClient, kind: str, ending: bytes) -> bool:
        try:
            answer = await client.answer(limit_s=20)
        except (NoAnswerError, BrokenOffError) as error:
            self.failures.append(f"{kind}: {error!r}")
            return False
        if answer.status != 200 or not answer.body.endswith(ending):
            self.failures.append(f"{kind}: {answer.status} {answer.body[:200]!r}")
        self.requests[kind] += 1
        return not answer.closes


def prepare(node: HttpNode) -> EchoSocket:
    """Let ``node`` serve event streams and WebSockets."""
    echo = EchoSocket()
    node.on("/events", count_for_ever)
    node.on("/ws", echo)
    return echo


@asynccontextmanager
async def steady_traffic(url: str, *, browsers: int = 4, streams_to: str = "") -> AsyncIterator[Traffic]:
    """Traffic from many sides until the block ends; with ``streams_to`` an event stream and a WebSocket to a node."""
    traffic = Traffic(url)
    sides: list[Callable[[], Awaitable[None]]] = [traffic.keep_coming, traffic.keep_coming, traffic.keep_uploading]
    tasks = [asyncio.ensure_future(side()) for side in sides]
    tasks += [asyncio.ensure_future(traffic.keep_asking(f"s{number}")) for number in range(browsers)]
    if streams_to:
        tasks += [asyncio.ensure_future(traffic.listen(streams_to)), asyncio.ensure_future(traffic.talk(streams_to))]
    try:
        yield traffic
        for task in tasks:
            if task.done() and task.exception() is not None:
                traffic.failures.append(f"a user gave up: {task.exception()!r}")
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
