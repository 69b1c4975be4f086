"""Cold nodes, newcomers, the last node left and retry storms: nobody gets more than it can bear."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any

import pytest

from lb.pool import Admin
from tests.support.balancers import SELDOM, RunningBalancer, running_balancer
from tests.support.http_nodes import (
    Behaviour,
    Connection,
    Gate,
    HttpNode,
    Request,
    close_without_a_byte,
    ok,
    reset_without_a_byte,
)
from tests.support.waiting import stand_still, until

PATIENT = {"queue": {"timeout": "1h"}, "timeouts": {"server": "1h"}, "retry": {"deadline": "1h"}}
"""No request's time is up because the test lets a slow start pass in no time."""
RAMP = {
    **PATIENT,
    "each_node": {"slowstart": "10min", "maxconn": 20},
    "rebalance": {"enabled": False},
}


async def recover(lb: RunningBalancer, node: HttpNode) -> None:
    """Let ``node`` fail its checks until it is DOWN, and come back."""
    node.status_code = 500
    await lb.until_state(node.name, "DOWN")
    node.status_code = None
    await lb.until_state(node.name, "UP")


@asynccontextmanager
async def nodes_and_balancer(number: int, **settings: Any) -> AsyncIterator[tuple[list[HttpNode], RunningBalancer]]:
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(HttpNode(f"node{n + 1}")) for n in range(number)]
        yield nodes, await stack.enter_async_context(running_balancer(*nodes, **settings))


async def share(lb: RunningBalancer, node: HttpNode, requests: int = 110) -> int:
    """How many of ``requests`` new sessions ``node`` gets."""
    before = len(node.received)
    for _ in range(requests):
        assert (await lb.request("/"))[0].status == 200
    return len(node.received) - before


async def test_tc10_a_recovered_nodes_share_of_new_sessions_grows_with_time() -> None:
    async with nodes_and_balancer(2, **RAMP) as ((one, _), lb):
        assert await share(lb, one) == 55, "at the load balancer's own start nothing is cold"
        await recover(lb, one)
        shares = [await share(lb, one)]
        for _ in range(2):
            lb.pass_time(300)
            shares.append(await share(lb, one))
    # By weight: 10 of 110, then 55 of 155, then 100 of 200; a slow machine is some seconds further up the ramp.
    begin, middle, end = shares
    assert 8 <= begin <= 14
    assert 36 <= middle <= 43
    assert 54 <= end <= 56


async def test_tc10_a_recovered_nodes_concurrency_grows_with_time_too() -> None:
    async with nodes_and_balancer(2, **RAMP) as ((one, two), lb):
        await recover(lb, one)
        gate = Gate()
        one.on("/", gate)
        requests = [asyncio.create_task(lb.request("/", "node1")) for _ in range(12)]
        await until(lambda: one.busy + lb.queued + len(two.received) == 12, "all have been dealt with")
        assert 1 <= one.busiest <= 4, "a tenth of 20, and a little for a slow machine's time"
        lb.pass_time(600)
        later = [asyncio.create_task(lb.request("/", "node1")) for _ in range(12)]
        await until(lambda: one.busy >= 12, "all that is waiting may come")
        gate.release.set()
        answers = await asyncio.gather(*requests, *later)
    assert {response.status for response, _ in answers} == {200}
    assert one.busiest <= 20


async def test_tc11_a_nodes_ramp_is_not_cut_short_or_begun_anew_when_others_come_and_go() -> None:
    async with nodes_and_balancer(3, **RAMP) as ((one, two, three), lb):
        await recover(lb, one)
        lb.pass_time(150)
        lb.balancer.set_admin("node3", Admin.MAINT)
        await recover(lb, three)
        two.status_code = 500
        await lb.until_state("node2", "DOWN")
        two.status_code = None
        await lb.until_state("node2", "UP")
        async with HttpNode("node4") as four:
            await lb.reload(one, two, three, four, **RAMP)
            await lb.until_state("node4", "UP")
            lb.balancer.set_admin("node4", Admin.MAINT)
            # A quarter of the ramp is over for node1 (32), nothing yet for node2 (10): 84 of 110.
            early = await share(lb, one)
            lb.pass_time(450)
            # All of it for node1 (100), three quarters for node2 (77): 62 of 110.
            late = await share(lb, one)
    assert 78 <= early <= 88
    assert 58 <= late <= 66


def taking(seconds: float) -> Behaviour:
    """A behaviour that works for ``seconds`` on each request."""

    async def behaviour(connection: Connection, request: Request) -> bool:
        await connection.read_body(request)
        await stand_still(seconds, "the node works on it")
        await connection.send(ok("done"))
        return True

    return behaviour


@pytest.mark.parametrize("balance", ["roundrobin", "leastconn", "random"])
async def test_tc12_no_node_gets_more_at_once_than_it_may_not_even_an_empty_newcomer(balance: str) -> None:
    settings: dict[str, Any] = {"each_node": {"maxconn": 4}, "balance": balance, "queue": {"timeout": "30s"}}
    async with nodes_and_balancer(3, **settings) as (nodes, lb):
        newcomer = nodes[2]
        for node in nodes:
            node.on("/", taking(0.005))
        newcomer.status_code = 500
        await lb.until_state(newcomer.name, "DOWN")

        numbers = count()

        async def user() -> set[int]:
            statuses = set()
            while next(numbers) < 200 or not newcomer.received:
                statuses.add((await lb.request("/"))[0].status)
            return statuses

        users = [asyncio.create_task(user()) for _ in range(30)]
        await until(lambda: lb.queued, "there is more than the two can take")
        newcomer.status_code = None
        statuses = set().union(*await asyncio.gather(*users))
    assert statuses == {200}
    assert [node.busiest for node in nodes] == [4, 4, 4]


async def test_tc12_the_last_node_is_not_overrun_when_the_others_die_under_load() -> None:
    settings: dict[str, Any] = {"each_node": {"maxconn": 5}, "queue": {"timeout": "30s"}, "health": SELDOM}
    async with nodes_and_balancer(3, **settings) as (nodes, lb):
        last, *others = nodes
        for node in nodes:
            node.on("/", taking(0.005))
        statuses: set[int] = set()

        async def user(number: int) -> None:
            for _ in range(6):
                statuses.add((await lb.request("/", nodes[number % 3].name))[0].status)

        users = [asyncio.create_task(user(number)) for number in range(30)]
        await until(lambda: last.busiest == 5, "the load is on")
        for node in others:
            node.retire()  # refuses all that is new, and finishes what it has
        await asyncio.gather(*users)
    assert statuses == {200}
    assert last.busiest <= 5


@pytest.mark.parametrize("fault", [close_without_a_byte, reset_without_a_byte])
async def test_tc15_retries_add_no_more_than_a_fifth_to_the_load_of_nodes_that_all_fail(fault: Behaviour) -> None:
    settings: dict[str, Any] = {
        "health": SELDOM,
        "passive": {"enabled": False},
        "retry": {"retries": 3, "budget": 0.2, "budget_min": 0},
    }
    async with nodes_and_balancer(3, **settings) as (nodes, lb):
        for node in nodes:
            node.on("/", fault)
        statuses = set()
        for _ in range(30):
            answers = await asyncio.gather(*(lb.request("/") for _ in range(8)))
            statuses |= {response.status for response, _ in answers}
            attempts = {int(response.headers.get("X-LB-Attempts", "1")) for response, _ in answers}
            assert attempts <= {1, 2}, "a retry is not retried"
        received = sum(len(node.received) for node in nodes)
    assert statuses == {502}
    assert 240 < received <= 240 * 1.2 + 1
