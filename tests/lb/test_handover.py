"""One load balancer takes the place of another: what changes hands, what may go wrong, and that nobody notices."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType

from lb.handover import Taker
from lb.handover_link import LinkLost, connect, listen
from lb.pool import Admin
from lb.server import LoadBalancer
from tests.support.balancers import (
    RunningBalancer,
    balancer_config,
    balancer_process,
    running_balancer,
    settings_for,
)
from tests.support.http_nodes import Connection, Gate, HttpNode, Request, answering, ok
from tests.support.raw_clients import RawClient
from tests.support.steady_traffic import prepare, steady_traffic
from tests.support.waiting import LIMIT_S, until
from zdu.clock import SystemClock
from zdu.errors import ZduError

ROOT = Path(__file__).parents[2]
START_LIMIT_S = 45.0


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@asynccontextmanager
async def successor(old: RunningBalancer, *nodes: HttpNode, **settings: Any) -> AsyncIterator[RunningBalancer]:
    """Another load balancer that takes the place of ``old``, which stops. Raises ZduError if it cannot."""
    stopping: list[asyncio.Task[bool]] = []
    refused: ZduError | None = None
    old.server.on_taken_over(lambda _pid: stopping.append(asyncio.ensure_future(old.server.stop())))
    async with asyncio.TaskGroup() as tasks:
        server = LoadBalancer(balancer_config(nodes, **settings), SystemClock(), tasks)
        try:
            addresses, _ = await server.take_over()
        except ZduError as error:
            refused = error
        else:
            try:
                async with ClientSession() as client:
                    assert (addresses.url, addresses.admin_url) == (old.url, old.admin_url)
                    yield RunningBalancer(server, addresses.url, addresses.admin_url, client, old.clock)
            finally:
                await server.stop()
                await asyncio.gather(*stopping)
    if refused is not None:
        raise refused


async def test_the_listening_sockets_change_hands_and_idle_clients_go_along(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"handover": str(tmp_path / "lb.sock"), "timeouts": {"close_grace": "50ms"}}
    async with HttpNode() as node, running_balancer(node, **settings) as old, RawClient.to(old.url) as client:
        assert (await client.request()).body == b"node1"
        async with successor(old, node, **settings) as new:
            await until(lambda: new.server.telemetry.clients.current == 1, "the client's connection has moved")
            answer = await client.request()
            assert (answer.status, answer.body, answer.closes) == (200, b"node1", False)
            assert (await new.request())[1] == b"node1"
            assert (old.meter.stot, new.meter.stot) == (1, 2)


async def test_a_request_in_flight_is_finished_by_the_old_one_and_its_client_stays_connected(tmp_path: Path) -> None:
    gate = Gate()
    settings: dict[str, Any] = {"handover": str(tmp_path / "lb.sock"), "timeouts": {"close_grace": "10s"}}
    async with HttpNode() as node, running_balancer(node, **settings) as old, RawClient.to(old.url) as client:
        node.on("/slow", gate)
        await client.send("GET", "/slow")
        await gate.entered.wait()
        async with successor(old, node, **{**settings, "timeouts": {"close_grace": "10ms"}}) as new:
            gate.release.set()
            answer = await client.answer()
            assert (answer.body, answer.closes) == (b"late", False)
            await until(lambda: new.server.telemetry.clients.current == 1, "the client's connection has moved")
            assert (await client.request()).body == b"node1"
            assert (old.meter.stot, new.meter.stot) == (1, 1)


async def test_a_client_that_is_never_idle_is_told_to_close(tmp_path: Path) -> None:
    gate = Gate()
    settings: dict[str, Any] = {"handover": str(tmp_path / "lb.sock"), "timeouts": {"close_grace": "10ms"}}
    async with HttpNode() as node, running_balancer(node, **settings) as old, RawClient.to(old.url) as client:
        node.on("/slow", gate)
        await client.send("GET", "/slow")
        await gate.entered.wait()
        async with successor(old, node, **settings):
            await until(lambda: old.server._path._proxy.closing, "the grace is over")
            gate.release.set()
            assert (await client.answer()).closes


async def test_what_the_operator_set_is_taken_over_with_what_is_left_of_the_drain(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"handover": str(tmp_path / "lb.sock"), "drain": {"deadline": "1h"}}
    nodes = [HttpNode(f"node{number}") for number in range(1, 5)]
    for node in nodes:
        await node.start()
    async with running_balancer(*nodes, **settings) as old:
        old.balancer.set_admin("node1", Admin.MAINT)
        old.balancer.set_weight("node2", 7)
        drained = old.balancer.set_admin("node3", Admin.DRAIN, deadline_s=1000)
        nodes[3].state = "DRAINING"
        await old.until_state("node4", "STOPPING")
        async with successor(old, *nodes, **settings) as new:
            views = {view.name: view for view in new.balancer.views()}
            assert [view.admin for view in views.values()] == ["MAINT", "READY", "DRAIN", "READY"]
            assert views["node2"].weight == 7
            assert views["node3"].drain_deadline_s == drained.drain_deadline_s
            assert views["node4"].drain_deadline_s == old.balancer.view("node4").drain_deadline_s
            assert new.balancer.journal.first_seq > old.balancer.journal.last_seq
    for node in nodes:
        await node.stop()


async def test_learned_sessions_are_taken_over_those_learned_at_the_end_too(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "handover": str(tmp_path / "lb.sock"),
        "stickiness": {"mode": "learn", "cookie": "SESSION", "session_cookie": "SESSION"},
    }
    late = Gate()

    async def log_in(connection: Connection, request: Request) -> bool:
        await late.release.wait()
        return await answering(ok("in", "Set-Cookie: SESSION=late"))(connection, request)

    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as old:
        for node in (one, two):
            node.on("/early", answering(ok(node.name, "Set-Cookie: SESSION=early")))
            node.on("/late", log_in)
        _, early_at = await old.request("/early")
        in_flight = asyncio.create_task(old.request("/late"))
        await until(lambda: one.executions["GET /late"] + two.executions["GET /late"], "it is in flight")
        late_at = b"node1" if one.executions["GET /late"] else b"node2"
        async with successor(old, one, two, **settings) as new:
            late.release.set()
            await in_flight
            for session, bound_to in (("early", early_at), ("late", late_at)):
                answers = [await new.request("/", headers={"Cookie": f"SESSION={session}"}) for _ in range(3)]
                assert [body for _, body in answers] == [bound_to] * 3


async def test_streams_live_on_in_the_old_one_and_are_closed_over_the_time_given(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "handover": str(tmp_path / "lb.sock"),
        "timeouts": {"handover": "1s", "close_grace": "10ms"},
    }
    loop = asyncio.get_running_loop()
    async with HttpNode() as node, running_balancer(node, **settings) as old, ClientSession() as session:
        echo = prepare(node)
        sockets = [await session.ws_connect(old.url + "/ws") for _ in range(8)]
        began_s = loop.time()
        async with successor(old, node, **settings):
            ends = [await socket.receive(timeout=LIMIT_S) for socket in sockets]
            took_s = loop.time() - began_s
        assert {(end.type, end.data) for end in ends} == {(WSMsgType.CLOSE, 1001)}
        assert took_s > 0.3, "not all at once"
        await until(lambda: not echo.open, "the node's sides are closed too")


async def test_streams_that_are_left_when_the_time_is_almost_over_end_in_good_order_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {
        "handover": str(tmp_path / "lb.sock"),
        "timeouts": {"handover": "400ms", "close_grace": "200ms"},
    }
    async with HttpNode() as node, running_balancer(node, **settings) as old, ClientSession() as session:
        monkeypatch.setattr(old.server._path._proxy.entropy.rng, "random", lambda: 1.0)  # none is drawn earlier
        stop, finished = old.server.stop, []

        async def stop_and_note() -> bool:
            finished.append(await stop())
            return finished[-1]

        monkeypatch.setattr(old.server, "stop", stop_and_note)
        prepare(node)
        sockets = [await session.ws_connect(old.url + "/ws") for _ in range(8)]
        async with successor(old, node, **settings):
            ends = [await socket.receive(timeout=LIMIT_S) for socket in sockets]
        assert {(end.type, end.data) for end in ends} == {(WSMsgType.CLOSE, 1001)}
        assert finished == [True]


async def test_one_that_finds_nothing_up_does_not_take_over(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"handover": str(tmp_path / "lb.sock")}
    async with HttpNode() as node, running_balancer(node, **settings) as old:
        with pytest.raises(ZduError, match="none of the nodes is up; the load balancer that runs has node1"):
            async with successor(old, node, **settings, health={"path": "/nothing", "expect_state": "NEVER"}):
                pass
        assert (await old.request())[1] == b"node1"
        assert (await old.client.post(old.admin_url + "/nodes/node1/weight", json={"weight": 5})).status == 200
        async with successor(old, node, **settings) as new:  # and the next one can
            assert (await new.request())[1] == b"node1"


async def test_one_that_dies_after_it_got_the_memory_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lb.sock"
    async with HttpNode() as node, running_balancer(node, handover=str(path)) as old:
        link = await connect(path, LIMIT_S)
        link.post("hello", {"version": 1, "pid": os.getpid()})
        here = await link.next(LIMIT_S, "here")
        assert (len(here.sockets), here.facts["serving"]) == (2, ["node1"])
        link.post("ready")
        await link.next(LIMIT_S, "memory")
        url = old.admin_url + "/nodes/node1/weight"
        assert (await old.client.post(url, json={"weight": 5})).status == 503, "it would be lost"
        here.close()
        link.close()
        status = 0
        async with asyncio.timeout(LIMIT_S):
            while status != 200:
                status = (await old.client.post(url, json={"weight": 5})).status
        assert (await old.request())[1] == b"node1"


async def test_one_that_hangs_is_no_obstacle_for_the_next(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"handover": str(tmp_path / "lb.sock")}
    async with HttpNode() as node, running_balancer(node, **settings) as old:
        hanging = await connect(tmp_path / "lb.sock", LIMIT_S)
        hanging.post("hello", {"version": 1, "pid": 1})
        here = await hanging.next(LIMIT_S, "here")
        async with successor(old, node, **settings) as new:
            assert (await new.request())[1] == b"node1"
            with pytest.raises(LinkLost):
                await hanging.next(LIMIT_S)
        here.close()
        hanging.close()


@pytest.mark.parametrize("hello", [{"version": 99}, {"version": 1, "pid": "x"}, {}])
async def test_one_of_another_version_is_refused(tmp_path: Path, hello: dict[str, object]) -> None:
    async with HttpNode() as node, running_balancer(node, handover=str(tmp_path / "lb.sock")) as old:
        link = await connect(tmp_path / "lb.sock", LIMIT_S)
        link.post("hello", hello)
        with pytest.raises(LinkLost):
            await link.next(LIMIT_S, "here")
        link.close()
        assert (await old.request())[1] == b"node1"


async def test_a_port_that_differs_is_refused_in_words(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"handover": str(tmp_path / "lb.sock")}
    async with HttpNode() as node, running_balancer(node, **settings) as old:
        with pytest.raises(ZduError, match="port is 1 in the configuration, and the load balancer that runs listens"):
            async with successor(old, node, **settings, port=1):
                pass
        assert (await old.request())[1] == b"node1"


async def test_without_one_that_runs_there_is_nothing_to_take_over(tmp_path: Path) -> None:
    async with HttpNode() as node, asyncio.TaskGroup() as tasks:
        server = LoadBalancer(balancer_config([node], handover=str(tmp_path / "lb.sock")), SystemClock(), tasks)
        with pytest.raises(ZduError, match="no load balancer hands over at"):
            await server.take_over()


async def test_a_second_one_that_does_not_take_over_is_refused_and_a_dead_ones_socket_is_not(tmp_path: Path) -> None:
    path = tmp_path / "lb.sock"
    listen(path).close()
    async with HttpNode() as node, running_balancer(node, handover=str(path)) as old:
        async with asyncio.TaskGroup() as tasks:
            server = LoadBalancer(balancer_config([node], handover=str(path)), SystemClock(), tasks)
            with pytest.raises(ZduError, match="runs already"):
                await server.start()
        assert (await old.request())[1] == b"node1"
    assert names(tmp_path) == []


async def test_connections_that_wait_to_be_accepted_when_the_old_one_stops_are_not_reset(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"handover": str(tmp_path / "lb.sock")}
    waiting: list[socket.socket] = []
    async with HttpNode() as node, running_balancer(node, **settings) as old:
        hand_over = old.server.hand_over
        port = int(old.url.rsplit(":", 1)[1])

        def hand_over_in_a_rush(taker: Taker, pid: int) -> None:
            for _ in range(20):  # nobody can accept them in the meantime: both event loops are this one
                waiting.append(socket.create_connection(("127.0.0.1", port), LIMIT_S))
                waiting[-1].sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                waiting[-1].setblocking(False)
            hand_over(taker, pid)

        old.server.hand_over = hand_over_in_a_rush  # type: ignore[method-assign]  # the test hurries it
        loop = asyncio.get_running_loop()
        async with successor(old, node, **settings) as new, asyncio.timeout(LIMIT_S):
            answers = [await loop.sock_recv(sock, 9999) for sock in waiting]
            assert [answer[:15] for answer in answers] == [b"HTTP/1.1 200 OK"] * 20
            assert (old.meter.stot, new.meter.stot) == (0, 20)
        for sock in waiting:
            sock.close()


# Real processes.


async def replaced(folder: Path, number: int, *nodes: HttpNode, **settings: Any) -> tuple[Process, dict[str, Any]]:
    """Start a process that takes over, and wait until it says that it serves."""
    file = folder / f"lb{number}.yaml"
    file.write_text(json.dumps(settings_for(nodes, log_file=str(folder / f"lb{number}.log"), **settings)))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "zdu", "lb", "--config", str(file), "--take-over", "--exit-with-parent"),
        cwd=ROOT,
        stdin=PIPE,
        stdout=PIPE,
    )
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), START_LIMIT_S)
    assert line, (folder / f"lb{number}.log").read_text()
    facts: dict[str, Any] = json.loads(line)
    return process, facts


async def ended(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.communicate()


@pytest.mark.slow
async def test_replaced_three_times_under_traffic_no_request_fails_and_the_old_processes_end(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"handover": str(tmp_path / "lb.sock"), "timeouts": {"handover": "2s"}}
    async with (
        HttpNode("node1") as one,
        HttpNode("node2") as two,
        balancer_process(tmp_path, one, two, **settings) as first,
    ):
        running = first.process
        try:
            async with steady_traffic(first.url) as traffic:
                for number in range(1, 4):
                    answered = traffic.total
                    await until(lambda: traffic.total > answered + 50, "requests go on", 20)
                    process, facts = await replaced(tmp_path, number, one, two, **settings)
                    assert (facts["url"], facts["took_over_from"]) == (first.url, running.pid)
                    assert await asyncio.wait_for(running.wait(), START_LIMIT_S) == 0
                    running = process
                answered = traffic.total
                await until(lambda: traffic.total > answered + 50, "requests go on", 20)
            assert traffic.failures == []
            assert set(traffic.requests) == {"kept", "new", "upload"}
        finally:
            await ended(running)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 0)])
async def test_one_that_is_killed_before_it_serves_leaves_the_old_one_as_it_was(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    gate = Gate()
    settings: dict[str, Any] = {"handover": str(tmp_path / "lb.sock"), "health": {"timeout": "20s"}}
    async with HttpNode() as node, balancer_process(tmp_path, node, **settings) as first:
        file = tmp_path / "next.yaml"
        held = {**settings, "health": {"timeout": "20s", "path": "/hold"}}
        node.on("/hold", gate)
        file.write_text(json.dumps(settings_for([node], log_file=str(tmp_path / "next.log"), **held)))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "zdu", "lb", "--config", str(file), "--take-over"), cwd=ROOT, stdout=PIPE
        )
        try:
            async with steady_traffic(first.url) as traffic:
                await asyncio.wait_for(gate.entered.wait(), START_LIMIT_S)  # it has the sockets, and checks the node
                process.send_signal(number)
                assert await asyncio.wait_for(process.wait(), START_LIMIT_S) == code
                await until(lambda: "a process that wanted to take over did not" in first.log.read_text())
                answered = traffic.total
                await until(lambda: traffic.total > answered + 50, "requests go on", 20)
            assert traffic.failures == []
        finally:
            await ended(process)
        last, _ = await replaced(tmp_path, 2, node, **settings)
        await ended(last)
