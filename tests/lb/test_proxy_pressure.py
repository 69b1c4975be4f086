"""Sides that do not read, or read slowly: nothing is kept without bound, and nothing waits for ever."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.balancers import SELDOM, RunningBalancer, running_balancer
from tests.support.http_nodes import Connection, Gate, HttpNode, Request, answering, ok
from tests.support.raw_clients import RawClient
from tests.support.waiting import LIMIT_S, at_rest, stand_still, turns, until

BOUND = 24 * 1024 * 1024
"""What the kernel's buffers on both sides may hold, by far; and much less than what is sent."""


@contextmanager
def lazy_client(lb: RunningBalancer) -> Iterator[socket.socket]:
    """A client with small buffers that reads when the test reads, and never otherwise."""
    host, port = lb.url.removeprefix("http://").split(":")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((host, int(port)))
        client.setblocking(False)
        yield client


async def read_for(client: socket.socket, count: int) -> bytes:
    """Read until ``count`` bytes are there or the other side ends."""
    loop, got = asyncio.get_running_loop(), bytearray()
    async with asyncio.timeout(LIMIT_S * 4):
        while len(got) < count and (data := await loop.sock_recv(client, 65536)):
            got += data
    return bytes(got)


async def reads_nothing(connection: Connection, request: Request) -> bool:
    """Take the head and then nothing more, ever."""
    connection.reader._transport.pause_reading()  # type: ignore[attr-defined]  # asyncio has no other way
    await asyncio.Event().wait()
    return False


def kept(lb: RunningBalancer) -> int:
    """How many connections to the node the load balancer has."""
    return len(lb.server._path._proxy.connections["node1"])


def unsent(lb: RunningBalancer) -> int:
    """How many bytes wait in the load balancer's memory for its only client."""
    (client,) = lb.server._path._clients
    return client._transport.get_write_buffer_size() if client._transport is not None else 0


async def test_a_connection_to_a_node_can_be_used_again_after_its_response_went_to_a_slow_client() -> None:
    async with HttpNode("node1") as node, running_balancer(node, timeouts={"server": "2s"}, health=SELDOM) as lb:
        node.on("/small", answering(ok(bytes(40_000))))
        with lazy_client(lb) as client:
            count = 0
            while (
                not count or unsent(lb) <= 64 * 1024
            ):  # until a response is complete and the client does not take it
                count += 1
                client.send(b"GET /small HTTP/1.1\r\nHost: h\r\n\r\n")
                await until(lambda: node.executions["GET /small"] == count and not node.busy, "it is answered")
                await turns(20)  # the response is passed on
            response, body = await lb.request("/")
    assert (response.status, body) == (200, b"node1")


async def test_requests_sent_ahead_by_a_client_that_does_not_read_are_not_served_into_memory() -> None:
    async with HttpNode("node1") as node, running_balancer(node) as lb:
        node.on("/big", answering(ok(bytes(200_000))))
        with lazy_client(lb) as client:
            client.send(b"GET /big HTTP/1.1\r\nHost: h\r\n\r\n" * 400)
            await until(lambda: node.executions["GET /big"] and unsent(lb), "the kernel takes no more")
            await at_rest(lambda: node.executions["GET /big"])
            assert 0 < unsent(lb) < 2 * 1024 * 1024
            got = len(await read_for(client, 400 * 200_000))
    assert got >= 400 * 200_000
    assert node.executions["GET /big"] == 400


async def test_a_client_that_sends_ahead_and_reads_nothing_is_read_no_further() -> None:
    async with HttpNode("node1") as node, running_balancer(node, timeouts={"client": "60s"}) as lb:
        node.on("/first", answering(ok(bytes(16 * 1024 * 1024))))
        with lazy_client(lb) as client:
            client.send(b"GET /first HTTP/1.1\r\nHost: h\r\n\r\n")
            await until(lambda: node.executions["GET /first"], "it is asked")
            sent = 0
            loop = asyncio.get_running_loop()
            with pytest.raises(TimeoutError):
                while sent < 4 * BOUND:
                    async with asyncio.timeout(0.5):
                        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 1000)
                    sent += 27 * 1000
            assert sent < BOUND


async def test_a_node_that_stops_reading_an_upload_is_given_up_and_its_connection_closed() -> None:
    settings: dict[str, Any] = {"timeouts": {"server": "300ms"}, "health": SELDOM}
    async with HttpNode("node1") as node, running_balancer(node, **settings) as lb, RawClient.to(lb.url) as client:
        node.on("/", reads_nothing)
        client.writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n")
        client.writer.write(bytes(30_000_000))
        answer = await client.answer()
        assert (answer.status, answer.all("X-LB-Error")) == (504, ["no-response"])
        await until(lambda: lb.balancer.view("node1").in_flight == 0, "nothing is in flight")
        await until(lambda: kept(lb) == 0, "the connection to the node is gone")


async def test_a_node_that_answers_early_and_reads_no_more_does_not_keep_its_connection() -> None:
    async def answers_and_stops(connection: Connection, request: Request) -> bool:
        await at_rest(client.writer.transport.get_write_buffer_size)  # all buffers are full
        await connection.send(ok("no", status="403 Forbidden"))
        return await reads_nothing(connection, request)

    settings: dict[str, Any] = {"timeouts": {"server": "1s"}, "health": SELDOM}
    async with HttpNode("node1") as node, running_balancer(node, **settings) as lb, RawClient.to(lb.url) as client:
        node.on("/", answers_and_stops)
        client.writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n")
        client.writer.write(bytes(30_000_000))
        assert (await client.answer()).status == 403
        await until(lambda: kept(lb) == 0, "the connection to the node is gone")


async def test_a_client_that_reads_slowly_but_steadily_gets_its_whole_response() -> None:
    size = 12 * 1024 * 1024
    async with HttpNode("node1") as node, running_balancer(node, timeouts={"client": "200ms"}) as lb:
        node.on("/big", answering(ok(bytes(size))))
        with lazy_client(lb) as client:
            client.send(b"GET /big HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            got = 0
            for _ in range(20):  # far longer than its limit; more than body_rate, less than would move the buffers
                await stand_still(0.05, "the client reads slowly")
                got += len(await read_for(client, 2048))
            assert got + len(await read_for(client, size - got)) >= size


@pytest.mark.parametrize("more", [0, 8_000_000])
async def test_a_client_that_ends_its_side_and_reads_nothing_is_not_kept(more: int) -> None:
    enough = asyncio.Event()

    async def drips(connection: Connection, request: Request) -> bool:
        await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        while not enough.is_set():
            await connection.send(bytes(16_000))
            await stand_still(0.002, "the node drips")
        await connection.send(bytes(more))
        await asyncio.Event().wait()
        return False

    settings: dict[str, Any] = {"timeouts": {"client": "200ms"}, "health": SELDOM}
    async with HttpNode("node1") as node, running_balancer(node, **settings) as lb:
        node.on("/", drips)
        with lazy_client(lb) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            await until(lambda: node.executions["GET /"], "it is asked")
            await until(lambda: unsent(lb), "the kernel takes no more", 4 * LIMIT_S)
            enough.set()
            client.shutdown(socket.SHUT_WR)
            await until(lambda: lb.server.telemetry.clients.current == 0, "the connection is gone")


async def test_a_response_without_length_that_was_given_up_never_looks_complete() -> None:
    gate = Gate()

    async def half(connection: Connection, request: Request) -> bool:
        await connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf")
        return await gate(connection, request)

    async with HttpNode("node1") as node, running_balancer(node) as lb, RawClient.to(lb.url) as client:
        node.on("/", half)
        client.writer.write(b"GET / HTTP/1.0\r\n\r\n")
        assert (await client.reader.readuntil(b"half")).endswith(b"half")
        client.writer.write_eof()
        with pytest.raises(ConnectionResetError):
            async with asyncio.timeout(LIMIT_S):
                await client.reader.read()


async def test_an_upload_sent_ahead_behind_another_request_is_read_to_its_end() -> None:
    gate = Gate()
    size = 5_000_000
    settings: dict[str, Any] = {"timeouts": {"client": "1s"}, "limits": {"replay_bytes": 2 * size}}
    async with HttpNode("node1") as node, running_balancer(node, **settings) as lb:
        node.on("/slow", gate)
        async with RawClient.to(lb.url) as client:
            client.writer.write(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
            client.writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
            await gate.entered.wait()
            await at_rest(client.writer.transport.get_write_buffer_size)
            gate.release.set()
            assert (await client.answer()).body == b"late"
            assert (await client.answer()).body == f"node1 got {size}".encode()


async def test_a_node_that_closes_its_side_and_reads_nothing_is_noticed_at_once() -> None:
    async def ends(connection: Connection, request: Request) -> bool:
        connection.reader._transport.pause_reading()  # type: ignore[attr-defined]  # asyncio has no other way
        await at_rest(client.writer.transport.get_write_buffer_size)  # all buffers are full
        connection.writer.write_eof()
        return await reads_nothing(connection, request)

    async with HttpNode("node1") as node, running_balancer(node, health=SELDOM) as lb, RawClient.to(lb.url) as client:
        node.on("/", ends)
        client.writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n" + bytes(30_000_000))
        assert (await client.answer()).status == 502
