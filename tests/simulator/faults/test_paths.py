"""The path proxy in front of a real server, over real sockets: each rule does what its name says, and ends."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import aiohttp.web
import pytest

from simulator.faults.catalogue import FAULTS
from simulator.faults.path.fault import PathFault
from simulator.faults.path.gate import Gate
from simulator.faults.path.rules import KINDS, Rule
from tests.support.waiting import eventually, until

BODY = "a page of the node " * 200


class Node:
    """A small server that counts what reaches it."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.port = 0
        self._runner: aiohttp.web.AppRunner | None = None

    async def start(self) -> None:
        async def answer(request: aiohttp.web.Request) -> aiohttp.web.Response:
            await request.read()
            self.seen.append(request.path)
            return aiohttp.web.Response(text=BODY)

        app = aiohttp.web.Application()
        app.router.add_route("*", "/{rest:.*}", answer)
        self._runner = aiohttp.web.AppRunner(app)
        await self._runner.setup()
        await aiohttp.web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()


class Way:
    """A client, a path and a node."""

    def __init__(self, node: Node, gate: Gate, http: aiohttp.ClientSession) -> None:
        self.node, self.gate, self._http = node, gate, http

    def put_on(self, kind: str, probability: float = 1.0, **values: float) -> None:
        self.gate.put_on(1, Rule(kind, probability, values, since_s=asyncio.get_running_loop().time()))

    async def get(self, path: str = "/page") -> tuple[int, str]:
        url = f"http://127.0.0.1:{self.gate.port}{path}"
        async with self._http.post(url, data="x" * 3000, timeout=aiohttp.ClientTimeout(20)) as answer:
            return answer.status, await answer.text()

    async def until_it_fired(self) -> None:
        await until(lambda: self.gate.counts()[1], "a rule takes effect")

    async def until_it_serves(self) -> None:
        await eventually(self.outcome, (200, BODY))

    async def outcome(self, path: str = "/page") -> tuple[int, str] | type[Exception]:
        """What a request gets, or how it ends without an answer."""
        try:
            return await self.get(path)
        except aiohttp.ClientConnectionError as error:
            return type(error)


@asynccontextmanager
async def a_way() -> AsyncIterator[Way]:
    node = Node()
    await node.start()
    gate = Gate("127.0.0.1", node.port, random.Random(7))
    watch = asyncio.create_task(gate.watch())
    try:
        async with aiohttp.ClientSession() as http:
            way = Way(node, gate, http)
            await way.until_it_serves()
            node.seen.clear()
            yield way
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        await node.stop()


def test_every_path_fault_is_a_rule_of_the_proxy_and_none_is_left_over() -> None:
    named = {name.partition(".")[2] for name, kind in FAULTS.items() if issubclass(kind, PathFault)}
    assert named == set(KINDS)


async def test_a_path_without_a_rule_passes_everything_on_unchanged() -> None:
    async with a_way() as way:
        assert [await way.get() for _ in range(3)] == [(200, BODY)] * 3
        assert way.node.seen == ["/page"] * 3


@pytest.mark.parametrize(
    ("kind", "values", "path"),
    [
        ("latency", {"latency": 0.2, "jitter": 0.0}, "/status"),
        ("bandwidth", {"bytes_per_s": 20_000}, "/page"),
        ("slow_body", {"bytes_per_s": 20_000}, "/page"),
    ],
)
async def test_what_slows_a_path_down_loses_nothing(kind: str, values: dict[str, float], path: str) -> None:
    loop = asyncio.get_running_loop()
    async with a_way() as way:
        way.put_on(kind, **values)
        began_s = loop.time()
        assert await way.get(path) == (200, BODY)
        assert loop.time() - began_s >= 0.15  # it cannot be faster; how slow the machine is does not matter
        assert way.gate.take_off(1) == 1


async def test_a_slow_body_leaves_health_checks_alone() -> None:
    async with a_way() as way:
        way.put_on("slow_body", bytes_per_s=1)
        assert await way.get("/status") == (200, BODY)
        assert way.gate.take_off(1) == 0


async def test_a_reset_breaks_the_connection_and_the_node_sees_nothing() -> None:
    async with a_way() as way:
        way.put_on("reset")
        with pytest.raises(aiohttp.ClientConnectionError):
            await way.get()
        assert way.node.seen == []
        assert way.gate.take_off(1) == 1
        assert await way.get() == (200, BODY)


async def test_what_vanishes_in_a_black_hole_is_never_answered_and_the_connection_ends_with_it() -> None:
    async with a_way() as way:
        way.put_on("blackhole")
        waiting = asyncio.create_task(way.get())
        await way.until_it_fired()
        assert not waiting.done()
        assert way.gate.take_off(1) >= 1
        with pytest.raises(aiohttp.ClientConnectionError):
            await waiting
        assert await way.get() == (200, BODY)
        assert way.node.seen == ["/page"]


async def test_a_partition_breaks_what_is_open_and_refuses_what_is_new_until_it_is_over() -> None:
    async with a_way() as way:
        way.put_on("partition")  # the connection of before is kept, and open
        with pytest.raises(aiohttp.ClientConnectionError):
            await way.get()
        with pytest.raises(aiohttp.ClientConnectorError):
            await way.get()
        assert way.gate.take_off(1) >= 1
        await way.until_it_serves()


async def test_errors_are_answered_in_the_nodes_place_to_users_only() -> None:
    async with a_way() as way:
        way.put_on("error_rate", status=503)
        assert (await way.get())[0] == 503
        assert await way.get("/status") == (200, BODY)
        assert way.node.seen == ["/status"]
        assert way.gate.take_off(1) == 1


async def test_chance_decides_for_each_request_anew() -> None:
    async with a_way() as way:
        way.put_on("error_rate", probability=0.5, status=500)
        statuses = [(await way.get())[0] for _ in range(40)]
        assert 5 < statuses.count(500) < 35
        assert way.gate.take_off(1) == statuses.count(500)


async def test_only_the_first_requests_get_an_error() -> None:
    async with a_way() as way:
        way.put_on("error_first_n", n=2, status=500)
        assert [(await way.get())[0] for _ in range(4)] == [500, 500, 200, 200]


async def test_a_lying_health_check_says_running_even_when_the_node_is_gone() -> None:
    async with a_way() as way:
        await way.node.stop()
        way.put_on("lies_ok")
        await eventually(lambda: way.outcome("/status"), (200, '{"state":"RUNNING"}'))
        with pytest.raises(aiohttp.ClientConnectionError):
            await way.get("/page")


async def test_a_flapping_health_check_fails_at_first_and_users_are_served() -> None:
    async with a_way() as way:
        way.put_on("flaps", every=1000.0)
        assert (await way.get("/status"))[0] == 503
        assert await way.get() == (200, BODY)


async def test_a_hanging_health_check_gets_no_answer_and_users_are_served() -> None:
    async with a_way() as way:
        way.put_on("hangs")
        waiting = asyncio.create_task(way.get("/status"))
        await way.until_it_fired()
        assert await way.get() == (200, BODY)
        assert not waiting.done()
        waiting.cancel()
        assert way.gate.take_off(1) == 1


async def test_a_late_close_comes_late_and_is_counted() -> None:
    async with a_way() as way:
        reader, writer = await asyncio.open_connection("127.0.0.1", way.gate.port)
        way.put_on("slow_close", delay=0.2)
        writer.write(b"GET /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(20):
            answer = await reader.read()
        assert answer.endswith(BODY.encode())
        assert way.gate.take_off(1) == 1
        writer.close()


async def test_a_path_to_a_node_that_is_down_refuses_as_the_node_does_and_serves_when_it_is_back() -> None:
    async with a_way() as way:
        await way.node.stop()
        # Refused: nobody listens there any more. One that was accepted just before ends otherwise.
        await eventually(way.outcome, aiohttp.ClientConnectorError)
        await way.node.start()
        await way.until_it_serves()
