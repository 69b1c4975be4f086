"""When a node counts as ready: not before its checks say so, and no longer than its users' requests bear it out."""

import asyncio
from contextlib import AsyncExitStack
from itertools import cycle
from typing import Any

import pytest

from tests.support.balancers import SELDOM, RunningBalancer, running_balancer
from tests.support.http_nodes import Behaviour, Connection, HttpNode, Request, answering, close_without_a_byte, ok
from tests.support.waiting import until

FAILING = answering(ok("java.lang.NullPointerException", status="500 Internal Server Error"))


def usable(lb: RunningBalancer) -> int:
    return sum(view.takes_new_sessions for view in lb.balancer.views())


async def test_tc09_a_starting_node_gets_its_first_request_after_its_rise_th_passed_check() -> None:
    first_came_after: list[int] = []
    passed = 0

    async def check(connection: Connection, request: Request) -> bool:
        nonlocal passed
        passed += new.state == "RUNNING"
        body = f'{{"state": "{new.state}"}}'  # with status 200, as Jira answers while it starts
        await connection.send(ok(body))
        return False

    async def serve(connection: Connection, request: Request) -> bool:
        first_came_after.append(passed)
        await connection.send(ok("new"))
        return True

    async with HttpNode("old") as old, HttpNode("new") as new:
        new.state = "STARTING"
        new.check = check
        new.on("/", serve)
        health = {"rise": 4, "inter": "20ms"}
        async with running_balancer(old, new, up=False, health=health) as lb:
            await lb.until_state("old", "UP")
            await lb.until_state("new", "DOWN")
            bodies = {(await lb.request("/", bound_to))[1] for bound_to in ("", "new") * 10}
            assert bodies == {b"old"}
            new.state = "RUNNING"
            async with asyncio.timeout(5):
                while not first_came_after:  # new sessions and ones bound to it, as they come
                    await lb.request("/")
                    await lb.request("/", "new")
    assert first_came_after[0] >= 4


async def test_tc09_at_its_start_a_node_gets_nothing_before_it_was_checked_at_all() -> None:
    checked = asyncio.Event()

    async def check(connection: Connection, request: Request) -> bool:
        await checked.wait()
        await connection.send(ok('{"state": "RUNNING"}'))
        return False

    async with HttpNode("node1") as node:
        node.check = check
        settings: dict[str, Any] = {"health": {"timeout": "30s"}, "queue": {"timeout": "30s"}}
        async with running_balancer(node, up=False, **settings) as lb:
            request = asyncio.create_task(lb.request("/"))
            await until(lambda: lb.queued == 1, "the request waits")
            assert (lb.balancer.view("node1").operational, node.received) == ("INIT", [])
            checked.set()
            assert (await request)[0].status == 200


@pytest.mark.parametrize("fault", [FAILING, close_without_a_byte, answering("rubbish\r\n\r\n", keep=False)])
async def test_tc13_one_failed_request_does_not_take_a_node_out_and_a_burst_does(fault: Behaviour) -> None:
    settings: dict[str, Any] = {"health": SELDOM, "passive": {"error_limit": 5}}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        one.on("/", fault)
        one.on("/well", answering(ok("well", "Connection: close")))  # a reused one would make it a keep-alive race
        for _ in range(4):
            await lb.request("/", "node1", "POST")
        assert usable(lb) == 2
        assert (await lb.request("/well", "node1"))[1] == b"well"
        for _ in range(4):  # the count began anew: only failures in a row count
            await lb.request("/", "node1", "POST")
        assert usable(lb) == 2
        await lb.request("/", "node1", "POST")
        assert usable(lb) == 1
        seen = len(one.received)
        answers = [await lb.request("/", "node1") for _ in range(10)]
        assert {(response.status, body) for response, body in answers} == {(200, b"node2")}
        assert len(one.received) == seen


@pytest.mark.parametrize(("max_ejected", "left"), [(0.0, 3), (0.5, 2), (1.0, 1)])
async def test_tc13_failed_requests_alone_never_leave_users_without_a_node(max_ejected: float, left: int) -> None:
    settings: dict[str, Any] = {"health": SELDOM, "passive": {"error_limit": 2, "max_ejected": max_ejected}}
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(HttpNode(f"node{number}")) for number in (1, 2, 3)]
        lb = await stack.enter_async_context(running_balancer(*nodes, **settings))
        for node in nodes:
            node.on("/", FAILING)
        for turn in range(60):
            response, _ = await lb.request("/", f"node{turn % 3 + 1}")
            assert response.status == 500, "a node's own answer, never ours that there is none"
            assert usable(lb) >= left
        assert usable(lb) == left
        for node in nodes:
            node.on("/", answering(ok("well")))
        assert {(await lb.request("/"))[0].status for _ in range(6)} == {200}


async def test_tc13_a_node_whose_checks_lie_is_taken_out_by_its_requests_and_comes_back_by_its_checks() -> None:
    settings: dict[str, Any] = {"health": {"inter": "40ms", "rise": 3}, "passive": {"error_limit": 3}}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        one.on("/", FAILING)
        for _ in range(3):
            await lb.request("/", "node1")
        states = [entry.change for entry in lb.balancer.journal.after(0) if entry.change.node == "node1"]
        assert not states[-1].takes_new_sessions
        one.on("/", answering(ok("well")))
        await lb.until(lambda: usable(lb) == 2, "node1 is back after its checks passed")
        assert (await lb.request("/", "node1"))[1] == b"well"


LOST = "FFPPFPPPPP"
"""Three of ten checks fail, and never more than two in a row: what ``fall: 3`` is to bear."""


async def test_tc14_nodes_stay_up_while_a_third_of_their_checks_fail_together() -> None:
    async def lies(connection: Connection, request: Request) -> bool:
        return False

    async def is_ill(connection: Connection, request: Request) -> bool:
        await connection.send(ok('{"state": "RUNNING"}', status="500 Internal Server Error"))
        return False

    async def babbles(connection: Connection, request: Request) -> bool:
        await connection.send("220 smtp.example.com ESMTP\r\n\r\n")
        return False

    async def says(connection: Connection, request: Request) -> bool:
        await connection.send(ok('{"state": "RUNNING"}'))
        return False

    def flaky() -> Behaviour:
        failures, pattern = cycle([lies, is_ill, babbles]), cycle(LOST)
        for _ in range(2):
            next(pattern)  # the first check of all decides on its own, so it passes

        async def check(connection: Connection, request: Request) -> bool:
            return await (next(failures) if next(pattern) == "F" else says)(connection, request)

        return check

    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(HttpNode(f"node{number}")) for number in (1, 2, 3)]
        for node in nodes:
            node.check = flaky()
        health = {"inter": "10ms", "jitter": 0, "timeout": "5s", "fall": 3}
        lb = await stack.enter_async_context(running_balancer(*nodes, health=health))
        statuses = set()
        while min(node.checks for node in nodes) < 50:
            statuses.add((await lb.request("/", "node1"))[0].status)
        assert statuses == {200}
        seen = {entry.change.operational.value for entry in lb.balancer.journal.after(0)}
    assert seen == {"UP", "GOING_DOWN"}
