"""The load balancer as a whole: how it starts, and how it stops without breaking anything off."""

import asyncio
import re
import signal
import socket
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from lb.server import LoadBalancer
from tests.support.balancers import balancer_config, balancer_process, running_balancer
from tests.support.http_nodes import Gate, HttpNode, raw_connection
from tests.support.raw_clients import RawClient
from tests.support.waiting import turns, until
from zdu.clock import SystemClock
from zdu.errors import ExitCode, ZduError

LIMIT_S = 5.0


async def until_refused(url: str) -> None:
    """Wait until nobody listens at ``url`` any more."""
    async with asyncio.timeout(LIMIT_S):
        with pytest.raises(ConnectionRefusedError):
            while True:
                with suppress(ConnectionResetError):  # it was just about to be accepted
                    async with raw_connection(url):
                        await turns()


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
        journal = lb.server.balancer.journal
        after = str(journal.last_seq).encode()
        writer.write(b"GET /events?after=" + after + b"&wait_ms=30000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await until(lambda: journal._more._waiters, "it waits for the next event")
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


async def test_connections_that_wait_to_be_accepted_at_a_stop_are_served() -> None:
    loop = asyncio.get_running_loop()
    async with HttpNode() as node, running_balancer(node) as lb:
        port = int(lb.url.rsplit(":", 1)[1])
        waiting = [socket.create_connection(("127.0.0.1", port), LIMIT_S) for _ in range(20)]
        for sock in waiting:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            sock.setblocking(False)
        assert await lb.server.stop() is True
        async with asyncio.timeout(LIMIT_S):
            answers = [await loop.sock_recv(sock, 9999) for sock in waiting]
    assert [answer[:15] for answer in answers] == [b"HTTP/1.1 200 OK"] * 20
    assert all(b"\r\nConnection: close\r\n" in answer for answer in answers)
    for sock in waiting:
        sock.close()


# The process.


@pytest.mark.slow
async def test_tc20_at_sigterm_every_client_is_told_to_close_and_none_sees_a_reset(tmp_path: Path) -> None:
    async with (
        HttpNode("node1") as one,
        HttpNode("node2") as two,
        balancer_process(tmp_path, one, two, timeouts={"close_grace": "2s"}) as lb,
    ):
        answers: Counter[str] = Counter()
        all_are_there = asyncio.Barrier(21)

        async def browse() -> bool:
            async with RawClient.to(lb.url) as client:
                await client.request()
                await all_are_there.wait()
                while not (answer := await client.request("POST", body=b"b" * 10_000)).closes:
                    answers[answer.body.decode()] += 1
                return answer.status == 200 and await client.ended() == b""

        async def upload() -> bytes:
            async with RawClient.to(lb.url) as client:
                await client.send("POST", "/", "Content-Length: 4")
                await until(lambda: lb.process.returncode is None and answers.total() > 100, "there is traffic", 20)
                client.writer.write(b"a")
                lb.process.send_signal(signal.SIGTERM)
                await until(lambda: "stopping: SIGTERM" in lb.log.read_text(), "it stops")
                client.writer.write(b"bcd")
                return (await client.answer()).body

        async with asyncio.TaskGroup() as tasks:
            users = [tasks.create_task(browse()) for _ in range(20)]
            late = tasks.create_task(upload())
            await all_are_there.wait()
        assert await asyncio.wait_for(lb.process.wait(), 20) == 0
    assert [user.result() for user in users] == [True] * 20
    assert late.result().endswith(b" got 4")


@pytest.mark.slow
async def test_tc19_a_process_that_is_told_to_stop_ends_at_the_hard_stop_whatever_clients_do(tmp_path: Path) -> None:
    gate = Gate()
    async with HttpNode() as node, balancer_process(tmp_path, node, timeouts={"shutdown": "500ms"}) as lb:
        node.on("/slow", gate)
        async with RawClient.to(lb.url) as asking, RawClient.to(lb.url) as dawdling, RawClient.to(lb.url) as idle:
            await asking.send("GET", "/slow")
            dawdling.writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf")
            assert (await idle.request()).status == 200
            await asyncio.wait_for(gate.entered.wait(), LIMIT_S)
            lb.process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(lb.process.wait(), 20) == 1
            assert await idle.ended() == b""
            await asking.ended()
        await asyncio.wait_for(gate.client_left.wait(), LIMIT_S)
        assert "requests in flight were broken off at the deadline" in lb.log.read_text()


@pytest.mark.slow
async def test_a_second_sigterm_ends_the_process_on_the_spot(tmp_path: Path) -> None:
    gate = Gate()
    async with HttpNode() as node, balancer_process(tmp_path, node, timeouts={"shutdown": "1h"}) as lb:
        node.on("/slow", gate)
        async with RawClient.to(lb.url) as client:
            await client.send("GET", "/slow")
            await asyncio.wait_for(gate.entered.wait(), LIMIT_S)
            lb.process.send_signal(signal.SIGTERM)
            await until(lambda: "stopping: SIGTERM" in lb.log.read_text(), "it stops")
            assert lb.process.returncode is None
            lb.process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(lb.process.wait(), 20) == 128 + signal.SIGKILL
