"""Waiting for something to become true, with a deadline: tests never sleep and hope.

This is the only module of the tests that sleeps (``test_waiting.py`` holds the others to it). Where time that passes
is itself the behaviour, a slow client or a node that thinks, :func:`stand_still` says why.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

LIMIT_S = 20.0
"""For a machine that is busy otherwise; whoever waits in vain waits that long, and nobody else."""
_LOOK_EVERY_S = 0.005
_ASK_EVERY_S = 0.01
_LOOKS = 20


async def until(condition: Callable[[], object], what: str = "", limit_s: float = LIMIT_S) -> None:
    """Return as soon as ``condition()`` is true; AssertionError naming ``what`` if it is not within ``limit_s``."""
    try:
        async with asyncio.timeout(limit_s):
            while not condition():  # noqa: ASYNC110 - any condition at all, not only events
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError:
        raise AssertionError(f"not within {limit_s:g} s: {what or condition}") from None


async def eventually(question: Callable[[], Awaitable[object]], answer: object, limit_s: float = LIMIT_S) -> None:
    """Ask until the answer is ``answer``; AssertionError with the last one if it is not within ``limit_s``."""
    said: object = None
    try:
        async with asyncio.timeout(limit_s):
            while (said := await question()) != answer:  # noqa: ASYNC110 - any question at all, not only events
                await asyncio.sleep(_ASK_EVERY_S)
    except TimeoutError:
        raise AssertionError(f"still {said!r} and not {answer!r} after {limit_s:g} s") from None


def looks(limit_s: float = LIMIT_S) -> Iterator[None]:
    """For tests without an event loop: a look at once, and one after each short pause, until ``limit_s`` is over."""
    deadline_s = time.monotonic() + limit_s
    yield
    while time.monotonic() < deadline_s:
        time.sleep(_ASK_EVERY_S)
        yield


def until_in_another_process(condition: Callable[[], object], what: str, limit_s: float = LIMIT_S) -> None:
    """As :func:`until`, for tests without an event loop."""
    assert any(condition() for _ in looks(limit_s)), f"not within {limit_s:g} s: {what}"


async def begun(task: asyncio.Task[object]) -> None:
    """Let a task that was just created run to where it first waits: one turn of the event loop, whatever the time."""
    await turns()
    assert not task.done(), f"{task.get_name()} was to wait for something"


async def turns(count: int = 1) -> None:
    """Let everybody else go on by so many turns of the event loop, however long they take."""
    for _ in range(count):
        await asyncio.sleep(0)


async def stand_still(seconds: float, why: str) -> None:
    """Let time pass where that is the behaviour: ``why`` says whose. Not for waiting until something has happened."""
    assert why
    await asyncio.sleep(seconds)


async def at_rest(value: Callable[[], int], limit_s: float = LIMIT_S) -> int:
    """Return ``value()`` once it stays what it is; AssertionError if it does not come to rest within ``limit_s``.

    It must be found the same in many turns of the event loop: that time has passed proves nothing on a busy machine.
    """
    seen, looked = value(), 0

    def stays() -> bool:
        nonlocal seen, looked
        looked = looked + 1 if value() == seen else 0
        seen = value()
        return looked >= _LOOKS

    await until(stays, f"{value} at rest", limit_s)
    return seen
