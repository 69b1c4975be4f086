"""Health checks against real sockets: what is found, by which word, and that no node can hold a check up."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.balancer import Balancer
from lb.checker import Checker, in_step
from lb.config import BalancerConfig, HealthConfig
from lb.health import CheckResult, HealthChange, Outcome
from lb.journal import Journal
from tests.support.balancers import balancer_config, running_balancer
from tests.support.http_nodes import Connection, HttpNode, Request, answering, ok, reset_without_a_byte
from tests.support.waiting import stand_still, turns, until
from zdu.clock import Entropy, SystemClock


async def check(node: HttpNode, **health: object) -> CheckResult:
    config = balancer_config([node], health=health)
    balancer = Balancer(config, Journal(), SystemClock().monotonic_s)
    return await Checker(balancer, Entropy(1)).check(config.nodes[0])


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
            await stand_still(0.01, "a byte now and then")

    async with HttpNode() as node, asyncio.timeout(2.0):
        node.on("/health", drips)
        result = await check(node, path="/health", timeout="100ms")
    assert (result.outcome, result.check_status, result.code) == (Outcome.FAIL, "L7TOUT", 200)


WELL = b'{"state": "RUNNING"}'


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (b"rubbish\r\n\r\n", "the first line is no status line"),
        (b"220 smtp.example.com ESMTP\r\n", "the answer is not HTTP"),
        (b"\x16\x03\x01", "the answer is not HTTP"),
        (b"", "the connection was closed without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-", "the connection was closed within the answer's head"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
            "the connection was closed before the answer was complete",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", "the connection was closed before"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "a chunk does not begin with its size"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", "more than one Content-Length"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "the answer's head does not end"),
        (ok("x" * 200_000), "the body names no state"),
    ],
)
async def test_rubbish_nothing_half_an_answer_and_too_much_are_l7rsp(answer: bytes, detail: str) -> None:
    async def responds(connection: Connection, request: Request) -> bool:
        await connection.send(answer)
        return False

    async with HttpNode() as node:
        node.on("/health", responds)
        result = await check(node, path="/health")
    assert (result.outcome, result.check_status) == (Outcome.FAIL, "L7RSP")
    assert result.detail.startswith(detail)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + WELL,
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + WELL + b"more than it says",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"
        + WELL[:5]
        + b"\r\nf\r\n"
        + WELL[5:]
        + b"\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n" + WELL,
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200\r\nContent-Length: 20\r\n\r\n" + WELL,
    ],
)
@pytest.mark.parametrize("in_one", [True, False])
async def test_every_framing_of_an_answer_is_read_in_one_piece_or_in_many(answer: bytes, in_one: bool) -> None:
    async def responds(connection: Connection, request: Request) -> bool:
        for piece in [answer] if in_one else [answer[place : place + 1] for place in range(len(answer))]:
            await connection.send(piece)
            await turns()
        return False

    async with HttpNode() as node:
        node.on("/health", responds)
        result = await check(node, path="/health")
    assert (result.outcome, result.check_status, result.body) == (Outcome.PASS, "L7OK", WELL.decode())


@pytest.mark.parametrize(
    "framing",
    ["", "Content-Length: 100000000000\r\n", "Transfer-Encoding: chunked\r\n"],
    ids=["close", "length", "chunked"],
)
async def test_an_endless_answer_is_cut_and_its_connection_ended(framing: str) -> None:
    ended = asyncio.Event()

    async def responds(connection: Connection, request: Request) -> bool:
        await connection.send(f"HTTP/1.1 200 OK\r\n{framing}\r\n")
        try:
            while True:
                await connection.send(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
        finally:
            ended.set()

    async with HttpNode() as node:
        node.on("/health", responds)
        result = await check(node, path="/health", timeout="60s")
        async with asyncio.timeout(5):
            await ended.wait()
    assert (result.outcome, result.check_status, result.code) == (Outcome.FAIL, "L7RSP", 200)


async def test_an_answer_that_is_complete_is_not_waited_on_until_the_node_closes() -> None:
    async def responds(connection: Connection, request: Request) -> bool:
        await connection.send(ok(WELL))
        await connection.reader.read()
        return False

    async with HttpNode() as node:
        node.on("/health", responds)
        async with asyncio.timeout(5):
            result = await check(node, path="/health", timeout="60s")
    assert result.outcome is Outcome.PASS


async def test_a_node_that_resets_the_connection_is_l7rsp() -> None:
    async with HttpNode() as node:
        node.on("/health", reset_without_a_byte)
        result = await check(node, path="/health")
    assert (result.check_status, result.detail) == ("L7RSP", "the connection was closed without an answer")


async def test_a_node_that_accepts_no_connection_in_time_is_l4tout() -> None:
    """A full queue of connections: the kernel does not answer any more."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = []
        try:
            for _ in range(4):
                waiting.append(filler := socket.socket())
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            result = await check(HttpNode(port=port), timeout="200ms")
        finally:
            for filler in waiting:
                filler.close()
    assert (result.outcome, result.check_status) == (Outcome.FAIL, "L4TOUT")


async def test_what_this_machine_is_short_of_is_said_to_be_no_fault_of_the_node(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def no_socket(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", no_socket)
    result = await check(HttpNode(port=1))
    assert (result.check_status, result.detail) == ("SOCKERR", "too many open files")


async def test_the_node_is_asked_by_its_own_name_and_told_that_the_connection_ends() -> None:
    async with HttpNode() as node:
        node.on("/health", answering(ok(WELL)))
        await check(node, path="/health?deep=1")
        (request,) = node.received
    assert (request.method, request.target) == ("GET", "/health?deep=1")
    assert (request.get("Host"), request.get("Connection")) == (f"127.0.0.1:{node.port}", "close")


@pytest.mark.parametrize("path", ["", "status", "/a b", "/\r\nX: y", "/\u00e9"])
def test_a_path_that_no_request_can_have_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        HealthConfig(path=path)


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


async def test_a_node_that_users_find_amiss_is_checked_again_within_fastinter() -> None:
    health = {"inter": "60s", "fastinter": "30ms", "jitter": 0, "rise": 1}
    async with HttpNode() as node, running_balancer(node, health=health) as lb:
        seen = node.checks
        lb.balancer.health["node1"].hurry()
        await until(lambda: node.checks == seen + 1, "one more check")
        lb.balancer.health["node1"].hurry()
        lb.balancer.health["node1"].hurry()
        await until(lambda: node.checks == seen + 2, "and one more")


async def test_a_check_that_was_under_way_when_users_found_the_node_amiss_is_not_the_one_they_hurried_for() -> None:
    release, entered = asyncio.Event(), asyncio.Event()

    async def slow(connection: Connection, request: Request) -> bool:
        entered.set()
        await release.wait()
        await connection.send(ok(WELL))
        return False

    health = {"inter": "60s", "fastinter": "30ms", "jitter": 0, "timeout": "30s"}
    async with HttpNode() as node, running_balancer(node, health=health) as lb:
        node.check = slow
        lb.balancer.health["node1"].hurry()
        async with asyncio.timeout(5):
            await entered.wait()
        seen = node.checks
        lb.balancer.health["node1"].hurry()
        release.set()
        await until(lambda: node.checks > seen, "another check")


@given(due_s=st.floats(0, 1e7), seconds=st.floats(0.001, 3600))
def test_a_check_is_moved_little_to_begin_together_with_others(due_s: float, seconds: float) -> None:
    moved_s = in_step(due_s, seconds)
    assert abs(moved_s - due_s) <= seconds / 16 + 1e-9
    assert abs(moved_s - due_s) <= 1 / 16


def test_the_checks_of_a_hundred_nodes_begin_in_few_groups_whatever_their_jitter() -> None:
    rng = Entropy(1).rng
    begin_s = {in_step(1000.0 + seconds, seconds) for seconds in (rng.uniform(0.9, 1.1) for _ in range(100))}
    assert len(begin_s) <= 5
    assert in_step(1000.0, 0.0) == 1000.0


class Noting:
    """A balancer that notes of which nodes it is told something."""

    def __init__(self, balancer: Balancer) -> None:
        self.told: list[str] = []
        self._balancer = balancer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._balancer, name)

    def move_to(self, config: BalancerConfig) -> None:
        self.addresses = {node.name: node for node in config.nodes}

    def checked(self, node: str, result: CheckResult) -> HealthChange | None:
        self.told.append(node)
        return self._balancer.checked(node, result)


@asynccontextmanager
async def checking(config: BalancerConfig) -> AsyncIterator[tuple[Noting, Checker]]:
    """A checker at work, without the rest of a load balancer."""
    balancer = Noting(Balancer(config, Journal(), SystemClock().monotonic_s))
    async with asyncio.TaskGroup() as tasks:
        checker = Checker(cast(Balancer, balancer), Entropy(1))
        (task,) = checker.start(tasks)
        try:
            yield balancer, checker
        finally:
            task.cancel()


async def test_nodes_come_and_go_while_the_others_are_checked_on() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, HttpNode("node3") as three:
        often = {"inter": "20ms"}
        async with checking(balancer_config([one, two], health=often)) as (balancer, checker):
            await until(lambda: one.checks and two.checks, "both are checked")
            stays = balancer.health["node1"]
            balancer.reconfigure(balancer_config([one, three], health=often))
            assert balancer.health["node1"] is stays
            balancer.told.clear()
            checker.sync()
            checker.sync()
            seen = one.checks
            await until(lambda: one.checks > seen + 3 and three.checks > 3, "the one that stayed and the new one")
            assert set(balancer.told) == {"node1", "node3"}
            assert {task.get_name() for task in asyncio.all_tasks() if "lb-check-" in task.get_name()} == {
                "lb-check-node1",
                "lb-check-node3",
            }
            assert repr(checker) == "<Checker node1, node3>"


async def test_a_node_with_another_address_is_checked_there() -> None:
    async with (
        HttpNode("node1") as before,
        HttpNode("node1") as after,
        checking(balancer_config([before], health={"inter": "20ms"})) as (balancer, checker),
    ):
        await until(lambda: before.checks, "the first address")
        config = balancer_config([after])
        balancer.move_to(config)
        checker.sync()
        await until(lambda: after.checks > 3, "the second address")
        seen = before.checks
        await until(lambda: after.checks > 6, "the second address only")
        assert before.checks == seen


async def test_a_checker_that_does_not_run_has_nothing_to_do() -> None:
    async with HttpNode() as node:
        async with checking(balancer_config([node])) as (_, checker):
            await until(lambda: node.checks, "it runs")
        seen = node.checks
        checker.sync()
        assert (repr(checker), node.checks) == ("<Checker >", seen)
