"""A load balancer that is started anew: its port stays, its journal begins again, and nothing is told twice."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import aiohttp.web
import pytest

from simulator.balancers.ours import OwnBalancer, address_again
from simulator.balancers.settings import JIRA_HEALTH
from tests.support.waiting import stand_still, until


class Journal:
    """The admin interface of one life of a load balancer: so many events, numbered from 1."""

    def __init__(self, *nodes: str) -> None:
        self._events: list[dict[str, Any]] = [
            {"seq": number, "node": node} for number, node in enumerate(nodes, start=1)
        ]
        self._runner: aiohttp.web.AppRunner

    async def start(self) -> str:
        async def events(request: aiohttp.web.Request) -> aiohttp.web.Response:
            after = int(request.query["after"])
            found = [event for event in self._events if event["seq"] > after]
            if not found:
                await stand_still(0.01, "a long poll")
            return aiohttp.web.json_response({"events": found})

        app = aiohttp.web.Application()
        app.router.add_get("/events", events)
        self._runner = aiohttp.web.AppRunner(app)
        await self._runner.setup()
        await aiohttp.web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()


async def test_the_journal_of_a_second_life_is_read_from_its_beginning_and_the_first_ones_not_again() -> None:
    told: list[str] = []
    place = SimpleNamespace(health=JIRA_HEALTH, folder=SimpleNamespace(logs=Path()))
    balancer = OwnBalancer(cast(Any, place))
    first, second = Journal("a1", "a2", "a3"), Journal("b1", "b2", "b3", "b4")
    await balancer.serves_at(await first.start())
    following = asyncio.create_task(balancer.follow(lambda event: told.append(event["node"])))
    try:
        await until(lambda: len(told) == 3)
        await first.stop()
        await balancer.serves_at(await second.start())
        await until(lambda: len(told) == 7)
        assert told == ["a1", "a2", "a3", "b1", "b2", "b3", "b4"]
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await balancer.close()
        await second.stop()


@pytest.mark.parametrize(
    ("wanted", "url", "address"),
    [
        (("127.0.0.1", 0), "", ("127.0.0.1", 0)),
        (("127.0.0.1", 0), "http://127.0.0.1:4711", ("127.0.0.1", 4711)),
        (("127.0.0.1", 8080), "http://127.0.0.1:8080", ("127.0.0.1", 8080)),
    ],
)
def test_the_port_of_an_earlier_life_is_taken_again(
    wanted: tuple[str, int], url: str, address: tuple[str, int]
) -> None:
    assert address_again(wanted, url) == address
