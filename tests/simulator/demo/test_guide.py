"""The guide of the tour waits for a line, and for nobody who is not there."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from simulator.demo.guide import Guide
from simulator.scenario import load
from tests.support.waiting import begun, turns

STEP = load("valiantys").timeline[0]
LONG_S = 30.0


@pytest.fixture
def typed() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


async def test_a_step_is_told_with_its_notes_and_begins_after_a_line(typed: tuple[int, int]) -> None:
    told: list[str] = []
    guide = Guide(told.append, auto_s=None, descriptor=typed[0])
    waiting = asyncio.create_task(guide.before(STEP))
    await begun(waiting)
    assert STEP.title in told[1]
    assert "Look at the dots" in " ".join(told)

    os.write(typed[1], b"no line yet")
    await begun(waiting)
    os.write(typed[1], b"\n")

    async with asyncio.timeout(LONG_S):
        await waiting


async def test_when_nobody_can_type_only_the_page_lets_it_go_on() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    try:
        waiting = asyncio.create_task(Guide(lambda _: None, auto_s=None, descriptor=reading).before(STEP))
        await turns(20)
        assert not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    finally:
        os.close(reading)


async def test_by_itself_it_goes_on_without_anybody() -> None:
    told: list[str] = []
    async with asyncio.timeout(LONG_S):
        await Guide(told.append, auto_s=0.0).before(STEP)
    assert "by itself" in told[-1]
