"""How many application requests this node is working on: what has to reach zero before it may be stopped."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Traffic:
    """Counts requests from the moment they are read until their answer is written out."""

    def __init__(self) -> None:
        self._in_flight = 0
        self._served = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def in_flight(self) -> int:
        """Application requests whose answer is not yet written."""
        return self._in_flight

    @property
    def served(self) -> int:
        """Application requests that have begun since the process started."""
        return self._served

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count one request for as long as the block runs."""
        self._in_flight += 1
        self._served += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._in_flight -= 1
            if self._in_flight == 0:
                self._idle.set()

    async def idle(self) -> None:
        """Return as soon as no application request is in flight. The caller sets the time limit."""
        await self._idle.wait()
