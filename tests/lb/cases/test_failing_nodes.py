"""Nodes that die, refuse or give out in the middle: who pays for it, and where the request goes next."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from lb.pool import Admin
from tests.support.balancers import SELDOM, Browser, running_balancer
from tests.support.faulty_nodes import black_hole
from tests.support.http_nodes import (
    Connection,
    HttpNode,
    Request,
    answering,
    close_without_a_byte,
    ok,
    reset_without_a_byte,
)
from tests.support.raw_clients import RawClient
from tests.support.waiting import LIMIT_S, until

UNDETECTED: dict[str, Any] = {"health": SELDOM}
"""The checks do not find out what happens in the test: only the requests themselves can tell."""
NOBODY_OUT: dict[str, Any] = {"health": SELDOM, "passive": {"enabled": False}}


def logged(file: Path) -> list[dict[str, Any]]:
    """The access log's lines; it is complete once the load balancer has stopped."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_tc04_a_dead_node_costs_one_request_and_no_other_user_pays_for_it(method: str) -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **UNDETECTED) as lb:
        await one.stop()
        first, body = await lb.request("/", "node1", method)
        assert (first.status, body) == (200, b"node2")
        assert first.headers["X-LB-Attempts"] == "2"
        assert first.headers["Set-Cookie"].startswith("ROUTEID=.node2;")
        for _ in range(20):  # other users, bound to the dead node just as the first one was
            response, body = await lb.request("/", "node1", method)
            assert (response.status, body) == (200, b"node2")
            assert "X-LB-Attempts" not in response.headers, "a second user waited for the dead node"
            assert response.headers["Set-Cookie"].startswith("ROUTEID=.node2;")


async def test_tc04_a_node_that_swallows_connections_costs_its_user_one_slow_request() -> None:
    settings: dict[str, Any] = {**UNDETECTED, "timeouts": {"connect": "150ms"}}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        await one.stop()
        with black_hole(one.port):
            browser = Browser(lb, "s1", "node1")
            assert await browser.get() == (200, b"node2")
            assert browser.node == "node2"
            for _ in range(5):
                response, body = await lb.request("/", browser.node)
                assert (response.status, body) == (200, b"node2")
                assert "X-LB-Attempts" not in response.headers


async def test_tc04_a_node_that_was_taken_out_for_refusing_is_back_once_its_checks_pass() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two) as lb:
        await one.stop()
        await lb.request("/", "node1")
        await lb.until_state("node1", "DOWN")
        await one.start()
        await lb.until_state("node1", "UP")
        assert (await lb.request("/", "node1"))[1] == b"node1"


@pytest.mark.parametrize("behaviour", [close_without_a_byte, reset_without_a_byte])
async def test_tc16_a_get_that_a_node_dropped_is_repeated_once_and_at_another_node(behaviour: Any) -> None:
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(HttpNode(f"node{number}")) for number in (1, 2, 3)]
        lb = await stack.enter_async_context(running_balancer(*nodes, **NOBODY_OUT))
        nodes[0].on("/", behaviour)
        for _ in range(10):
            response, body = await lb.request("/", "node1")
            assert (response.status, response.headers["X-LB-Attempts"]) == (200, "2")
            assert body in {b"node2", b"node3"}
        assert len(nodes[0].received) == 10


async def test_tc16_a_get_that_two_nodes_dropped_is_given_up() -> None:
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(HttpNode(f"node{number}")) for number in (1, 2, 3)]
        lb = await stack.enter_async_context(running_balancer(*nodes, **NOBODY_OUT))
        for node in nodes:
            node.on("/", close_without_a_byte)
        for turn in range(1, 6):
            response, _ = await lb.request("/", "node1")
            assert (response.status, response.headers["X-LB-Attempts"]) == (502, "2")
            assert len(nodes[0].received) == turn
            assert len(nodes[1].received) + len(nodes[2].received) == turn


async def test_tc16_a_refused_request_never_meets_the_same_node_twice(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(HttpNode(f"node{number}")) for number in (1, 2, 3, 4)]
        lb = await stack.enter_async_context(running_balancer(*nodes, **NOBODY_OUT, access_log_file=str(file)))
        for node in nodes[:3]:
            await node.stop()
        for _ in range(10):
            response, body = await lb.request("/", "node1", "POST", data=b"x" * 1000)
            assert (response.status, body) == (200, b"node4 got 1000")
    attempts = [[attempt["node"] for attempt in line["attempts"]] for line in logged(file)]
    assert len(attempts) == 10
    for met in attempts:
        assert met[0] == "node1"
        assert met[-1] == "node4"
        assert len(set(met)) == len(met)


async def test_tc17_a_retry_stays_among_the_nodes_that_take_new_sessions() -> None:
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(HttpNode(f"node{number}")) for number in (1, 2, 3, 4, 5)]
        settings: dict[str, Any] = {**NOBODY_OUT, "drain": {"deadline": "60s"}}
        lb = await stack.enter_async_context(running_balancer(*nodes, **settings))
        dead, drained, closed, weightless, _ = nodes
        await dead.stop()
        lb.balancer.set_admin(drained.name, Admin.DRAIN)
        lb.balancer.set_admin(closed.name, Admin.MAINT)
        lb.balancer.set_weight(weightless.name, 0)
        for method in ("GET", "POST") * 5:
            response, body = await lb.request("/", dead.name, method)
            assert (response.status, body) == (200, b"node5")
    assert [len(node.received) for node in nodes] == [0, 0, 0, 0, 10]


REFUSING = answering(ok("JIRA is stopping", status="503 Service Unavailable"))


async def test_tc26_a_503_from_a_node_that_is_leaving_is_not_passed_on_to_a_get() -> None:
    settings: dict[str, Any] = {"drain": {"deadline": "60s"}}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        one.state = "DRAINING"
        await lb.until_state("node1", "STOPPING")
        one.on("/", REFUSING)
        for _ in range(5):
            response, body = await lb.request("/", "node1")
            assert (response.status, body) == (200, b"node2")
            assert response.headers["Set-Cookie"].startswith("ROUTEID=.node2;")
        before = len(two.received)
        response, body = await lb.request("/", "node1", "POST", data=b"x")
        assert (response.status, body) == (503, b"JIRA is stopping")
        assert len(two.received) == before


async def test_tc26_a_503_from_a_node_that_serves_is_its_own_answer() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **UNDETECTED) as lb:
        one.on("/", answering(ok("too busy", "Retry-After: 7", status="503 Service Unavailable")))
        response, body = await lb.request("/", "node1")
        assert (response.status, body, response.headers["Retry-After"]) == (503, b"too busy", "7")
        assert "X-LB-Error" not in response.headers
    assert len(two.received) == 0


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_tc28_a_node_that_dies_under_a_big_upload_is_one_clean_502(method: str) -> None:
    has_some = asyncio.Event()

    async def dies(connection: Connection, request: Request) -> bool:
        one.execute(request)
        await connection.reader.readexactly(20_000)
        has_some.set()
        connection.reset()
        return False

    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **NOBODY_OUT) as lb:
        one.on("/", dies)
        async with RawClient.to(lb.url) as client:
            # More than is kept to be sent again, and less than was announced.
            head = f"{method} / HTTP/1.1\r\nHost: h\r\nCookie: ROUTEID=.node1\r\nContent-Length: 1000000\r\n\r\n"
            client.writer.write(head.encode() + bytes(100_000))
            async with asyncio.timeout(LIMIT_S):
                await has_some.wait()
            answer = await client.answer()
            assert answer.status == 502
            assert answer.closes, "the rest of the upload cannot be told from a next request"
            await client.ended()
        assert (await lb.request("/", "node2", "POST", data=b"x"))[1] == b"node2 got 1"
        await until(lambda: lb.balancer.view("node1").in_flight == 0, "nothing is in flight")
    assert len(one.received) == 1
    assert len(two.received) == 1, "the upload was not sent to another node"


async def test_tc28_a_body_that_was_kept_goes_whole_to_the_node_that_takes_it() -> None:
    bodies: list[bytes] = []

    async def takes(connection: Connection, request: Request) -> bool:
        bodies.append(await connection.read_body(request))
        await connection.send(ok("taken"))
        return True

    sent = bytes(range(256)) * 200
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **NOBODY_OUT) as lb:
        two.on("/", takes)
        await one.stop()
        for method in ("POST", "PUT"):
            assert (await lb.request("/", "node1", method, data=sent))[0].status == 200
        await one.start()
        one.on("/", close_without_a_byte)
        assert (await lb.request("/", "node1", "PUT", data=sent))[0].status == 200
        assert (await lb.request("/", "node1", "POST", data=sent))[0].status == 502
    assert bodies == [sent] * 3
