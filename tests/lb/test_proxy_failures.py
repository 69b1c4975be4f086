"""What happens when a node fails a request: who gets it next, who does not, and what the client is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientPayloadError

from tests.support.balancers import RunningBalancer, running_balancer
from tests.support.http_nodes import (
    Behaviour,
    Connection,
    Gate,
    HttpNode,
    Request,
    answering,
    close_if_reused,
    close_without_a_byte,
    ok,
    raw_connection,
    reset_without_a_byte,
)
from tests.support.waiting import until

LIMIT_S = 5.0
SELDOM = {"inter": "60s"}
"""Checks so rare that the load balancer does not learn of a node's death by them."""


@asynccontextmanager
async def two_nodes(**settings: Any) -> AsyncIterator[tuple[HttpNode, HttpNode, RunningBalancer]]:
    settings = {"health": SELDOM, **settings}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        yield one, two, lb


def executed(*nodes: HttpNode) -> int:
    return sum(sum(node.executions.values()) for node in nodes)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_refused_connection_is_dispatched_to_another_node(method: str) -> None:
    async with two_nodes() as (one, two, lb):
        await one.stop()
        response, body = await lb.request("/", "node1", method, data=b"12345" if method == "POST" else None)

    assert response.status == 200
    assert body.startswith(b"node2")
    assert response.headers["X-LB-Attempts"] == "2"
    assert response.headers["Set-Cookie"].startswith("ROUTEID=.node2;")
    assert (executed(one), executed(two)) == (0, 1)
    assert (lb.meter.wredis, lb.meter.wretr) == (1, 0)
    assert lb.meter.moved == 1


async def test_a_streamed_upload_survives_a_refused_connection() -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield bytes(10_000)

    async with two_nodes() as (one, _, lb):
        await one.stop()
        response, answer = await lb.request("/", "node1", "POST", data=body())
    assert (response.status, answer) == (200, b"node2 got 1000000")


async def test_with_no_usable_node_the_answer_is_503_and_says_when_to_come_back() -> None:
    async with two_nodes(queue={"timeout": "100ms"}) as (one, two, lb):
        await one.stop()
        await two.stop()
        response, body = await lb.request("/")

    assert response.status == 503
    assert int(response.headers["Retry-After"]) > 0
    assert response.headers["X-LB-Error"] == "no-usable-node"
    assert response.headers["Proxy-Status"].startswith("zdu-lb; error=destination_unavailable; details=")
    assert "Set-Cookie" not in response.headers
    assert b"tried node1, node2" in body or b"tried node2, node1" in body
    assert lb.meter.own_5xx + lb.meter.srv_abrt == 1


async def test_no_more_nodes_are_tried_than_retries_allows() -> None:
    async with two_nodes(retry={"retries": 0}) as (one, two, lb):
        await one.stop()
        response, _ = await lb.request("/", "node1")
    assert response.status == 502
    assert response.headers["X-LB-Error"] == "refused"
    assert executed(two) == 0


@pytest.mark.parametrize(
    ("behaviour", "status", "reason"),
    [
        (answering("rubbish\r\n\r\n", keep=False), 502, "bad-response"),
        (answering("HTTP/1.1 200 OK\r\nContent-Le", keep=False), 502, "bad-response"),
        (answering("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), 502, "bad-response"),
        (
            answering("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
            502,
            "bad-response",
        ),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_request_that_a_node_may_have_executed_is_sent_once(
    behaviour: Behaviour, status: int, reason: str, method: str
) -> None:
    async with two_nodes() as (one, two, lb):
        one.on("/", behaviour)
        response, _ = await lb.request("/", "node1", method)

    assert (response.status, response.headers["X-LB-Error"]) == (status, reason)
    assert (executed(one), executed(two)) == (1, 0)
    assert lb.balancer.view("node1").in_flight == 0


@pytest.mark.parametrize("behaviour", [close_without_a_byte, reset_without_a_byte])
@pytest.mark.parametrize(("method", "status", "elsewhere"), [("GET", 200, 1), ("PUT", 200, 1), ("POST", 502, 0)])
async def test_what_a_fresh_connection_swallowed_goes_to_another_node_only_if_it_is_idempotent(
    behaviour: Behaviour, method: str, status: int, elsewhere: int
) -> None:
    async with two_nodes() as (one, two, lb):
        one.on("/", behaviour)
        response, _ = await lb.request("/", "node1", method)

    assert response.status == status
    assert (executed(one), executed(two)) == (1, elsewhere)


async def test_a_node_that_does_not_answer_in_time_is_504() -> None:
    gate = Gate()
    async with two_nodes(timeouts={"server": "150ms", "connect": "100ms"}) as (one, two, lb):
        one.on("/", gate)
        response, _ = await lb.request("/", "node1")
        assert (response.status, response.headers["X-LB-Error"]) == (504, "no-response")
        async with asyncio.timeout(LIMIT_S):
            await gate.client_left.wait()
    assert (executed(one), executed(two)) == (1, 0)


async def test_a_get_lost_on_a_reused_connection_is_repeated_once_on_a_fresh_one() -> None:
    async with two_nodes() as (one, two, lb):
        one.on("/", close_if_reused("one"))
        await lb.request("/", "node1")
        response, body = await lb.request("/", "node1")

    assert (response.status, body) == (200, b"one")
    assert response.headers["X-LB-Attempts"] == "2"
    assert (executed(one), executed(two)) == (3, 0)
    assert lb.meter.wretr == 1


async def test_after_a_lost_connection_the_other_idle_ones_are_not_trusted_either() -> None:
    async with two_nodes() as (one, _, lb):
        gates = [Gate(), Gate()]
        requests = []
        for gate in gates:
            one.on("/", gate)
            requests.append(asyncio.create_task(lb.request("/", "node1")))
            await gate.entered.wait()
        for gate in gates:
            gate.release.set()
        await asyncio.gather(*requests)
        idle = set(one.open_connections)

        one.on("/", close_if_reused("one"))
        assert (await lb.request("/", "node1"))[0].status == 200
        await until(lambda: not idle & one.open_connections, "both are closed")
    assert len(idle) == 2


async def test_a_put_is_repeated_with_its_whole_body() -> None:
    bodies: list[bytes] = []

    async def take(connection: Connection, request: Request) -> bool:
        bodies.append(await connection.read_body(request))
        if connection.requests > 1:
            return False
        await connection.send(ok("taken"))
        return True

    async def chunked() -> AsyncIterator[bytes]:
        yield b"half "
        yield b"and half"

    async with two_nodes() as (one, _, lb):
        one.on("/", take)
        await lb.request("/", "node1")
        response, _ = await lb.request("/", "node1", "PUT", data=chunked())

    assert response.status == 200
    assert bodies == [b"", b"half and half", b"half and half"]


async def test_a_put_too_big_to_be_kept_is_not_repeated() -> None:
    async def big() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(10_000)

    async with two_nodes() as (one, _, lb):
        one.on("/", close_if_reused("one"))
        await lb.request("/", "node1")
        response, _ = await lb.request("/", "node1", "PUT", data=big())
    assert (response.status, response.headers["X-LB-Error"]) == (502, "closed-reused")


async def test_a_post_lost_on_a_reused_connection_is_never_executed_twice() -> None:
    async with two_nodes() as (one, two, lb):
        one.on("/", close_if_reused("one"))
        statuses = [(await lb.request("/", "node1", "POST"))[0].status for _ in range(6)]

    assert set(statuses) == {200, 502}
    assert executed(one, two) == len(statuses)
    assert lb.meter.wretr == 0


async def test_the_fresh_connection_of_a_repetition_is_not_repeated_at_the_same_node() -> None:
    async with two_nodes() as (one, two, lb):
        await lb.request("/", "node1")
        one.on("/", close_without_a_byte)
        response, _ = await lb.request("/", "node1")
    assert response.status == 200
    assert (executed(one), executed(two)) == (1 + 2, 1)


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
    ],
)
async def test_a_response_that_breaks_off_never_looks_complete(head: str) -> None:
    async with two_nodes() as (one, two, lb):
        one.on("/", answering(head, keep=False))
        with pytest.raises(ClientPayloadError):
            await lb.request("/", "node1")
        await until(lambda: lb.balancer.view("node1").in_flight == 0, "nothing is in flight")
        # One node's failure in the middle is not repeated either.
        assert (executed(one), executed(two)) == (1, 0)
        assert lb.meter.own_5xx + lb.meter.srv_abrt == 1


async def test_a_response_that_turns_to_rubbish_never_looks_complete() -> None:
    client_has_part = asyncio.Event()

    async def turns_to_rubbish(connection: Connection, request: Request) -> bool:
        await connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n")
        await client_has_part.wait()
        await connection.send("zz\r\n0\r\n\r\n")
        return True

    async with two_nodes() as (one, _, lb):
        one.on("/", turns_to_rubbish)
        async with asyncio.timeout(LIMIT_S), lb.client.get(lb.url, headers={"Cookie": "ROUTEID=.node1"}) as response:
            assert await response.content.readany() == b"part"
            client_has_part.set()
            with pytest.raises(ClientPayloadError):
                await response.read()


async def test_a_response_that_breaks_off_is_a_reset_for_clients_that_read_until_the_end() -> None:
    async with two_nodes() as (one, _, lb), raw_connection(lb.url) as (reader, writer):
        one.on("/", answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n", keep=False))
        writer.write(b"GET / HTTP/1.0\r\nCookie: ROUTEID=.node1\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            async with asyncio.timeout(LIMIT_S):
                await reader.read()


async def test_a_node_that_stalls_in_the_middle_is_given_up() -> None:
    async def stalls(connection: Connection, request: Request) -> bool:
        await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
        await connection.reader.read()
        return False

    async with two_nodes(timeouts={"server": "150ms", "connect": "100ms"}) as (one, _, lb):
        one.on("/", stalls)
        with pytest.raises(ClientPayloadError):
            await lb.request("/", "node1")


async def test_an_upload_that_breaks_off_is_the_clients_fault_and_no_node_is_blamed() -> None:
    async with two_nodes(timeouts={"client": "150ms"}) as (_, _, lb), raw_connection(lb.url) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\npart")
        async with asyncio.timeout(LIMIT_S):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout")
        assert b"X-LB-Error: bad-request-body" in answer
        assert [lb.node_meter(node).eresp for node in ("node1", "node2")] == [0, 0]


async def test_an_upload_with_broken_chunks_is_400() -> None:
    async with two_nodes() as (_, _, lb), raw_connection(lb.url) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\nzz\r\n")
        async with asyncio.timeout(LIMIT_S):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 400 Bad Request")
        assert [lb.node_meter(node).eresp for node in ("node1", "node2")] == [0, 0]


async def test_an_answer_before_the_upload_is_over_reaches_the_client_at_once() -> None:
    async def too_large(connection: Connection, request: Request) -> bool:
        await connection.send(ok("too large", "Connection: close", status="413 Content Too Large"))
        await connection.reader.read()
        return False

    async with two_nodes() as (one, _, lb), raw_connection(lb.url) as (reader, writer):
        one.on("/", too_large)
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nCookie: ROUTEID=.node1\r\nContent-Length: 1000000\r\n\r\npart")
        async with asyncio.timeout(LIMIT_S):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 413 Content Too Large")
            assert await reader.readexactly(9) == b"too large"
        await until(lambda: lb.balancer.view("node1").in_flight == 0, "nothing is in flight")


async def test_a_nodes_own_error_is_passed_on_as_it_is_and_counted() -> None:
    async with two_nodes() as (one, two, lb):
        one.on("/", answering(ok("busy", "Retry-After: 7", status="503 Service Unavailable")))
        response, body = await lb.request("/", "node1", "GET")
    assert (response.status, body, response.headers["Retry-After"]) == (503, b"busy", "7")
    assert "X-LB-Error" not in response.headers
    assert lb.meter.own_5xx == 0
    assert lb.node_meter("node1").hrsp[5] == 1
    assert executed(two) == 0
