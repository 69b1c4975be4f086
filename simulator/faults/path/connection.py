"""One connection through a path: both sides pass on what they get, as far as the rules let it."""

import asyncio
import socket
import struct
from contextlib import suppress
from http import HTTPStatus

from simulator.faults.path.heads import Heads
from simulator.faults.path.rules import Answer, Rule, Rules, pieces

READ_BYTES = 64 * 1024
TICK_S = 0.05
"""How finely a slow answer is cut."""
WAITING_CHUNKS = 64
"""So much of an answer may wait in a slow path; then the node has to."""
LINGER_S = 1.0
"""How long the client may take to close after an answer of ours."""


class Connection:
    """Two streams, bound together."""

    def __init__(
        self, rules: Rules, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, http: bool = True
    ) -> None:
        """Without ``http`` nothing is read in what passes, and each piece from the client counts as a request."""
        self._rules, self._reader, self._writer, self._http = rules, reader, writer, http
        self._node_writer: asyncio.StreamWriter | None = None
        self._heads = Heads()
        self._met: list[Rule] = []
        self._delay_s = 0.0
        self._in_body = False
        self.lost_bytes = False
        """Whether bytes of it have vanished: it is of no use to anybody any more."""

    async def relay(self, node: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None) -> None:
        """Pass on until one side closes. Without a ``node``, only what the path answers itself is answered."""
        try:
            with suppress(ConnectionError, TimeoutError):
                if node is None:
                    await self._up()
                else:
                    self._node_writer = node[1]
                    await self._both(node[0])
        finally:
            self.close()

    async def _both(self, node_reader: asyncio.StreamReader) -> None:
        up = asyncio.create_task(self._up())
        down = asyncio.create_task(self._down(node_reader))
        try:
            await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    def close(self) -> None:
        """Close both sides."""
        for writer in filter(None, (self._writer, self._node_writer)):
            writer.close()

    def abort(self) -> None:
        """End both sides at once; the load balancer gets a reset (RST)."""
        sock = self._writer.get_extra_info("socket")
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for writer in filter(None, (self._writer, self._node_writer)):
            writer.transport.abort()

    async def _up(self) -> None:
        """From the load balancer to the node."""
        held = b""
        while data := await self._reader.read(READ_BYTES):
            if self._vanishes():
                continue
            if not self._http:
                self._delay_s = self._rules.delay_s(self._rules.meet(""))
                if self._node_writer is None:
                    return
                self._node_writer.write(data)
                await self._node_writer.drain()
                continue
            targets = self._heads.feed(data)
            held += data
            if self._heads.in_head:
                continue
            if targets and not await self._let_pass(targets[-1]):
                return
            if self._node_writer is None:
                return
            self._node_writer.write(held)
            held = b""
            await self._node_writer.drain()

    async def _let_pass(self, target: str) -> bool:
        """Decide what a request meets; false if it ends here."""
        self._met = self._rules.meet(target)
        self._in_body = False
        for rule in self._met:
            if rule.kind == "reset":
                rule.hit()
                self.abort()
                return False
            if rule.kind == "hangs":
                rule.hit()
                while await self._reader.read(READ_BYTES):
                    pass
                return False
        answer = self._rules.answer(self._met, asyncio.get_running_loop().time())
        if answer:
            await self._say(answer)
            return False
        self._delay_s = self._rules.delay_s(self._met)
        return True

    async def _say(self, answer: Answer) -> None:
        """Answer in the node's place, and wait a while for the client to close."""
        body = answer.body.encode()
        head = (
            f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        await self._writer.drain()
        async with asyncio.timeout(LINGER_S):
            while await self._reader.read(READ_BYTES):
                pass

    async def _down(self, node_reader: asyncio.StreamReader) -> None:
        """From the node to the load balancer, each piece when it is due."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(WAITING_CHUNKS)
        sender = asyncio.create_task(self._send(queue))
        loop = asyncio.get_running_loop()
        try:
            while data := await node_reader.read(READ_BYTES):
                if not self._vanishes():
                    await queue.put((loop.time() + self._delay_s, data))
            await queue.put((loop.time() + self._closing_delay_s(), b""))
            await sender
        finally:
            sender.cancel()

    def _closing_delay_s(self) -> float:
        rule = self._rules.find("slow_close")
        if rule is None:
            return 0.0
        rule.hit()
        return rule.values["delay"]

    async def _send(self, queue: asyncio.Queue[tuple[float, bytes]]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s, data = await queue.get()
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            if not data or self._vanishes():
                return
            rate = self._bytes_per_s()
            if rate is None:
                self._writer.write(data)
                await self._writer.drain()
                continue
            for piece in pieces(data, rate, TICK_S):
                self._writer.write(piece)
                await self._writer.drain()
                await asyncio.sleep(len(piece) / rate)

    def _bytes_per_s(self) -> float | None:
        """How fast an answer goes on; None for as fast as it comes. Its first piece counts as the effect."""
        slow = [rule for rule in self._met if rule.kind in {"bandwidth", "slow_body"}]
        first, self._in_body = not self._in_body, True
        for rule in slow if first else ():
            rule.hit()
        return min((rule.values["bytes_per_s"] for rule in slow), default=None)

    def _vanishes(self) -> bool:
        """Whether what has just come is lost on the way."""
        rule = self._rules.find("blackhole") or self._rules.find("partition")
        if rule is None:
            return False
        rule.hit()
        self.lost_bytes = True
        return True
