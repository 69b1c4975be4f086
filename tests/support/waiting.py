"""Waiting for something to become true, with a deadline: tests never sleep and hope."""

import asyncio
from collections.abc import Callable

LIMIT_S = 5.0
_LOOK_EVERY_S = 0.005


async def until(condition: Callable[[], object], what: str = "", limit_s: float = LIMIT_S) -> None:
    """Return as soon as ``condition()`` is true; AssertionError naming ``what`` if it is not within ``limit_s``."""
    try:
        async with asyncio.timeout(limit_s):
            while not condition():  # noqa: ASYNC110 - any condition at all, not only events
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError:
        raise AssertionError(f"not within {limit_s:g} s: {what or condition}") from None
