"""Bounded traffic of many kinds: pages, orders, uploads, tunnels, and clients that leave in the middle."""

import asyncio
import random
import socket
import struct
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

KINDS = {"page": 62, "order": 20, "upload": 6, "slow": 4, "leave": 5, "websocket": 3}
"""How often which kind comes, in percent."""
PATIENCE_S = 15.0
PAUSE_S = 0.2
"""The mean pause of a user between two requests."""


@dataclass
class Ledger:
    """What users know."""

    outcomes: Counter[str] = field(default_factory=Counter)
    sent_orders: set[str] = field(default_factory=set)
    confirmed_orders: set[str] = field(default_factory=set)
    requests: int = 0


class User:
    """One browser: a session, at most one connection, one thing after the other."""

    def __init__(self, number: int, port: int, ledger: Ledger, rng: random.Random) -> None:
        self._number, self._port, self._ledger, self._rng = number, port, ledger, rng
        self._route = ""
        self._orders = 0
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self, until_s: float) -> None:
        """Go on until the loop's clock says ``until_s``."""
        loop = asyncio.get_running_loop()
        while loop.time() < until_s:
            kind = self._rng.choices(list(KINDS), list(KINDS.values()))[0]
            outcome = "broken"
            try:
                async with asyncio.timeout(PATIENCE_S):
                    outcome = await getattr(self, f"_{kind}")()
            except TimeoutError:
                outcome = "no answer in time"
                self._hang_up()
            except (ConnectionError, asyncio.IncompleteReadError, ValueError, OSError):
                self._hang_up()
            self._ledger.requests += 1
            self._ledger.outcomes[f"{kind}: {outcome}"] += 1
            await asyncio.sleep(self._rng.uniform(0, 2 * PAUSE_S))
        self._hang_up()

    async def _page(self) -> str:
        return await self._ask(f"GET /page/{self._rng.randrange(1000)}")

    async def _slow(self) -> str:
        return await self._ask("GET /slow")

    async def _order(self) -> str:
        self._orders += 1
        order = f"{self._number}-{self._orders}"
        self._ledger.sent_orders.add(order)
        outcome = await self._ask(f"POST /order/{order}", b"x" * self._rng.choice((10, 1000, 100_000)))
        if outcome == "200":
            self._ledger.confirmed_orders.add(order)
        return outcome

    async def _upload(self) -> str:
        reader, writer = await self._connection()
        writer.write(self._head("PUT /attachment", "Transfer-Encoding: chunked"))
        for _ in range(16):
            writer.write(b"4000\r\n" + b"u" * 0x4000 + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        return await self._answer(reader)

    async def _leave(self) -> str:
        _, writer = await self._connection()
        writer.write(self._head("GET /slow"))
        await asyncio.sleep(self._rng.uniform(0, 0.2))
        if self._rng.random() < 0.5:
            raw: socket.socket = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._hang_up()
        return "left"

    async def _websocket(self) -> str:
        self._hang_up()
        reader, writer = await self._connection()
        writer.write(self._head("GET /ws", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))  # fmt: skip
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.partition(b"\r\n")[0]:
            self._hang_up()
            return head[9:12].decode()
        try:
            for _ in range(5):
                writer.write(b"ping")
                if await reader.readexactly(4) != b"ping":
                    return "WRONG echo"
                await asyncio.sleep(self._rng.uniform(0, 1))
        except (ConnectionError, asyncio.IncompleteReadError):
            return "101, closed by the other side"
        finally:
            self._hang_up()
        return "101"

    async def _ask(self, what: str, body: bytes = b"") -> str:
        reader, writer = await self._connection()
        length = (f"Content-Length: {len(body)}",) if what.startswith("POST") else ()
        writer.write(self._head(what, *length) + body)
        await writer.drain()
        return await self._answer(reader)

    async def _answer(self, reader: asyncio.StreamReader) -> str:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        await reader.readexactly(int(fields.get("content-length", 0)))
        if cookie := fields.get("set-cookie"):
            self._route = cookie.partition(";")[0]
        if fields.get("connection", "").lower() == "close":
            self._hang_up()
        status = first.split(" ")[1]
        return status if "x-node" in fields else f"{status} by the load balancer"

    def _head(self, what: str, *fields: str) -> bytes:
        cookie = "; ".join(filter(None, [f"JSESSIONID={self._number:032X}", self._route]))
        lines = [f"{what} HTTP/1.1", "Host: jira.example", f"Cookie: {cookie}", *fields]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The one that is open; a new one if there is none, and now and then anyway."""
        if self._stream is not None and (self._stream[0].at_eof() or self._rng.random() < 0.05):
            self._hang_up()
        if self._stream is None:
            self._stream = await asyncio.open_connection("127.0.0.1", self._port)
        return self._stream

    def _hang_up(self) -> None:
        if self._stream is not None:
            with suppress(ConnectionError):
                self._stream[1].close()
            self._stream = None
