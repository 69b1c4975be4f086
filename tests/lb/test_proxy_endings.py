"""Requests that end while something else is under way: each is told once, and nothing is left behind."""

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from lb.pool import Admin
from tests.support.balancers import SELDOM, running_balancer
from tests.support.http_nodes import Connection, Gate, HttpNode, Request, ok
from tests.support.raw_clients import RawClient
from tests.support.waiting import LIMIT_S, stand_still, until

UPGRADE = b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


class Switches:
    """A behaviour that switches protocols and then only counts, or floods; it never ends its side by itself."""

    def __init__(self, flood: bool = False) -> None:
        self.flood = flood
        self.open = asyncio.Event()
        self.ended = asyncio.Event()

    async def __call__(self, connection: Connection, request: Request) -> bool:
        await connection.send(SWITCHED)
        self.open.set()
        try:
            while self.flood:
                await connection.send(bytes(65536))
            while await connection.reader.read(65536):
                pass
            self.ended.set()
            await asyncio.Event().wait()
        finally:
            self.ended.set()
        return False


@pytest.mark.parametrize("body", [b"zz\r\n", None])
async def test_a_held_request_whose_body_breaks_off_leaves_the_queue(body: bytes | None, tmp_path: Path) -> None:
    log = tmp_path / "access.jsonl"
    settings: dict[str, Any] = {"each_node": {"maxconn": 1}, "queue": {"timeout": "1s"}, "access_log_file": str(log)}
    gate = Gate()
    async with HttpNode("node1") as node, running_balancer(node, **settings) as lb, RawClient.to(lb.url) as first:
        node.on("/slow", gate)
        await first.send("GET", "/slow")
        await gate.entered.wait()
        async with RawClient.to(lb.url) as client:
            client.writer.write(b"POST /held HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            await until(lambda: lb.queued == 1, "it waits")
            if body is None:
                client.writer.write_eof()
            else:
                client.writer.write(body)
            assert (await client.answer()).status == 400
            assert await client.ended() == b"", "one answer is enough"
        assert lb.queued == 0
        gate.release.set()
        assert (await first.answer()).status == 200
        await until(lambda: lb.balancer.view("node1").in_flight == 0, "nothing is in flight")
        assert (await lb.request("/"))[0].status == 200
    assert [line["target"] for line in lines(log)].count("/held") == 1
    assert all(line["request_id"] for line in lines(log))


async def test_a_connection_on_which_a_body_is_not_over_is_not_used_again_after_a_503() -> None:
    async def refuses(connection: Connection, request: Request) -> bool:
        await connection.send(ok("stopping", status="503 Service Unavailable"))
        rest.append(await connection.reader.read())
        return False

    gate, rest = Gate(), list[bytes]()
    settings: dict[str, Any] = {"health": SELDOM, "timeouts": {"server": "2s"}}
    async with (
        HttpNode("node1") as one,
        HttpNode("node2") as two,
        running_balancer(one, two, **settings) as lb,
        RawClient.to(lb.url) as client,
    ):
        one.on("/put", refuses)
        one.on("/slow", gate)
        slow = asyncio.create_task(lb.request("/slow", "node1"))
        await gate.entered.wait()
        lb.balancer.set_admin("node1", Admin.DRAIN, deadline_s=60)
        head = "PUT /put HTTP/1.1\r\nHost: h\r\nCookie: ROUTEID=.node1\r\nContent-Length: 60\r\n\r\n"
        client.writer.write(head.encode() + b"x" * 10)
        await until(lambda: two.busy, "it went to the other node")
        response, body = await lb.request("/other", "node1")
        assert (response.status, body) == (200, b"node1")
        gate.release.set()
        await slow
        client.writer.write(b"y" * 50)
        assert (await client.answer()).body == b"node2 got 60"
        await until(lambda: rest == [b"x" * 10], "the connection was closed with nothing else on it")


@pytest.mark.parametrize("who", ["client", "node"])
async def test_a_tunnel_of_which_one_side_has_ended_can_be_closed(who: str) -> None:
    switches = Switches()

    async def ends(connection: Connection, request: Request) -> bool:
        await connection.send(SWITCHED)
        connection.writer.write_eof()
        switches.open.set()
        await connection.reader.read()
        return False

    async with (
        HttpNode("node1") as node,
        HttpNode("node2") as two,
        running_balancer(node, two) as lb,
        RawClient.to(lb.url) as client,
    ):
        node.on("/ws", switches if who == "client" else ends)
        two.on("/ws", switches if who == "client" else ends)
        client.writer.write(UPGRADE)
        await client.reader.readuntil(b"\r\n\r\n")
        await switches.open.wait()
        if who == "client":
            client.writer.write_eof()
            await switches.ended.wait()
        else:
            assert await client.reader.read() == b""
        busy = next(name for name in ("node1", "node2") if lb.balancer.view(name).in_flight)
        lb.balancer.set_admin(busy, Admin.MAINT)
        await until(lambda: lb.balancer.view(busy).in_flight == 0, "the tunnel is gone")
        assert (await lb.request("/"))[0].status == 200


async def test_a_tunnel_whose_client_takes_nothing_is_told_of_once(tmp_path: Path) -> None:
    log = tmp_path / "access.jsonl"
    settings: dict[str, Any] = {"timeouts": {"client": "200ms"}, "access_log_file": str(log)}
    async with HttpNode("node1") as node, running_balancer(node, **settings) as lb:
        node.on("/ws", Switches(flood=True))
        host, port = lb.url.removeprefix("http://").split(":")
        with socket.socket() as lazy:
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            lazy.connect((host, int(port)))
            lazy.sendall(UPGRADE)
            await until(lambda: lb.server.telemetry.clients.current == 1, "it came")
            await until(lambda: lb.server.telemetry.clients.current == 0, "it is dropped")
        await until(lambda: lb.balancer.view("node1").in_flight == 0, "nothing is in flight")
    assert [(line["target"], line["termination"][:2]) for line in lines(log)] == [("/ws", "cD")]


async def test_a_repetition_at_the_same_node_keeps_its_place_there() -> None:
    at_once = 0
    entered, release, others = asyncio.Event(), asyncio.Event(), Gate()

    async def race(connection: Connection, request: Request) -> bool:
        nonlocal at_once
        if connection.requests > 1:
            entered.set()
            await release.wait()
            return False
        at_once = max(at_once, lb.balancer.view("node1").in_flight)
        await connection.send(ok("late"))
        return True

    settings: dict[str, Any] = {"each_node": {"maxconn": 1}, "queue": {"timeout": "5s"}, "health": SELDOM}
    async with HttpNode("node1") as node, running_balancer(node, **settings) as lb:
        node.on("/", race)
        node.on("/other", others)
        await lb.request("/")
        repeated = asyncio.create_task(lb.request("/"))
        await entered.wait()
        other = asyncio.create_task(lb.request("/other"))
        await until(lambda: lb.queued == 1, "another waits")
        release.set()
        assert (await repeated)[0].status == 200
        others.release.set()
        assert (await other)[0].status == 200
    assert at_once == 1


async def test_a_client_that_waits_to_be_told_to_go_on_is_not_blamed_for_a_slow_node() -> None:
    async def decides_late(connection: Connection, request: Request) -> bool:
        await stand_still(0.6, "the node decides later than a client may take")
        await connection.send("HTTP/1.1 100 Continue\r\n\r\n")
        body = await connection.read_body(request)
        await connection.send(ok(f"got {len(body)}"))
        return True

    settings: dict[str, Any] = {"timeouts": {"client": "300ms", "server": "5s"}}
    async with HttpNode("node1") as node, running_balancer(node, **settings) as lb, RawClient.to(lb.url) as client:
        node.on("/", decides_late)
        client.writer.write(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\nExpect: 100-continue\r\n\r\n")
        async with asyncio.timeout(LIMIT_S):
            assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.writer.write(b"x" * 10)
        await stand_still(0.1, "the client takes a part of its time")
        client.writer.write(b"x" * 10)
        assert (await client.answer()).body == b"got 20"


async def test_a_node_that_never_says_go_on_is_given_up() -> None:
    settings: dict[str, Any] = {"timeouts": {"server": "200ms"}, "health": SELDOM}
    async with HttpNode("node1") as node, running_balancer(node, **settings) as lb, RawClient.to(lb.url) as client:

        async def says_nothing(connection: Connection, request: Request) -> bool:
            await connection.reader.read(1)
            return False

        node.on("/", says_nothing)
        client.writer.write(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\nExpect: 100-continue\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.all("X-LB-Error")) == (504, ["no-response"])
