"""Nodes that leave idle connections at bad moments: no GET may fail by it, and no POST may be carried out twice."""

import asyncio
import os
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest

from lb.pool import Admin
from tests.support.balancers import SELDOM, RunningBalancer, running_balancer
from tests.support.faulty_nodes import Restless, Unreliable
from tests.support.http_nodes import Connection, HttpNode, Request, close_if_reused, ok
from tests.support.raw_clients import BrokenOffError, NoAnswerError, RawClient
from tests.support.waiting import until

TRUSTING = {"health": SELDOM, "passive": {"enabled": False}}
"""No node is taken out: what is to be seen is what becomes of each request."""
KEY = {"Idempotency-Key": "e5a2"}


@asynccontextmanager
async def two_nodes(**settings: Any) -> AsyncIterator[tuple[HttpNode, HttpNode, RunningBalancer]]:
    settings = {**TRUSTING, **settings}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        yield one, two, lb


async def hammer(lb: RunningBalancer, method: str, *, clients: int, requests: int) -> Counter[str]:
    """``requests`` requests over ``clients`` connections; what came of them, by status or by how they ended.

    A client whose connection is closed opens another; each request has an operation of its own, ``op-0`` and so on.
    """
    outcomes: Counter[str] = Counter()
    operations = count()
    body = b"x" * 100 if method in {"POST", "PUT"} else None

    async def client() -> None:
        while True:
            async with RawClient.to(lb.url) as connection:
                for number in operations:
                    if number >= requests:
                        return
                    operation = f"Operation-Id: op-{number}"
                    try:
                        answer = await connection.request(method, "/", operation, body=body)
                    except (BrokenOffError, NoAnswerError) as error:
                        outcomes[type(error).__name__] += 1
                        break
                    outcomes[str(answer.status)] += 1
                    if answer.closes:
                        break

    async with asyncio.TaskGroup() as tasks:
        for _ in range(clients):
            tasks.create_task(client())
    return outcomes


async def test_tc01_no_get_fails_whenever_nodes_close_their_idle_connections() -> None:
    async with two_nodes() as (one, two, lb):
        habits = [
            Restless(node, random.Random(seed), race=0.04, close_at_once=0.05, close_later=0.05)
            for seed, node in enumerate((one, two))
        ]
        for node, habit in zip((one, two), habits, strict=True):
            node.on("/", habit)
        outcomes = await hammer(lb, "GET", clients=8, requests=2000)

    assert outcomes == {"200": 2000}
    assert sum(habit.races for habit in habits) > 20, "the race was not run often enough to prove anything"
    assert sum(habit.closings for habit in habits) > 50


async def test_tc01_an_idle_connection_is_given_up_before_the_time_its_node_advertised() -> None:
    async def advertises(connection: Connection, request: Request) -> bool:
        await connection.send(ok("one", "Keep-Alive: timeout=1, max=100"))
        return True

    async with two_nodes(timeouts={"server_keep_alive": "60s"}) as (one, _, lb):
        one.on("/", advertises)
        await lb.request("/", "node1")
        [idle] = one.open_connections
        # The node itself would keep it for ever: whoever closes it is the load balancer.
        await until(lambda: idle not in one.open_connections, "the idle connection is given up")
        assert (await lb.request("/", "node1"))[1] == b"one"


async def test_tc02_a_post_never_goes_to_a_connection_whose_end_has_already_come() -> None:
    async def serves_and_closes(connection: Connection, request: Request) -> bool:
        await connection.read_body(request)
        one.execute(request)
        await connection.send(ok("one"))  # and says nothing of closing
        return False

    async with two_nodes() as (one, _, lb), RawClient.to(lb.url) as client:
        one.on("/", serves_and_closes)
        for number in range(200):
            operation = f"Operation-Id: op-{number}"
            answer = await client.request("POST", "/", operation, body=b"x" * 100, node="node1")
            assert answer.status == 200
            # The node's end of the connection is closed by now, so its FIN has arrived here: this is one machine.
            await until(lambda: not one.open_connections, "the node has closed")
    assert one.operations == {f"op-{number}": 1 for number in range(200)}


async def test_tc02_a_post_never_goes_to_a_connection_that_ended_while_the_post_came() -> None:
    ends: list[socket.socket] = []

    async def keeps(connection: Connection, request: Request) -> bool:
        await connection.read_body(request)
        one.execute(request)
        ends.append(socket.socket(fileno=os.dup(connection.writer.get_extra_info("socket").fileno())))
        await connection.send(ok("one"))
        return True

    def post(number: int) -> bytes:
        fields = f"Host: h\r\nOperation-Id: op-{number}\r\nContent-Length: 1"
        return f"POST / HTTP/1.1\r\n{fields}\r\n\r\nx".encode()

    loop = asyncio.get_running_loop()
    async with two_nodes() as (one, _, lb):
        lb.balancer.set_admin("node2", Admin.MAINT)
        one.on("/", keeps)
        host, port = lb.url.removeprefix("http://").split(":")
        for turn in range(50):
            with socket.create_connection((host, int(port))) as client:
                client.setblocking(False)
                await loop.sock_sendall(client, post(2 * turn))
                assert (await loop.sock_recv(client, 65536)).startswith(b"HTTP/1.1 200 OK")
                # Nothing else runs between these two: the load balancer finds the request first, then the end.
                client.send(post(2 * turn + 1))
                ends[-1].shutdown(socket.SHUT_WR)
                assert (await loop.sock_recv(client, 65536)).startswith(b"HTTP/1.1 200 OK")
            for end in ends:
                end.close()
            ends.clear()
    assert one.operations == {f"op-{number}": 1 for number in range(100)}


async def test_tc02_posts_that_lose_the_race_fail_cleanly_and_no_other_does() -> None:
    async with two_nodes(retry={"budget": 1.0, "budget_min": 1000}) as (one, two, lb):
        habits = [Restless(node, random.Random(seed), race=0.1) for seed, node in enumerate((one, two))]
        for node, habit in zip((one, two), habits, strict=True):
            node.on("/", habit)
        outcomes = await hammer(lb, "POST", clients=6, requests=600)

    races = sum(habit.races for habit in habits)
    assert races > 10
    assert outcomes == {"200": 600 - races, "502": races}
    carried_out = one.operations + two.operations
    assert set(carried_out.values()) == {1}
    assert len(carried_out) == 600 - races


async def test_tc02_however_connections_end_a_post_is_carried_out_at_most_once() -> None:
    async with two_nodes(retry={"budget": 1.0, "budget_min": 1000}) as (one, two, lb):
        habits = [
            Restless(node, random.Random(seed), race=0.03, close_at_once=0.1, close_later=0.2)
            for seed, node in enumerate((one, two))
        ]
        for node, habit in zip((one, two), habits, strict=True):
            node.on("/", habit)
        outcomes = await hammer(lb, "POST", clients=6, requests=600)

    assert set(outcomes) <= {"200", "502"}
    assert outcomes.total() == 600
    lost_at_most = sum(habit.races + habit.closings for habit in habits)
    assert outcomes["502"] <= lost_at_most
    carried_out = one.operations + two.operations
    assert set(carried_out.values()) == {1}
    assert outcomes["200"] <= len(carried_out)


@pytest.mark.parametrize("seed", range(4))
async def test_tc03_no_post_is_carried_out_twice_whatever_goes_wrong_and_with_every_retry_allowed(seed: int) -> None:
    settings = {
        "retry": {"retries": 3, "budget": 1.0, "budget_min": 10_000, "idempotency_key": True},
        "timeouts": {"server": "200ms", "connect": "200ms"},
    }
    async with two_nodes(**settings) as (one, two, lb):
        faults = [Unreliable(node, random.Random(f"{seed}/{node.name}")) for node in (one, two)]
        for node, fault in zip((one, two), faults, strict=True):
            node.on("/", fault)
        first = await hammer(lb, "POST", clients=4, requests=120)
        await two.stop()
        one.operations, two.operations, before = Counter(), Counter(), one.operations + two.operations
        second = await hammer(lb, "POST", clients=4, requests=60)

    for outcomes, carried_out, asked in ((first, before, 120), (second, one.operations, 60)):
        assert outcomes.total() == asked
        assert max(carried_out.values()) == 1
        assert outcomes["200"] <= len(carried_out)
    assert not two.operations
    wrong = sum((fault.drawn for fault in faults), Counter())
    assert len(wrong) > 6, f"too little went wrong to prove anything: {wrong}"


@pytest.mark.parametrize(
    ("allowed", "field", "status"), [(True, KEY, 200), (True, {}, 502), (False, KEY, 502), (False, {}, 502)]
)
async def test_tc03_a_post_is_repeated_only_with_an_idempotency_key_and_the_configurations_leave(
    allowed: bool, field: dict[str, str], status: int
) -> None:
    async with two_nodes(retry={"idempotency_key": allowed}) as (one, two, lb):
        one.on("/", close_if_reused("one"))
        await lb.request("/", "node1")
        response, _ = await lb.request("/", "node1", "POST", data=b"x", headers=field)
    assert response.status == status
    assert one.executions["POST /"] + two.executions["POST /"] == (2 if status == 200 else 1)
