"""Clients that leave, and clients that are slow: neither costs a node more than they are worth, nor the others."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from tests.support.balancers import SELDOM, RunningBalancer, running_balancer
from tests.support.http_nodes import Connection, Gate, HttpNode, Request
from tests.support.raw_clients import RawClient
from tests.support.waiting import LIMIT_S, stand_still, until

CALM: dict[str, Any] = {"health": SELDOM}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_tc25_a_client_that_leaves_takes_its_request_to_the_node_with_it(method: str) -> None:
    async with HttpNode("node1") as node, running_balancer(node, **CALM) as lb:
        gate = Gate()
        node.on("/", gate)
        async with RawClient.to(lb.url) as client:
            await client.send(method, body=b"x" * 100 if method == "POST" else None)
            await gate.entered.wait()
        async with asyncio.timeout(LIMIT_S):
            await gate.client_left.wait()
        await until(lambda: lb.balancer.view("node1").in_flight == 0, "nothing is in flight")


async def test_tc25_a_reload_button_hit_thirty_times_is_one_request_at_work() -> None:
    async with HttpNode("node1") as node, running_balancer(node, **CALM) as lb:
        gate = Gate()
        node.on("/", gate)
        for number in range(30):
            async with RawClient.to(lb.url) as impatient:
                await impatient.send()
                await until(lambda: len(node.received) > number, "the node is at work")
            # The click after it comes when the one before is gone.
            await until(lambda: node.busy == 0, "the node has stopped to work for a client that left")
        async with RawClient.to(lb.url) as patient:
            await patient.send()
            await until(lambda: node.busy == 1, "the last one is at work")
            gate.release.set()
            assert (await patient.answer()).body == b"late"
    assert node.busiest == 1


async def test_tc25_a_client_that_leaves_the_queue_never_reaches_a_node() -> None:
    settings: dict[str, Any] = {**CALM, "each_node": {"maxconn": 1}, "queue": {"timeout": "30s"}}
    async with HttpNode("node1") as node, running_balancer(node, **settings) as lb:
        gate = Gate()
        node.on("/", gate)
        async with RawClient.to(lb.url) as first, RawClient.to(lb.url) as last:
            await first.send()
            await gate.entered.wait()
            async with AsyncExitStack() as leaving:
                for number in range(10):
                    client = await leaving.enter_async_context(RawClient.to(lb.url))
                    await client.send("GET", "/abandoned")
                    await until(lambda: lb.queued == number + 1, "it waits")
                await last.send()
                await until(lambda: lb.queued == 11, "the last one waits behind those that will leave")
            await until(lambda: lb.queued == 1, "those who left wait no more")
            gate.release.set()
            assert (await first.answer()).status == 200
            assert (await last.answer()).status == 200
    assert node.executions == {"GET /": 2}


QUICK: dict[str, Any] = {
    **CALM,
    "timeouts": {"http_request": "400ms", "client": "400ms", "server": "30s", "client_keep_alive": "30s"},
    "limits": {"body_rate": 10_000},
}


@asynccontextmanager
async def served_meanwhile(lb: RunningBalancer) -> AsyncIterator[None]:
    """While inside, another user makes requests, and every one is answered; at least ten of them."""
    stopped = False
    answered = 0

    async def other() -> None:
        nonlocal answered
        while not stopped or answered < 10:
            assert (await lb.request("/"))[0].status == 200
            answered += 1

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(other())
        try:
            yield
        finally:
            stopped = True


async def dribble(client: RawClient, data: Callable[[], Awaitable[bytes]]) -> None:
    """Send what ``data`` gives, piece by piece, until the other side has had enough."""
    try:
        while True:
            client.writer.write(await data())
            await client.writer.drain()
    except ConnectionError:
        pass


async def a_byte_now_and_then() -> bytes:
    await stand_still(0.02, "the client is slow")
    return b"x"


async def after_dribbling(lb: RunningBalancer, beginning: bytes, clients: int) -> list[bytes]:
    """What each of several clients is told that begins with ``beginning`` and goes on a byte at a time."""

    async def slow() -> bytes:
        async with RawClient.to(lb.url) as client:
            client.writer.write(beginning)
            dribbling = asyncio.create_task(dribble(client, a_byte_now_and_then))
            try:
                return await client.ended()
            finally:
                dribbling.cancel()
                await asyncio.gather(dribbling, return_exceptions=True)

    return await asyncio.gather(*(slow() for _ in range(clients)))


async def test_tc29_slow_heads_are_cut_off_and_all_others_are_served_meanwhile() -> None:
    async with HttpNode("node1") as node, running_balancer(node, **QUICK) as lb:
        async with served_meanwhile(lb):
            told = await after_dribbling(lb, b"GET /slow HTTP/1.1\r\nHost: h\r\nX-Slow: ", clients=30)
        assert all(text.startswith(b"HTTP/1.1 408 Request Timeout") for text in told), told
    assert not node.executions["GET /slow"]


async def test_tc29_a_head_that_never_goes_on_is_cut_off_too() -> None:
    async with HttpNode("node1") as node, running_balancer(node, **QUICK) as lb, RawClient.to(lb.url) as client:
        client.writer.write(b"GET /slow HTTP/1.1\r\nHost")
        assert (await client.ended()).startswith(b"HTTP/1.1 408 Request Timeout")


async def test_tc29_slow_uploads_are_cut_off_although_they_never_pause_for_long() -> None:
    async with HttpNode("node1") as node, running_balancer(node, **QUICK) as lb:
        head = b"POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n"
        async with served_meanwhile(lb):
            told = await after_dribbling(lb, head, clients=10)
        assert all(text.startswith(b"HTTP/1.1 408 Request Timeout") for text in told), told
        await until(lambda: lb.balancer.view("node1").in_flight == 0, "nothing is in flight")
        await until(lambda: node.busy == 0, "the node does not wait for the rest either")


async def test_tc29_an_upload_that_stops_is_cut_off() -> None:
    async with HttpNode("node1") as node, running_balancer(node, **QUICK) as lb, RawClient.to(lb.url) as client:
        client.writer.write(b"POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + bytes(50_000))
        assert (await client.ended()).startswith(b"HTTP/1.1 408 Request Timeout")
        await until(lambda: node.busy == 0, "the node does not wait for the rest either")


async def test_tc29_a_client_that_does_not_read_its_response_does_not_hold_its_node() -> None:
    node_is_rid_of_it = asyncio.Event()

    async def pours(connection: Connection, request: Request) -> bool:
        await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        try:
            for _ in range(1000):
                await connection.send(bytes(100_000))
        finally:
            node_is_rid_of_it.set()
        return True

    async with HttpNode("node1") as node, running_balancer(node, **QUICK) as lb:
        node.on("/big", pours)
        host, port = lb.url.removeprefix("http://").split(":")
        with socket.socket() as lazy:  # asyncio would read on its own; this one never does
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            lazy.connect((host, int(port)))
            lazy.sendall(b"GET /big HTTP/1.1\r\nHost: h\r\n\r\n")
            async with served_meanwhile(lb), asyncio.timeout(LIMIT_S):
                await node_is_rid_of_it.wait()
        await until(lambda: lb.balancer.view("node1").in_flight == 0, "nothing is in flight")
