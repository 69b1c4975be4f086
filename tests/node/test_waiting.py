import asyncio

import pytest

from node.waiting import repeat, run_unless
from tests.support.waiting import turns


async def test_work_that_ends_first_is_done() -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("x")

    assert await run_unless(asyncio.Event(), work(), name="work")
    assert done == ["x"]


async def test_work_that_is_overtaken_is_cancelled_and_awaited() -> None:
    event, cleaned = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        event.set()
        try:
            await asyncio.Event().wait()
        finally:
            await turns()
            cleaned.set()

    assert not await run_unless(event, work(), name="work")
    assert cleaned.is_set()


async def test_an_error_of_the_work_is_the_callers() -> None:
    async def work() -> None:
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        await run_unless(asyncio.Event(), work(), name="work")


async def test_nothing_is_left_running_when_the_caller_is_cancelled() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    caller = asyncio.create_task(run_unless(asyncio.Event(), work(), name="work"))
    await started.wait()
    caller.cancel()
    await asyncio.wait((caller,))
    assert ended.is_set()


async def test_what_is_repeated_is_done_after_the_first_wait_and_then_again_and_again_until_cancelled() -> None:
    looks: list[int] = []
    thrice = asyncio.Event()

    async def look() -> None:
        looks.append(len(looks))
        if len(looks) == 3:
            thrice.set()

    repeating = asyncio.create_task(repeat(look, every_s=0.001, after_s=0.001))
    assert looks == [], "not at once"
    await asyncio.wait_for(thrice.wait(), 20)
    repeating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await repeating
