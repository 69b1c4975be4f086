"""WebSockets and event streams: passed on as they come, not cut, and closed one by one when a node drains."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from lb.pool import Admin
from tests.support.balancers import SELDOM, RunningBalancer, running_balancer
from tests.support.http_nodes import Behaviour, Connection, HttpNode, Request
from tests.support.raw_clients import RawClient
from tests.support.waiting import LIMIT_S, until
from tests.support.web_sockets import EchoSocket

GOING_AWAY = 1001
CALM: dict[str, Any] = {"health": SELDOM, "rebalance": {"enabled": False}}


async def connect(lb: RunningBalancer, node: str = "", session: str = "s") -> ClientWebSocketResponse:
    bound = f"; ROUTEID=.{node}" if node else ""
    return await lb.client.ws_connect(lb.url + "/ws", headers={"Cookie": f"JSESSIONID={session}{bound}"})


async def echoes(socket: ClientWebSocketResponse, text: str) -> bool:
    await socket.send_str(text)
    return await socket.receive_str(timeout=LIMIT_S) == text


async def test_tc18_a_websocket_goes_through_both_ways_and_the_nodes_shake_hands_is_kept() -> None:
    async with HttpNode("node1") as node, running_balancer(node, **CALM) as lb:
        node.on("/ws", EchoSocket())
        socket = await connect(lb)
        assert await echoes(socket, "hello")
        big = bytes(range(256)) * 1000
        await socket.send_bytes(big)
        assert await socket.receive_bytes(timeout=LIMIT_S) == big
        await socket.ping()
        assert await echoes(socket, "still there")
        assert lb.balancer.view("node1").in_flight == 1, "a tunnel keeps its node from being drained"
        await socket.close(code=4000)
        assert socket.close_code == 4000
        await until(lambda: lb.balancer.view("node1").in_flight == 0, "nothing is in flight")


async def test_tc18_in_a_drain_websockets_are_closed_with_1001_and_spread_over_the_deadline() -> None:
    window_s = 1.0
    settings: dict[str, Any] = {**CALM, "drain": {"deadline": "1s"}}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        echo, other = EchoSocket(), EchoSocket()
        one.on("/ws", echo)
        two.on("/ws", other)
        sessions = [f"s{number}" for number in range(3)] * 2  # two tabs each
        sockets = [(session, await connect(lb, "node1", session)) for session in sessions]
        stranger = await connect(lb, "node2", "stranger")
        loop = asyncio.get_running_loop()
        closed_after_s: list[float] = []
        reconnected: list[ClientWebSocketResponse] = []
        began_s = loop.time()

        async def user(session: str, socket: ClientWebSocketResponse) -> None:
            """Wait to be told to go, and open another one at once, as a page does."""
            message = await socket.receive(timeout=LIMIT_S)
            closed_after_s.append(loop.time() - began_s)
            assert (message.type, socket.close_code) == (WSMsgType.CLOSE, GOING_AWAY)
            again = await connect(lb, "node1", session)
            assert await echoes(again, "hello again")
            reconnected.append(again)

        lb.balancer.set_admin("node1", Admin.DRAIN)
        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(*(user(session, socket) for session, socket in sockets))
            await lb.until(lambda: lb.balancer.view("node1").drained, "node1 is drained")
        for socket in [stranger, *reconnected]:
            assert await echoes(socket, "still there")
            await socket.close()

    # Six reconnects in one moment would be the herd that the window is there to prevent.
    assert closed_after_s[-1] - closed_after_s[0] > window_s / 3
    assert max(later - earlier for earlier, later in pairwise(closed_after_s)) < window_s * 2 / 3
    assert (echo.opened, other.opened) == (6, 7)


async def test_tc18_a_websocket_lives_through_failed_checks_and_a_new_configuration() -> None:
    settings: dict[str, Any] = {"drain": {"deadline": "1h"}}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        echo = EchoSocket()
        one.on("/ws", echo)
        socket = await connect(lb, "node1")
        one.status_code = 500
        await lb.until_state("node1", "DOWN")
        assert await echoes(socket, "its checks fail")
        one.status_code = None
        await lb.until_state("node1", "UP")
        await lb.reload(one, two, **settings, timeouts={"server": "7s"})
        assert await echoes(socket, "there is another configuration")
        lb.balancer.set_admin("node1", Admin.DRAIN)
        assert await echoes(socket, "the drain has an hour")
        lb.balancer.set_admin("node1", Admin.READY)
        assert await echoes(socket, "the drain was withdrawn")
        await socket.close()
        assert echo.opened == 1


async def test_tc18_a_node_that_dies_ends_its_websockets_and_a_client_that_leaves_ends_the_nodes() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **CALM) as lb:
        echo = EchoSocket()
        one.on("/ws", echo)
        left, lost = await connect(lb, "node1"), await connect(lb, "node1")
        assert await echoes(left, "hello")
        await left.close()
        await until(lambda: echo.open == 1, "the node's side of it is closed too")
        await one.stop()
        assert (await lost.receive(timeout=LIMIT_S)).type in {WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR}
        await until(lambda: lb.balancer.view("node1").in_flight == 0, "nothing is in flight")


async def test_tc18_a_refused_upgrade_is_an_ordinary_answer_and_the_connection_goes_on() -> None:
    async with HttpNode("node1") as node, running_balancer(node, **CALM) as lb, RawClient.to(lb.url) as client:
        upgrade = (
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: eA==",
        )
        answer = await client.request("GET", "/no-socket-here", *upgrade)
        assert (answer.status, answer.body) == (200, b"node1")
        assert (await client.request("GET", "/")).status == 200


class Stream:
    """A behaviour that sends an event when the test says so, and never ends of its own accord."""

    def __init__(self, *, chunked: bool) -> None:
        self._chunked = chunked
        self._next = asyncio.Semaphore(0)
        self.client_left = asyncio.Event()

    def send_one(self) -> None:
        self._next.release()

    async def __call__(self, connection: Connection, request: Request) -> bool:
        coding = "Transfer-Encoding: chunked" if self._chunked else "Connection: close"
        await connection.send(
            f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n{coding}\r\n\r\n"
        )
        leaving = asyncio.create_task(connection.reader.read(1))
        sending = asyncio.create_task(self._send(connection))
        try:
            await asyncio.wait({leaving, sending}, return_when=asyncio.FIRST_COMPLETED)
            self.client_left.set()
        finally:
            for task in (leaving, sending):
                task.cancel()
            await asyncio.gather(leaving, sending, return_exceptions=True)
        return False

    async def _send(self, connection: Connection) -> None:
        number = 0
        while True:
            await self._next.acquire()
            number += 1
            event = f"data: {number}\n\n"
            await connection.send(f"{len(event):x}\r\n{event}\r\n" if self._chunked else event)


@pytest.mark.parametrize("chunked", [True, False])
async def test_tc30_each_event_reaches_the_client_while_the_stream_goes_on(chunked: bool) -> None:
    async with HttpNode("node1") as node, running_balancer(node, **CALM) as lb:
        stream = Stream(chunked=chunked)
        node.on("/events", stream)
        async with asyncio.timeout(LIMIT_S), lb.client.get(lb.url + "/events") as response:
            assert response.headers["Content-Type"] == "text/event-stream"
            for number in range(1, 6):
                stream.send_one()
                assert await response.content.readuntil(b"\n\n") == f"data: {number}\n\n".encode()
        async with asyncio.timeout(LIMIT_S):
            await stream.client_left.wait()


async def test_tc30_event_streams_end_within_the_drains_deadline_and_their_clients_come_to_another_node() -> None:
    settings: dict[str, Any] = {**CALM, "drain": {"deadline": "500ms"}}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        streams = {node.name: Stream(chunked=True) for node in (one, two)}
        for node in (one, two):
            node.on("/events", streams[node.name])

        async def page(session: str) -> None:
            """Read until the stream ends, and open another, as EventSource does."""
            cookie = f"Cookie: JSESSIONID={session}; ROUTEID=.node1"
            async with RawClient.to(lb.url) as client:
                await client.send("GET", "/events", cookie)
                head = await client.reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 OK")
                opened.release()
                # Whether it looks complete does not matter to EventSource: it comes again after either.
                await client.ended()
            async with RawClient.to(lb.url) as client:
                await client.send("GET", "/events", cookie)
                await client.reader.readuntil(b"\r\n\r\n")

        opened = asyncio.Semaphore(0)
        pages = [asyncio.create_task(page(f"s{number}")) for number in range(4)]
        async with asyncio.timeout(LIMIT_S):
            for _ in pages:
                await opened.acquire()
            lb.balancer.set_admin("node1", Admin.DRAIN)
            await asyncio.gather(*pages)
            await lb.until(lambda: lb.balancer.view("node1").drained, "node1 is drained")
        assert (one.executions["GET /events"], two.executions["GET /events"]) == (4, 4)


@pytest.mark.parametrize("node_type", ["text/plain", "application/octet-stream"])
async def test_tc30_an_ordinary_download_is_not_cut_by_a_drain(node_type: str) -> None:
    release = asyncio.Event()

    def download(size: int) -> Behaviour:
        async def behaviour(connection: Connection, request: Request) -> bool:
            await connection.send(
                f"HTTP/1.1 200 OK\r\nContent-Type: {node_type}\r\nContent-Length: {2 * size}\r\n\r\n"
            )
            await connection.send(bytes(size))
            await release.wait()
            await connection.send(bytes(size))
            return True

        return behaviour

    settings: dict[str, Any] = {**CALM, "drain": {"deadline": "100ms"}}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        one.on("/download", download(10_000))
        began = asyncio.Event()
        async with RawClient.to(lb.url) as client:
            await client.send("GET", "/download", node="node1")
            reading = asyncio.create_task(client.answer(began=began))
            await began.wait()
            lb.balancer.set_admin("node1", Admin.DRAIN)
            await lb.until(lambda: not lb.balancer.view("node1").takes_bound_sessions, "the deadline is over")
            release.set()
            assert len((await reading).body) == 20_000
