"""Drains that end: with a deadline, by moving sessions, without a 503, and with nothing left behind at the node."""

import asyncio
import json
import random
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError

from lb.pool import Admin
from tests.support.balancers import SELDOM, Browser, RunningBalancer, running_balancer
from tests.support.http_nodes import Gate, HttpNode, answering, ok
from tests.support.raw_clients import RawClient
from tests.support.waiting import LIMIT_S, until

CALM: dict[str, Any] = {"health": SELDOM, "rebalance": {"enabled": False}}
"""Nothing moves a session but what the test is about."""


async def settle(users: list[Browser]) -> None:
    """Let every user make a request."""
    for user in users:
        status, _ = await user.get()
        assert status == 200


async def moved(lb: RunningBalancer) -> int:
    """How many sessions were moved so far, as the operator sees it."""
    return int((await lb.status())["sessions_moved"])


async def test_tc05_a_drain_under_load_is_over_at_its_deadline_and_every_session_that_moved_is_counted() -> None:
    settings: dict[str, Any] = {**CALM, "drain": {"deadline": "400ms"}}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        users = [Browser(lb, f"s{number}") for number in range(10)]
        await settle(users)
        bound = [user for user in users if user.node == "node1"]
        assert len(bound) == 5
        answers: list[tuple[int, bytes]] = []

        async def work(user: Browser) -> None:
            while user.node == "node1" or not lb.balancer.view("node1").drained:
                answers.append(await user.get())

        lb.balancer.set_admin("node1", Admin.DRAIN)
        began_s = lb.balancer.now()
        assert (await bound[0].get())[1] == b"node1", "until the deadline a bound session stays"
        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(*(work(user) for user in users))

        assert {status for status, _ in answers} == {200}
        assert {user.node for user in users} == {"node2"}
        assert await moved(lb) == len(bound)
        drained = [e.change for e in lb.balancer.journal.after(0) if e.change.node == "node1" and e.change.drained]
        assert drained[-1].at_s - began_s >= 0.4 - 0.001
        assert lb.balancer.view("node1").in_flight == 0


async def test_tc05_a_session_that_was_silent_moves_before_the_deadline_and_a_busy_one_stays() -> None:
    settings: dict[str, Any] = {**CALM, "drain": {"deadline": "1h", "move_idle": "60s"}}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        busy, silent = Browser(lb, "busy", "node1"), Browser(lb, "silent", "node1")
        await settle([busy, silent])
        lb.balancer.set_admin("node1", Admin.DRAIN)
        for _ in range(3):
            lb.pass_time(30)
            await settle([busy])
        await settle([silent])
        assert (busy.node, silent.node) == ("node1", "node2")
        assert await moved(lb) == 1
        assert not lb.balancer.view("node1").drained


async def test_tc05_a_session_moves_after_a_response_that_its_node_marked_as_safe() -> None:
    settings: dict[str, Any] = {**CALM, "drain": {"deadline": "1h", "move_header": "X-Safe-To-Move"}}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        one.on("/done", answering(ok("done", "X-Safe-To-Move: yes")))
        editing, finished = Browser(lb, "editing", "node1"), Browser(lb, "finished", "node1")
        lb.balancer.set_admin("node1", Admin.DRAIN)
        assert await finished.get("/done") == (200, b"done")
        await settle([editing, finished])
        assert (editing.node, finished.node) == ("node1", "node2")


async def test_tc06_with_all_nodes_draining_nobody_sees_503() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **CALM) as lb:
        for node in (one, two):
            lb.balancer.set_admin(node.name, Admin.DRAIN)
        answers = [await lb.request("/", bound_to) for bound_to in ("", "node1", "node2") * 10]
        assert {response.status for response, _ in answers} == {200}
        assert {body for _, body in answers} == {b"node2"}, "the node that began to drain last serves"
        assert lb.balancer.view("node1").drained
        assert not lb.balancer.view("node2").drained


async def test_tc06_while_the_only_node_is_away_requests_wait_and_none_fails() -> None:
    settings: dict[str, Any] = {"queue": {"timeout": "30s"}, "each_node": {"maxconn": 1}}
    async with HttpNode("node1") as node, running_balancer(node, **settings) as lb:
        lb.balancer.set_admin("node1", Admin.MAINT)
        answered: list[int] = []

        async def user(number: int) -> int:
            response, _ = await lb.request("/", "node1" if number % 2 else "", headers={"Operation-Id": f"{number}"})
            answered.append(number)
            return response.status

        waiting = []
        for number in range(20):
            waiting.append(asyncio.create_task(user(number)))
            await until(lambda: lb.queued == number + 1, f"{number + 1} wait")
        # The node is stopped, replaced by another process, and comes back.
        await node.stop()
        await lb.until_state("node1", "DOWN")
        assert not answered
        node.boot_id = "boot-2"
        await node.start()
        lb.balancer.set_admin("node1", Admin.READY)
        async with asyncio.timeout(LIMIT_S):
            statuses = await asyncio.gather(*waiting)
    assert set(statuses) == {200}
    came = [int(request.get("Operation-Id") or "") for request in node.received]
    assert came == list(range(20)), "in the order in which they came"
    assert lb.queued == 0


async def test_tc06_a_request_waits_no_longer_than_the_queues_time_out_and_is_told_when_to_come_back() -> None:
    async with HttpNode("node1") as node, running_balancer(node, queue={"timeout": "100ms"}) as lb:
        lb.balancer.set_admin("node1", Admin.MAINT)
        response, body = await lb.request("/")
        assert response.status == 503
        assert int(response.headers["Retry-After"]) >= 1
        assert response.headers["X-LB-Error"]
        assert b"node1" in body, "the reason names the node"
        assert lb.queued == 0
    assert node.received == []


async def test_tc06_a_full_queue_turns_the_next_one_away_at_once() -> None:
    async with HttpNode("node1") as node, running_balancer(node, queue={"timeout": "30s", "size": 2}) as lb:
        lb.balancer.set_admin("node1", Admin.MAINT)
        waiting = [asyncio.create_task(lb.request("/")) for _ in range(2)]
        await until(lambda: lb.queued == 2, "the queue is full")
        async with asyncio.timeout(LIMIT_S):
            response, _ = await lb.request("/")
        assert (response.status, "Retry-After" in response.headers) == (503, True)
        lb.balancer.set_admin("node1", Admin.READY)
        async with asyncio.timeout(LIMIT_S):
            assert [response.status for response, _ in await asyncio.gather(*waiting)] == [200, 200]


async def test_tc07_a_node_in_maintenance_gets_no_request_over_connections_that_were_idle() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **CALM) as lb:
        gate = Gate()
        one.on("/", gate)
        requests = [asyncio.create_task(lb.request("/", "node1")) for _ in range(6)]
        await until(lambda: one.busy == 6, "six connections are in use")
        gate.release.set()
        await asyncio.gather(*requests)
        idle = set(one.open_connections)
        assert len(idle) == 6

        lb.balancer.set_admin("node1", Admin.MAINT)
        seen = len(one.received)
        bodies = {(await lb.request("/", "node1"))[1] for _ in range(30)}
        assert (bodies, len(one.received) - seen) == ({b"node2"}, 0)
        await until(lambda: not idle & one.open_connections, "all of them are closed")

        lb.balancer.set_admin("node1", Admin.READY)
        assert (await lb.request("/", "node1"))[0].status == 200
        assert not idle & one.open_connections


async def test_tc07_requests_that_race_with_maintenance_all_succeed_and_none_comes_after_it() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **CALM) as lb:
        rng = random.Random(7)
        statuses: set[int] = set()
        stopped = False

        async def user() -> None:
            async with RawClient.to(lb.url) as client:
                while not stopped:
                    statuses.add((await client.request("GET", "/", node="node1")).status)

        async def operator() -> None:
            nonlocal stopped
            for _ in range(15):
                asked = len(two.received) + rng.randrange(1, 20)
                await until(lambda: len(two.received) >= asked, "node2 is asked")
                lb.balancer.set_admin("node1", Admin.READY)
                asked = len(one.received) + rng.randrange(1, 20)
                await until(lambda: len(one.received) >= asked, "node1 is asked")
                lb.balancer.set_admin("node1", Admin.MAINT)
                await until(lambda: lb.balancer.view("node1").drained, "nothing is in flight any more")
                seen, asked = len(one.received), len(two.received) + 10
                await until(lambda: len(two.received) >= asked, "node2 is asked")
                assert len(one.received) == seen
            stopped = True

        lb.balancer.set_admin("node1", Admin.MAINT)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(4):
                tasks.create_task(user())
            tasks.create_task(operator())
    assert statuses == {200}


async def test_tc21_a_long_request_is_not_killed_at_the_end_of_a_drain() -> None:
    settings: dict[str, Any] = {**CALM, "drain": {"deadline": "100ms"}}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        gate = Gate()
        one.on("/report", gate)
        report = asyncio.create_task(lb.request("/report", "node1"))
        await gate.entered.wait()
        lb.balancer.set_admin("node1", Admin.DRAIN)
        await lb.until(lambda: not lb.balancer.view("node1").takes_bound_sessions, "the deadline is over")
        view = lb.balancer.view("node1")
        assert (view.in_flight, view.drained) == (1, False), "whoever waits for the drain sees what it waits for"
        gate.release.set()
        response, body = await report
        assert (response.status, body) == (200, b"late")
        await lb.until(lambda: lb.balancer.view("node1").drained, "node1 is drained")


async def test_tc21_a_request_that_the_load_balancers_own_end_cuts_off_is_accounted_for(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    gate = Gate()
    async with HttpNode("node1") as node:
        node.on("/report", gate)
        settings: dict[str, Any] = {"timeouts": {"shutdown": "100ms"}, "access_log_file": str(file)}
        async with running_balancer(node, **settings) as lb:
            report = asyncio.create_task(lb.request("/report", "node1"))
            await gate.entered.wait()
            finished = await lb.server.stop()
            with pytest.raises(ClientError):
                await report
        assert not finished
        async with asyncio.timeout(LIMIT_S):
            await gate.client_left.wait()
    [line] = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert (line["target"], line["node"]) == ("/report", "node1")
    assert line["termination"][0] == "K", "HAProxy's letter for a session that the operator's end killed"


async def test_tc22_a_cookie_never_names_a_node_that_takes_no_new_sessions() -> None:
    rng = random.Random(22)
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(HttpNode(f"node{number}")) for number in (1, 2, 3, 4)]
        lb = await stack.enter_async_context(
            running_balancer(*nodes, queue={"timeout": "0"}, drain={"deadline": "60s"}, rebalance={"enabled": False})
        )
        for _ in range(40):
            node = rng.choice(nodes)
            if rng.random() < 0.2:
                node.status_code = 500 if node.status_code is None else None
                await lb.until_state(node.name, "DOWN" if node.status_code else "UP")
            else:
                lb.balancer.set_admin(node.name, rng.choice(list(Admin)))
            taking = {view.name for view in lb.balancer.views() if view.takes_new_sessions}
            for bound_to in ("", "node1", "node2", "nonesuch"):
                response, _ = await lb.request("/", bound_to)
                cookie = response.headers.get("Set-Cookie", "")
                if response.status == 503:
                    assert not taking
                    assert not cookie
                elif cookie:
                    assert cookie.partition(";")[0].removeprefix("ROUTEID=.") in taking


async def test_tc23_sessions_leave_a_group_of_nodes_that_was_switched_off() -> None:
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(HttpNode(name)) for name in ("blue1", "blue2", "green1", "green2")]
        lb = await stack.enter_async_context(running_balancer(*nodes, **CALM))
        for name in ("green1", "green2"):
            lb.balancer.set_admin(name, Admin.MAINT)
        users = [Browser(lb, f"s{number}") for number in range(8)]
        await settle(users)
        assert {user.node for user in users} == {"blue1", "blue2"}

        for name in ("green1", "green2"):
            lb.balancer.set_admin(name, Admin.READY)
        await settle(users)
        assert {user.node for user in users} == {"blue1", "blue2"}, "a session stays while its node serves"
        for name in ("blue1", "blue2"):
            lb.balancer.set_admin(name, Admin.DRAIN)  # no deadline is set: at once
        await settle(users)
        assert {user.node for user in users} == {"green1", "green2"}
        assert {user.moves for user in users} == {1}


async def test_tc23_a_session_whose_node_is_no_longer_configured_moves() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **CALM) as lb:
        user = Browser(lb, "s1", "node1")
        await settle([user])
        await lb.reload(two, **CALM)
        await settle([user])
        assert (user.node, user.moves) == ("node2", 1)
        stranger = Browser(lb, "s2", "node-of-last-year")
        await settle([stranger])
        assert stranger.node == "node2"
