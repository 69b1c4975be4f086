"""The load balancer as a process, while its nodes are replaced under load, and while it is stopped itself."""

import asyncio
import signal
from collections import Counter
from itertools import count
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.support.balancers import BalancerProcess, balancer_process, running_balancer
from tests.support.http_nodes import Connection, Gate, HttpNode, Request, ok
from tests.support.raw_clients import BrokenOffError, NoAnswerError, RawClient
from tests.support.waiting import LIMIT_S, until
from tests.support.web_sockets import EchoSocket

STOP_LIMIT_S = 20.0


class Users:
    """Users who click without a pause, over connections that they keep, until they are told to go home."""

    def __init__(self, *urls: str) -> None:
        self._urls = list(urls)
        self._home = False
        self._operations = count()
        self.outcomes: Counter[str] = Counter()

    def go_home(self) -> None:
        self._home = True

    def moves_to(self, url: str) -> None:
        """Whoever opens a connection from now on goes to ``url``."""
        self._urls[:] = [url]

    async def have_clicked(self, times: int) -> None:
        """Wait until so many more requests were answered."""
        wanted = self.outcomes["200"] + times
        await until(lambda: self.outcomes["200"] >= wanted, f"{times} more answers: {self.outcomes}", STOP_LIMIT_S)

    async def click(self, method: str) -> None:
        """One user: GETs or POSTs. A connection that ends in good order between two requests is opened anew."""
        node = ""
        while not self._home:
            async with RawClient.to(self._urls[0]) as client:
                while not self._home:
                    operation = f"Operation-Id: op-{next(self._operations)}"
                    body = b"x" * 50 if method == "POST" else None
                    try:
                        answer = await client.request(method, "/", operation, body=body, node=node)
                    except NoAnswerError:
                        self.outcomes["no answer"] += 1
                        break
                    except BrokenOffError as error:
                        self.outcomes[str(error)] += 1
                        break
                    self.outcomes[str(answer.status)] += 1
                    for cookie in answer.all("Set-Cookie"):
                        node = cookie.partition(";")[0].removeprefix("ROUTEID=.")
                    if answer.closes:
                        break


async def roll(lb: BalancerProcess, users: Users, nodes: list[HttpNode], *, drained_first: bool) -> None:
    """Restart the nodes one after the other, as an orchestrator does that knows of the load balancer, or does not."""
    for node in nodes:
        others = ["UP" if other is not node else "{}" for other in nodes]
        await users.have_clicked(20)
        if drained_first:
            node.state = "DRAINING"
            await lb.until_states(*(state.format("STOPPING") for state in others))
            await users.have_clicked(20)
        node.retire()  # SIGTERM: from here on connections are refused, and what is open is ended with its response
        await lb.until_states(*(state.format("DOWN") for state in others))
        await users.have_clicked(20)
        await until(lambda: not node.open_connections, "the load balancer has let go of it")
        await node.stop()
        node.state, node.boot_id = "RUNNING", f"{node.boot_id}+"
        await node.start()
        await lb.until_states(*["UP"] * len(nodes))


@pytest.mark.slow
@pytest.mark.parametrize("drained_first", [True, False])
async def test_tc08_nodes_that_are_stopped_before_the_load_balancer_knows_of_it_cost_no_request(
    tmp_path: Path, drained_first: bool
) -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, HttpNode("node3") as three:
        nodes = [one, two, three]
        health = {"inter": "200ms", "rise": 1, "fall": 2}
        async with balancer_process(tmp_path, *nodes, health=health) as lb:
            users = Users(lb.url)
            async with asyncio.TaskGroup() as tasks:
                for method in ("GET", "GET", "GET", "POST", "POST", "POST"):
                    tasks.create_task(users.click(method))
                await roll(lb, users, nodes, drained_first=drained_first)
                users.go_home()
            status = await lb.status()
    assert set(users.outcomes) == {"200"}, users.outcomes
    carried_out = one.operations + two.operations + three.operations
    assert set(carried_out.values()) == {1}
    assert status["errors"] == 0


@pytest.mark.slow
async def test_tc19_the_process_ends_at_its_deadline_whoever_holds_on_to_it(tmp_path: Path) -> None:
    async with HttpNode("node1") as node:
        gate = Gate()
        node.on("/never", gate)
        node.on("/ws", EchoSocket())
        settings = {"timeouts": {"shutdown": "500ms"}}
        async with (
            balancer_process(tmp_path, node, **settings) as lb,
            RawClient.to(lb.url) as idle,
            RawClient.to(lb.url) as half,
            RawClient.to(lb.url) as waiting,
            ClientSession() as session,
        ):
            assert (await idle.request()).status == 200
            half.writer.write(b"GET / HTTP/1.1\r\nHo")
            await waiting.send("GET", "/never")
            await gate.entered.wait()
            socket = await session.ws_connect(lb.url + "/ws")
            await socket.send_str("hello")
            assert await socket.receive_str(timeout=LIMIT_S) == "hello"

            lb.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(STOP_LIMIT_S):
                code = await lb.process.wait()
            for client in (idle, half, waiting):
                await client.ended()
            await socket.close()
        assert code == 1, "a request had to be broken off, and the exit code says so"
        async with asyncio.timeout(LIMIT_S):
            await gate.client_left.wait()


@pytest.mark.slow
async def test_tc20_clients_of_a_load_balancer_that_stops_migrate_and_nobody_is_reset(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    async with HttpNode("node1") as node:
        gate = Gate()
        node.on("/slow", gate)
        async with (
            balancer_process(tmp_path / "old", node, timeouts={"close_grace": "2s", "shutdown": "30s"}) as old,
            balancer_process(tmp_path / "new", node) as new,
            RawClient.to(old.url) as idle,
            RawClient.to(old.url) as waiting,
        ):
            assert (await idle.request()).status == 200
            await waiting.send("GET", "/slow")
            await gate.entered.wait()
            users = Users(old.url)
            async with asyncio.TaskGroup() as tasks:
                for method in ("GET", "GET", "GET", "POST", "POST", "POST"):
                    tasks.create_task(users.click(method))
                await users.have_clicked(100)
                users.moves_to(new.url)
                old.process.send_signal(signal.SIGTERM)
                # The process stays as long as somebody waits for an answer of it.
                await users.have_clicked(200)
                gate.release.set()
                late = await waiting.answer()
                assert (late.status, late.body, late.closes) == (200, b"late", True)
                async with asyncio.timeout(STOP_LIMIT_S):
                    assert await old.process.wait() == 0
                users.go_home()
            async with asyncio.timeout(LIMIT_S):
                assert await idle.reader.read() == b"", "an idle connection just ends"
    assert set(users.outcomes) == {"200"}, users.outcomes
    assert set(node.operations.values()) == {1}


async def test_tc20_a_node_that_says_close_gets_no_other_request_over_that_connection() -> None:
    over: list[int] = []

    async def lingers(connection: Connection, request: Request) -> bool:
        await connection.read_body(request)
        over.append(connection.number)
        node.execute(request)
        await connection.send(ok("bye", "Connection: close"))
        await connection.reader.read()  # it leaves the closing to the load balancer
        return False

    async with HttpNode("node1") as node, running_balancer(node, health={"inter": "60s"}) as lb:
        node.on("/", lingers)
        for _ in range(20):
            response, _ = await lb.request("/", "node1", "POST", data=b"x")
            assert response.status == 200
            assert "close" not in response.headers.get("Connection", "").lower(), "that was between the two of them"
        await until(lambda: not node.open_connections, "the load balancer has closed its side of all of them")
    assert len(set(over)) == 20
