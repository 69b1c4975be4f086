"""Health checks against real sockets: what is found, by which word, and that no node can hold a check up."""

import asyncio

import pytest
from aiohttp import ClientSession, TCPConnector

from lb.balancer import Balancer
from lb.checker import Checker
from lb.health import CheckResult, Outcome
from lb.journal import Journal
from tests.support.balancers import balancer_config, running_balancer
from tests.support.http_nodes import Connection, HttpNode, Request, ok
from tests.support.waiting import until
from zdu.clock import Entropy, SystemClock


async def check(node: HttpNode, **health: object) -> CheckResult:
    config = balancer_config([node], health=health)
    balancer = Balancer(config, Journal(), SystemClock().monotonic_s)
    async with ClientSession(connector=TCPConnector(force_close=True)) as session:
        return await Checker(balancer, Entropy(1)).check(session, config.nodes[0])


async def test_a_check_brings_status_body_boot_id_and_duration() -> None:
    async with HttpNode("node7", boot_id="b-9") as node:
        result = await check(node)
    assert (result.outcome, result.check_status, result.code) == (Outcome.PASS, "L7OK", 200)
    assert (result.boot_id, result.sequence) == ("b-9", 1)
    assert '"nodeId": "node7"' in result.body
    assert 0 < result.duration_ms < 1000


async def test_200_while_starting_does_not_pass() -> None:
    async with HttpNode(state="STARTING") as node:
        result = await check(node)
    assert (result.outcome, result.check_status) == (Outcome.FAIL, "L7RSP")
    assert result.detail == "the node says STARTING, expected RUNNING"


async def test_a_node_that_nobody_listens_for_is_l4con() -> None:
    node = HttpNode()
    await node.start()
    await node.stop()
    result = await check(node)
    assert (result.outcome, result.check_status) == (Outcome.FAIL, "L4CON")
    assert result.detail == "connection refused"


async def test_a_node_that_never_answers_is_l7tout_within_the_timeout() -> None:
    async def silent(connection: Connection, request: Request) -> bool:
        await connection.reader.read()
        return False

    async with HttpNode() as node, asyncio.timeout(2.0):
        node.on("/health", silent)
        result = await check(node, path="/health", timeout="100ms")
    assert (result.outcome, result.check_status) == (Outcome.FAIL, "L7TOUT")


async def test_a_node_that_drips_its_answer_is_l7tout_too() -> None:
    async def drips(connection: Connection, request: Request) -> bool:
        await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            await connection.send(" ")
            await asyncio.sleep(0.01)

    async with HttpNode() as node, asyncio.timeout(2.0):
        node.on("/health", drips)
        result = await check(node, path="/health", timeout="100ms")
    assert (result.outcome, result.check_status, result.code) == (Outcome.FAIL, "L7TOUT", 200)


@pytest.mark.parametrize(
    "answer",
    [b"rubbish\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", ok("x" * 200_000)],
)
async def test_rubbish_nothing_half_an_answer_and_too_much_are_l7rsp(answer: bytes) -> None:
    async def responds(connection: Connection, request: Request) -> bool:
        await connection.send(answer)
        return False

    async with HttpNode() as node:
        node.on("/health", responds)
        result = await check(node, path="/health")
    assert (result.outcome, result.check_status) == (Outcome.FAIL, "L7RSP")


async def test_a_redirect_is_no_pass() -> None:
    async def redirects(connection: Connection, request: Request) -> bool:
        await connection.send(ok("", "Location: /status", status="302 Found"))
        return True

    async with HttpNode() as node:
        node.on("/health", redirects)
        result = await check(node, path="/health")
    assert (result.check_status, result.code) == ("L7STS", 302)


async def test_each_check_uses_a_connection_of_its_own() -> None:
    async with HttpNode() as node, running_balancer(node, health={"inter": "20ms"}):
        await until(lambda: node.checks >= 5, "five checks")
        assert node.connections >= node.checks


async def test_every_node_is_checked_by_itself_so_a_slow_one_delays_nobody() -> None:
    async def silent(connection: Connection, request: Request) -> bool:
        await connection.reader.read()
        return False

    health = {"path": "/health", "inter": "20ms", "timeout": "60s", "expect_state": ""}
    async with HttpNode("node1") as one, HttpNode("node2") as two:
        one.on("/health", silent)
        async with running_balancer(one, two, up=False, health=health) as lb:
            await lb.until_state("node2", "UP")
            await until(lambda: len(two.received) >= 3, "node2 is checked on")
            assert lb.balancer.view("node1").operational == "INIT"
