"""The control port: who may use it, what it feeds a page with, and how errors come back."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulator.dashboard.feed import Feed
from simulator.dashboard.guard import refusal
from simulator.dashboard.site import Site
from simulator.record.recorder import Recorder
from simulator.record.requests import RequestRecord
from simulator.up.client import events_of
from tests.support.evidence import request
from zdu.clock import SystemClock
from zdu.errors import UsageError
from zdu.events import ClusterObserved, StepStarted

TOKEN = "t0ken"


def answered(user: str, node: str, outcome: str = "ok") -> RequestRecord:
    return request(1, 0.1, node, session=f"{user}.1", outcome=outcome)


@dataclass
class Port:
    """An open control port and what stands behind it."""

    site: Site
    feed: Feed
    recorder: Recorder
    http: aiohttp.ClientSession

    async def stream(self, after: int = 0) -> "Stream":
        """An open feed."""
        return Stream(await self.http.get("/api/events", params={"after": str(after)}))


class Stream:
    """What a page is fed with."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        self._events = events_of(answer)

    async def next(self, kind: str) -> dict[str, Any]:
        """The next event of that kind."""
        async with asyncio.timeout(30):
            async for its_kind, words in self._events:
                if its_kind == kind:
                    return words
        raise AssertionError(f"the feed ended before {kind}")

    def close(self) -> None:
        self._answer.close()


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[Port]:
    recorder = Recorder(tmp_path, SystemClock())
    feed = Feed(recorder, ["node1", "node2"])
    site = Site(feed, TOKEN, lambda: {"name": "up", "phase": "up", "next": [], "users": 1})

    async def wish(words: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
        if words["node"] == "node9":
            raise UsageError("there is no node9", hint="This cluster has: node1.")
        return {"message": f"{words['node']} got {body}"}

    site.on_post("nodes/{node}", wish)
    await site.open()
    async with aiohttp.ClientSession(
        base_url=site.url, headers={"Authorization": f"Bearer {TOKEN}"}, read_bufsize=2**20
    ) as http:
        yield Port(site, feed, recorder, http)
    await site.close()
    recorder.close()


@pytest.mark.parametrize(
    ("host", "authorization", "secret", "status"),
    [
        ("127.0.0.1:80", "Bearer t0ken", True, None),
        ("localhost", "bearer t0ken", True, None),
        ("[::1]:80", None, False, None),
        ("127.0.0.1", None, True, 401),
        ("127.0.0.1", "Bearer wrong", True, 401),
        ("127.0.0.1", "Basic t0ken", True, 401),
        ("127.0.0.1", "Bearer tök", True, 401),
        ("evil.example", "Bearer t0ken", True, 403),
        ("evil.example", None, False, 403),
        (None, "Bearer t0ken", True, 403),
        ("127.0.0.1.evil.example", "Bearer t0ken", True, 403),
    ],
)
def test_only_who_brings_the_token_to_this_machine_may(
    host: str | None, authorization: str | None, secret: bool, status: int | None
) -> None:
    refused = refusal(TOKEN, host=host, authorization=authorization, secret=secret)
    assert (refused[0] if refused else None) == status


async def test_the_page_is_no_secret_and_everything_behind_it_is(port: Port) -> None:
    async with aiohttp.ClientSession(base_url=port.site.url) as stranger:
        async with stranger.get("/") as page:
            assert (page.status, page.content_type) == (200, "text/html")
            assert "default-src 'none'" in page.headers["Content-Security-Policy"]
            assert TOKEN not in await page.text()
        for path in ("/api/status", "/api/events", "/api/nothing"):
            async with stranger.get(path) as answer:
                assert answer.status == 401
        async with stranger.post("/api/nodes/node1", json={}) as answer:
            assert answer.status == 401
        for path in ("/static/..%2fsite.py", "/static/site.py", "/static/nothing.js"):
            async with stranger.get(path) as answer:
                assert answer.status == 404
    assert port.site.page_url.endswith(f"/#token={TOKEN}")


async def test_a_command_is_answered_and_a_refusal_comes_with_hint_and_exit_code(port: Port) -> None:
    async with port.http.post("/api/nodes/node1", json={"to": "7.3.2"}) as answer:
        assert await answer.json() == {"message": "node1 got {'to': '7.3.2'}"}
    async with port.http.post("/api/nodes/node9") as answer:
        words = {"error": "there is no node9", "hint": "This cluster has: node1.", "exit_code": 64}
        assert (answer.status, await answer.json()) == (400, words)
    for body in (b"{", b"[]"):
        async with port.http.post("/api/nodes/node1", data=body) as answer:
            assert answer.status == 400


async def test_a_page_gets_the_record_from_where_it_was_and_then_what_happens(port: Port) -> None:
    port.recorder.event(StepStarted(1, "first"))
    port.recorder.event(StepStarted(2, "second"))
    stream = await port.stream(after=1)
    assert (await stream.next("about"))["name"] == "up"
    assert (await stream.next("record"))["title"] == "second"
    port.recorder.event(ClusterObserved("MIXED", "node1"))
    told = await stream.next("record")
    assert (told["seq"], told["words"]) == (3, "node1 shows MIXED")
    stream.close()
    beyond = await port.stream(after=10**9)
    await beyond.next("about")
    port.recorder.event(StepStarted(3, "third"))
    assert (await beyond.next("record"))["title"] == "third", "a number that was never given is as good as the last"
    beyond.close()


async def test_users_are_told_as_moves_and_failures_with_what_happened(port: Port) -> None:
    port.recorder.request(answered("s1", "node1"))
    stream = await port.stream()
    assert (await stream.next("about"))["at"] == {"s1": "node1"}
    assert (await stream.next("figures"))["moves"] == []
    port.recorder.request(answered("s1", "node1"))
    port.recorder.request(answered("s1", "node2"))
    port.recorder.request(answered("s2", "", outcome="refused"))
    figures = await stream.next("figures")
    assert figures["moves"] == [["s1", "node2"]]
    assert [(failure["user"], failure["outcome"]) for failure in figures["failures"]] == [("s2", "refused")]
    assert (figures["requests"], figures["failed"], figures["users"]) == (4, 1, 1)
    stream.close()


async def test_the_last_word_is_the_verdict(port: Port) -> None:
    stream = await port.stream()
    await stream.next("about")
    port.feed.tell_verdict({"word": "pass"})
    closing = asyncio.create_task(port.site.close())
    assert await stream.next("verdict") == {"word": "pass"}
    await closing


async def test_a_number_that_is_none_and_a_port_that_is_taken_are_told(port: Port) -> None:
    async with port.http.get("/api/events", params={"after": "x"}) as answer:
        assert (answer.status, json.loads(await answer.text())["exit_code"]) == (400, 64)
    other = Site(port.feed, TOKEN, dict)
    with pytest.raises(UsageError, match="cannot be used for the dashboard"):
        await other.open(int(port.site.url.rpartition(":")[2]))
