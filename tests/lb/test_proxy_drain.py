"""Nodes that leave: drained, in maintenance, down. Sessions move, requests in flight finish, connections close."""

import asyncio
from typing import Any

import pytest

from lb.pool import Admin
from tests.support.balancers import RunningBalancer, running_balancer
from tests.support.http_nodes import Gate, HttpNode, answering, ok
from tests.support.waiting import until

LIMIT_S = 5.0


async def in_flight(lb: RunningBalancer, node: HttpNode, gate: Gate) -> "asyncio.Task[tuple[int, bytes]]":
    """A request to ``node`` that is being handled and waits at ``gate``."""
    node.on("/slow", gate)

    async def request() -> tuple[int, bytes]:
        response, body = await lb.request("/slow", node.name)
        return response.status, body

    task = asyncio.create_task(request())
    async with asyncio.timeout(LIMIT_S):
        await gate.entered.wait()
    return task


async def test_a_node_that_says_draining_loses_its_sessions_while_its_requests_in_flight_finish() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two) as lb:
        gate = Gate()
        slow = await in_flight(lb, one, gate)
        one.state = "DRAINING"
        await lb.until_state("node1", "STOPPING")

        response, body = await lb.request("/", "node1")
        assert (body, response.headers["Set-Cookie"].partition(";")[0]) == (b"node2", "ROUTEID=.node2")
        assert not lb.balancer.view("node1").drained

        gate.release.set()
        assert await slow == (200, b"late")
        await lb.until(lambda: lb.balancer.view("node1").drained, "node1 is drained")
        assert lb.meter.moved == 1


async def test_with_a_deadline_a_draining_node_serves_its_sessions_until_then() -> None:
    drain = {"deadline": "300ms"}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, drain=drain) as lb:
        one.state = "DRAINING"
        await lb.until_state("node1", "STOPPING")
        assert (await lb.request("/", "node1"))[1] == b"node1"
        assert {(await lb.request("/"))[1] for _ in range(3)} == {b"node2"}

        await lb.until(lambda: lb.balancer.view("node1").drained, "node1 is drained")
        assert (await lb.request("/", "node1"))[1] == b"node2"


def refuse_all(node: HttpNode) -> None:
    """SIGTERM: the node says STOPPING and answers 503 to everything new."""
    node.state = "STOPPING"
    node.on("/", answering(ok("JIRA is stopping", status="503 Service Unavailable")))


async def test_a_node_that_says_stopping_gets_nothing_more_at_once_and_finishes_what_it_has() -> None:
    settings: dict[str, Any] = {"drain": {"deadline": "60s"}, "health": {"fall": 100}}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        gate = Gate()
        slow = await in_flight(lb, one, gate)
        refuse_all(one)
        await lb.until_state("node1", "DOWN")

        response, body = await lb.request("/", "node1")
        assert (response.status, body) == (200, b"node2")
        assert {(await lb.request("/"))[1] for _ in range(3)} == {b"node2"}
        gate.release.set()
        assert await slow == (200, b"late")
        await lb.until(lambda: lb.balancer.view("node1").drained, "node1 is drained")


async def test_drain_panic_takes_the_node_that_still_serves_not_the_one_that_stops() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two) as lb:
        one.state = "DRAINING"
        await lb.until_state("node1", "STOPPING")
        refuse_all(two)
        await lb.until_state("node2", "DOWN")
        answers = [await lb.request("/", bound_to) for bound_to in ("node1", "node2", "")]
    assert [(response.status, body) for response, body in answers] == [(200, b"node1")] * 3


async def test_a_node_drained_stopped_and_gone_is_told_as_such_and_never_as_serving_again() -> None:
    settings: dict[str, Any] = {"drain": {"deadline": "100ms"}}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        since = lb.balancer.journal.last_seq
        one.state = "DRAINING"
        await lb.until(lambda: lb.balancer.view("node1").drained, "node1 is drained")
        refuse_all(one)
        await lb.until_state("node1", "DOWN")
        await one.stop()
        await lb.until_check("node1", "L4CON")
        told = [entry.change for entry in lb.balancer.journal.after(since)]
    assert [(c.node, c.operational, c.takes_new_sessions, c.takes_bound_sessions, c.drained) for c in told] == [
        ("node1", "STOPPING", False, True, False),
        ("node1", "STOPPING", False, False, True),
        ("node1", "DOWN", False, False, True),
    ]
    assert told[-1].reason == "L7RSP the node says STOPPING, it takes no more"


async def test_a_node_stopped_while_it_starts_gets_nobody() -> None:
    settings: dict[str, Any] = {"drain": {"deadline": "60s"}}
    async with HttpNode("node1") as one, HttpNode("node2") as two:
        one.state = "STARTING"
        async with running_balancer(one, two, up=False, **settings) as lb:
            await lb.until_state("node2", "UP")
            await lb.until_state("node1", "DOWN")
            refuse_all(one)
            await lb.until_check("node1", "L7RSP", "the node says STOPPING, it takes no more")
            assert (await lb.request("/", "node1"))[1] == b"node2"
            assert lb.balancer.view("node1").operational == "DOWN"
    assert one.received == []


@pytest.mark.parametrize("word", ["DRAINING", "STOPPING"])
async def test_without_drain_the_nodes_word_is_a_failed_check_that_has_to_be_seen_fall_times(word: str) -> None:
    drain = {"enabled": False}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, drain=drain) as lb:
        one.state = word
        await lb.until_state("node1", "DOWN")
        states = [entry.change.operational for entry in lb.balancer.journal.after(0) if entry.change.node == "node1"]
    assert states == ["UP", "GOING_DOWN", "DOWN"]


async def test_a_node_in_maintenance_gets_nothing_new_and_finishes_what_it_has() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two) as lb:
        gate = Gate()
        slow = await in_flight(lb, one, gate)
        lb.balancer.set_admin("node1", Admin.MAINT)
        assert (await lb.request("/", "node1"))[1] == b"node2"
        gate.release.set()
        assert await slow == (200, b"late")
        assert lb.balancer.view("node1").drained


async def test_the_operators_drain_honours_bound_sessions_until_the_deadline() -> None:
    drain = {"deadline": "60s"}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, drain=drain) as lb:
        lb.balancer.set_admin("node1", Admin.DRAIN)
        assert (await lb.request("/", "node1"))[1] == b"node1"
        assert {(await lb.request("/"))[1] for _ in range(3)} == {b"node2"}
        lb.balancer.set_admin("node1", Admin.READY)
        assert {(await lb.request("/"))[1] for _ in range(4)} == {b"node1", b"node2"}


async def test_the_last_node_keeps_serving_although_it_drains() -> None:
    async with HttpNode("node1") as one, running_balancer(one) as lb:
        one.state = "DRAINING"
        await lb.until_state("node1", "STOPPING")
        response, body = await lb.request("/", "node1")
        assert (response.status, body) == (200, b"node1")
        assert not lb.balancer.view("node1").drained


@pytest.mark.parametrize("how", ["maint", "drained", "down", "new process"])
async def test_idle_connections_to_a_node_that_left_are_closed_and_never_used_again(how: str) -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two) as lb:
        await lb.request("/", "node1")
        [idle] = [number for number in one.open_connections if one.received and number]
        if how == "maint":
            lb.balancer.set_admin("node1", Admin.MAINT)
        elif how == "drained":
            one.state = "DRAINING"
        elif how == "down":
            one.status_code = 500
        else:
            one.boot_id = "boot-2"
        await until(lambda: idle not in one.open_connections, "the idle connection is closed")


async def test_connections_in_use_are_not_cut_when_a_node_leaves_but_closed_afterwards() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two) as lb:
        gate = Gate()
        slow = await in_flight(lb, one, gate)
        [used] = one.open_connections
        lb.balancer.set_admin("node1", Admin.MAINT)
        gate.release.set()
        assert await slow == (200, b"late")
        await until(lambda: used not in one.open_connections, "the connection is closed")


async def test_of_several_requests_in_flight_the_first_to_finish_does_not_cut_the_others() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two) as lb:
        first, second = Gate(), Gate()
        early = await in_flight(lb, one, first)
        late = await in_flight(lb, one, second)
        lb.balancer.set_admin("node1", Admin.MAINT)
        first.release.set()
        assert await early == (200, b"late")
        assert lb.balancer.view("node1").in_flight == 1
        second.release.set()
        assert await late == (200, b"late")


async def test_the_end_of_a_drain_is_told_on_time_even_if_nothing_else_happens() -> None:
    settings: dict[str, Any] = {"drain": {"deadline": "150ms"}, "health": {"inter": "60s"}}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        lb.balancer.set_admin("node1", Admin.DRAIN)
        last = lb.balancer.journal.last_seq
        [event] = [entry.change for entry in await lb.balancer.journal.wait_after(last, LIMIT_S)]
    assert (event.node, event.drained, event.reason) == ("node1", True, "drain deadline over")


async def test_a_node_gets_no_request_before_its_first_passed_check() -> None:
    async with HttpNode("node1") as one, running_balancer(one, up=False, queue={"timeout": "100ms"}) as lb:
        one.state = "STARTING"
        await lb.until_state("node1", "DOWN")
        response, _ = await lb.request("/")
        assert response.status == 503
        one.state = "RUNNING"
        await lb.until_state("node1", "UP")
        assert (await lb.request("/"))[0].status == 200
        assert len(one.received) == 1


async def test_sessions_come_back_to_a_node_that_is_ready_again() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two) as lb:
        one.state = "DRAINING"
        await lb.until_state("node1", "STOPPING")
        one.state = "RUNNING"
        await lb.until_state("node1", "UP")
        response, body = await lb.request("/", "node1")
        assert body == b"node1"
        assert "Set-Cookie" not in response.headers
