"""Waiting for one of two things with nothing left running afterwards, and doing one thing again and again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager


async def run_unless(event: asyncio.Event, work: Coroutine[object, object, None], *, name: str) -> bool:
    """Do ``work`` unless ``event`` happens first; whether it was done. Work cut short is cancelled and awaited."""
    working = asyncio.create_task(work, name=name)
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            return False
        working.result()
        return True
    finally:
        await cancel(working)
        await cancel(waiting)


async def happens_within(event: asyncio.Event, timeout_s: float) -> bool:
    """Whether ``event`` happens within ``timeout_s``."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def repeat(look: Callable[[], Awaitable[None]], *, every_s: float, after_s: float) -> None:
    """Look after ``after_s`` seconds, and then every ``every_s``, until cancelled. Errors are the look's own."""
    await asyncio.sleep(after_s)
    while True:
        await look()
        await asyncio.sleep(every_s)


@asynccontextmanager
async def meanwhile(work: Coroutine[object, object, None], *, name: str) -> AsyncIterator[None]:
    """Let ``work`` go on for as long as the block runs. It has to deal with its own errors."""
    working = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        await cancel(working)


async def cancel(task: asyncio.Task[object]) -> None:
    """End ``task`` and wait until it has ended; its error, if any, is not ours."""
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled():
        task.exception()
