"""How fast a story is told, and that only somebody's word or time ends a pause."""

import asyncio

import pytest

from simulator.pace import Pace, left_s
from simulator.scenario import load
from tests.support.waiting import begun
from zdu.errors import UsageError

STEP = load("valiantys").timeline[1]


def test_what_a_step_still_has_to_wait_is_a_matter_of_pause_and_time() -> None:
    assert left_s(0.0, 0.0) == 0
    assert left_s(5.0, 2.0) == 3
    assert left_s(5.0, 9.0) == 0
    assert left_s(None, 1e6) is None


async def test_without_a_pause_a_step_begins_at_once() -> None:
    async with asyncio.timeout(30):
        await Pace().before(STEP)


@pytest.mark.parametrize("faster", ["go on", "no pause"])
async def test_a_step_that_waits_says_so_and_begins_on_a_word_or_when_the_pause_is_taken_away(faster: str) -> None:
    pace = Pace(None)
    assert not pace.go_on(), "nobody waits yet, and nothing is kept for later"
    waiting = asyncio.create_task(pace.before(STEP))
    await begun(waiting)
    assert pace.words == {"pause": "click", "waiting": STEP.title}
    if faster == "go on":
        assert pace.go_on()
    else:
        assert pace.set(0) == "a story is told without a pause"
    async with asyncio.timeout(30):
        await waiting
    assert pace.words["waiting"] == ""


async def test_a_pause_in_seconds_ends_by_itself_and_the_next_step_has_its_own() -> None:
    pace = Pace()
    pace.set(0.01)
    async with asyncio.timeout(30):
        await pace.before(STEP)
        await pace.before(STEP)


@pytest.mark.parametrize("pause", ["soon", None, True, -1, 601, float("nan")])
def test_what_is_no_pause_is_refused_and_changes_nothing(pause: object) -> None:
    pace = Pace()
    with pytest.raises(UsageError, match="a pause is 0 to 600 seconds, or click"):
        pace.set(pause)
    assert pace.pause_s == 0
