"""Waiting that ends at once when the load is to stop."""

import asyncio


async def stops_within(seconds: float, stopping: asyncio.Event) -> bool:
    """Wait for so long, or until ``stopping`` is set; tells whether it is."""
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await stopping.wait()
    except TimeoutError:
        return False
    return True
