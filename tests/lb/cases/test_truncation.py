"""Responses that break off: no client may take one for complete, in whatever framing it came and goes on."""

import asyncio

import pytest

from tests.support.balancers import SELDOM, running_balancer
from tests.support.http_nodes import Connection, HttpNode, Request
from tests.support.raw_clients import BrokenOffError, RawClient

HEAD = "HTTP/1.1 200 OK\r\n"
BEGINNINGS = {
    "length": HEAD + "Content-Length: 100\r\n\r\npart",
    "chunked, between chunks": HEAD + "Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
    "chunked, in a chunk": HEAD + "Transfer-Encoding: chunked\r\n\r\nff\r\npart",
    "chunked, in the last chunk": HEAD + "Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n0\r\n",
    "until the end": HEAD + "Connection: close\r\n\r\npart",
    "HTTP/1.0": "HTTP/1.0 200 OK\r\n\r\npart",
}
LEGITIMATE = {("until the end", "closed"), ("HTTP/1.0", "closed")}
"""Here closing is how the response says that it is complete."""


class Breaking:
    """A behaviour that begins a response, waits until the client has some of it, and ends the connection."""

    def __init__(self, beginning: str, end: str) -> None:
        self._beginning = beginning
        self._end = end
        self.arrived = asyncio.Event()

    async def __call__(self, connection: Connection, request: Request) -> bool:
        await connection.send(self._beginning)
        await self.arrived.wait()
        if self._end == "reset":
            connection.reset()
        return False


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("end", ["closed", "reset"])
@pytest.mark.parametrize("framing", BEGINNINGS)
async def test_tc27_a_response_that_breaks_off_never_looks_complete(framing: str, end: str, version: str) -> None:
    async with HttpNode("node1") as node, running_balancer(node, health=SELDOM) as lb, RawClient.to(lb.url) as client:
        breaking = Breaking(BEGINNINGS[framing], end)
        node.on("/", breaking)
        await client.send(version=version)
        if (framing, end) in LEGITIMATE:
            assert (await client.answer(began=breaking.arrived)).body == b"part"
        else:
            with pytest.raises(BrokenOffError):
                await client.answer(began=breaking.arrived)


async def test_tc27_a_download_that_breaks_off_far_in_does_not_look_complete_either() -> None:
    async def breaks(connection: Connection, request: Request) -> bool:
        await connection.send(HEAD + "Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(100):
            await connection.send(b"2000\r\n" + bytes(0x2000) + b"\r\n")
        return False

    async with HttpNode("node1") as node, running_balancer(node, health=SELDOM) as lb:
        node.on("/", breaks)
        for version in ("1.1", "1.0"):
            async with RawClient.to(lb.url) as client:
                await client.send(version=version)
                with pytest.raises(BrokenOffError):
                    await client.answer()
