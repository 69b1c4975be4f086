"""The load balancer as a whole: how it starts, and how it stops without breaking anything off."""

import asyncio
import re

import pytest

from lb.server import LoadBalancer
from tests.support.balancers import balancer_config, running_balancer
from tests.support.http_nodes import Gate, HttpNode, raw_connection
from zdu.clock import SystemClock
from zdu.errors import ExitCode, ZduError

LIMIT_S = 5.0


async def until_refused(url: str) -> None:
    """Wait until nobody listens at ``url`` any more."""
    async with asyncio.timeout(LIMIT_S):
        with pytest.raises(ConnectionRefusedError):
            while True:
                async with raw_connection(url):
                    await asyncio.sleep(0)


async def test_stopping_refuses_new_connections_and_finishes_what_is_in_flight() -> None:
    gate = Gate()
    async with HttpNode() as node, running_balancer(node) as lb:
        node.on("/slow", gate)
        async with asyncio.timeout(LIMIT_S), raw_connection(lb.url) as (reader, writer):
            writer.write(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
            await gate.entered.wait()
            stopping = asyncio.create_task(lb.server.stop())
            await until_refused(lb.url)
            gate.release.set()
            answer = await reader.read()
            assert await stopping is True

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.endswith(b"late")


async def test_stopping_closes_idle_clients_at_once() -> None:
    async with HttpNode() as node, running_balancer(node) as lb, raw_connection(lb.url) as (reader, writer):
        async with asyncio.timeout(LIMIT_S):
            writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(5) == b"node1"
            assert await lb.server.stop() is True
            assert await reader.read() == b""


async def test_what_is_not_finished_at_the_deadline_is_broken_off() -> None:
    gate = Gate()
    async with HttpNode() as node, running_balancer(node, timeouts={"shutdown": "100ms"}) as lb:
        node.on("/slow", gate)
        async with asyncio.timeout(LIMIT_S), raw_connection(lb.url) as (reader, writer):
            writer.write(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
            await gate.entered.wait()
            assert await lb.server.stop() is False
            with pytest.raises(ConnectionResetError):
                await reader.read()
            await gate.client_left.wait()


async def test_stopping_ends_long_polls() -> None:
    async with HttpNode() as node, running_balancer(node) as lb, raw_connection(lb.admin_url) as (reader, writer):
        writer.write(b"GET /events?after=1&wait_ms=30000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asyncio.sleep(0.02)
        async with asyncio.timeout(LIMIT_S):
            await lb.server.stop()
            await reader.read()


@pytest.mark.parametrize("port_name", ["port", "admin_port"])
async def test_a_port_that_is_taken_is_one_clear_message_and_leaves_nothing_open(port_name: str) -> None:
    async with HttpNode() as node:
        config = balancer_config([node], **{port_name: node.port})
        async with asyncio.TaskGroup() as tasks:
            server = LoadBalancer(config, SystemClock(), tasks)
            with pytest.raises(ZduError) as raised:
                await server.start()
    assert raised.value.message == f"port {node.port} on 127.0.0.1 is taken by another process"
    assert raised.value.hint
    assert raised.value.exit_code == ExitCode.INTERNAL


async def test_a_host_that_is_not_ours_is_one_clear_message() -> None:
    async with HttpNode() as node, asyncio.TaskGroup() as tasks:
        server = LoadBalancer(balancer_config([node], host="192.0.2.1"), SystemClock(), tasks)
        with pytest.raises(ZduError, match=re.escape("cannot listen on 192.0.2.1 port 0")):
            await server.start()


async def test_two_load_balancers_fit_into_one_process() -> None:
    async with HttpNode() as node, running_balancer(node) as first, running_balancer(node) as second:
        await first.request("/")
        assert (first.server.telemetry.meters.front().stot, second.server.telemetry.meters.front().stot) == (1, 0)
