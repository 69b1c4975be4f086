"""A run before an audience: what the page knows before anything is started, and a story that waits."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from simulator.cluster import DatabaseTarget
from simulator.dashboard.audience import Audience
from simulator.record.recorder import Recorder
from simulator.record.run_folder import RunFolder
from simulator.scenario import load
from simulator.scenario.steps import Step
from simulator.stage import RunPlan
from tests.support.waiting import begun
from zdu.clock import SystemClock

SCENARIO = load("valiantys")
STEP = SCENARIO.timeline[1]


@pytest.fixture
async def recorder(tmp_path: Path) -> AsyncIterator[Recorder]:
    made = Recorder(tmp_path, SystemClock())
    yield made
    made.close()


def audience(recorder: Recorder, folder: Path, *, steps: bool) -> Audience:
    plan = RunPlan(SCENARIO, 1, RunFolder(folder), DatabaseTarget("sqlite+aiosqlite:///x"), "zdu run")
    return Audience(plan, recorder, "t0ken", steps=steps)


async def test_a_story_told_step_by_step_waits_for_somebody_and_says_for_what(
    recorder: Recorder, tmp_path: Path
) -> None:
    watchers = audience(recorder, tmp_path, steps=True)
    await watchers.open(0)
    url, _, token = watchers.page_url.partition("/#token=")
    async with (
        asyncio.timeout(30),
        aiohttp.ClientSession(base_url=url, headers={"Authorization": f"Bearer {token}"}) as http,
    ):
        async with http.get("/api/status") as answer:
            status = await answer.json()
        assert (status["phase"], status["commanded"], status["waiting"]) == ("starting", False, "")
        assert [node["id"] for node in status["nodes"]] == ["node1", "node2"]
        async with http.post("/api/go-on") as answer:
            assert not (await answer.json())["changed"], "nobody waits yet, and nothing is kept for later"
        waiting = asyncio.create_task(watchers.before(STEP))
        await begun(waiting)
        async with http.get("/api/status") as answer:
            assert (await answer.json())["waiting"] == STEP.title
        assert not waiting.done()
        async with http.post("/api/go-on") as answer:
            assert (await answer.json())["changed"]
        await waiting
    await watchers.close(None)


async def test_without_step_nobody_waits(recorder: Recorder, tmp_path: Path) -> None:
    watchers = audience(recorder, tmp_path, steps=False)
    async with asyncio.timeout(30):
        await watchers.before(STEP)


async def test_who_is_asked_in_the_terminal_lets_it_go_on_as_well(recorder: Recorder, tmp_path: Path) -> None:
    plan = RunPlan(SCENARIO, 1, RunFolder(tmp_path), DatabaseTarget("sqlite+aiosqlite:///x"), "zdu run")
    asked: list[str] = []

    async def at_once(step: Step) -> None:
        asked.append(step.title)

    watchers = Audience(plan, recorder, "t0ken", steps=True, prompt=at_once)
    async with asyncio.timeout(30):
        await watchers.before(STEP)
    assert asked == [STEP.title]
