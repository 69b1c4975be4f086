"""Waiting for something to become true, with a deadline: tests never sleep and hope."""

import asyncio
from collections.abc import Callable

LIMIT_S = 20.0
"""For a machine that is busy otherwise; whoever waits in vain waits that long, and nobody else."""
_LOOK_EVERY_S = 0.005
_LOOKS = 20


async def until(condition: Callable[[], object], what: str = "", limit_s: float = LIMIT_S) -> None:
    """Return as soon as ``condition()`` is true; AssertionError naming ``what`` if it is not within ``limit_s``."""
    try:
        async with asyncio.timeout(limit_s):
            while not condition():  # noqa: ASYNC110 - any condition at all, not only events
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError:
        raise AssertionError(f"not within {limit_s:g} s: {what or condition}") from None


async def begun(task: asyncio.Task[object]) -> None:
    """Let a task that was just created run to where it first waits: one turn of the event loop, whatever the time."""
    await asyncio.sleep(0)
    assert not task.done(), f"{task.get_name()} was to wait for something"


async def at_rest(value: Callable[[], int], limit_s: float = LIMIT_S) -> int:
    """Return ``value()`` once it stays what it is; AssertionError if it does not come to rest within ``limit_s``.

    It must be found the same in many turns of the event loop: that time has passed proves nothing on a busy machine.
    """
    seen, looks = value(), 0

    def stays() -> bool:
        nonlocal seen, looks
        looks = looks + 1 if value() == seen else 0
        seen = value()
        return looks >= _LOOKS

    await until(stays, f"{value} at rest", limit_s)
    return seen
