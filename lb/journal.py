"""The load balancer's recent events, numbered, for those who want to know at once: the long poll of ``/events``."""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from lb.pool import NodeChanged

CAPACITY = 10_000
"""Events kept. A reader that comes later than that sees from ``first_seq`` that it missed some."""


@dataclass(frozen=True)
class JournalEntry:
    """One event with its place in the order of all; the first has ``seq`` 1."""

    seq: int
    change: NodeChanged


class Journal:
    """A bounded, numbered record that readers can wait on."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._entries: deque[JournalEntry] = deque(maxlen=capacity)
        self._more = asyncio.Event()
        self._closed = False
        self.last_seq = 0

    @property
    def first_seq(self) -> int:
        """The number of the oldest event still held; ``last_seq + 1`` if there is none."""
        return self._entries[0].seq if self._entries else self.last_seq + 1

    def add(self, changes: Iterable[NodeChanged]) -> None:
        """Append events in their order and wake all who wait."""
        before = self.last_seq
        for change in changes:
            self.last_seq += 1
            self._entries.append(JournalEntry(self.last_seq, change))
        if self.last_seq > before:
            self._more.set()
            self._more = asyncio.Event()

    def skip_past(self, seq: int) -> None:
        """Go on with numbers well above ``seq``, which another process had come to: its readers come here now.

        The gap tells them that they may have missed something.
        """
        self.last_seq = max(self.last_seq, seq) + CAPACITY
        self._entries.clear()

    def after(self, seq: int) -> list[JournalEntry]:
        """The events held whose number is higher than ``seq``."""
        return [entry for entry in self._entries if entry.seq > seq]

    async def wait_after(self, seq: int, timeout_s: float) -> list[JournalEntry]:
        """As :meth:`after`, but waits up to ``timeout_s`` for the first one; empty if none came, or :meth:`close`."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.last_seq <= seq and not self._closed:
                    await self._more.wait()
        except TimeoutError:
            pass
        return self.after(seq)

    def close(self) -> None:
        """Let nobody wait any more."""
        self._closed = True
        self._more.set()
