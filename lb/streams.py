"""When each WebSocket and event stream of a draining node is closed.

Theory of operation. A stream has no end of its own, so a drain must end it; its client comes again at once, to
another node. Closing all of them in one moment would send that node a herd, so the drain's time is cut into as many
slots as there are streams, and each stream is due at a random moment of its slot: evenly spread, and not in step with
anything. A stream opened during the drain is due at a random moment of what is left. A drain that is called off
leaves those that are still open alone. Each stream is closed once, and counts until it says that it is gone.
"""

import heapq
from collections.abc import Callable

from lb.balancing import Rng


class Stream:
    """One open WebSocket or event stream; ``due_s`` says when it is to be closed, if it is."""

    __slots__ = ("close", "due_s", "is_closing", "node", "number", "session")

    def __init__(self, node: str, session: str, number: int, close: Callable[[], None]) -> None:
        self.node = node
        self.session = session
        self.number = number
        self.close = close
        self.due_s: float | None = None
        self.is_closing = False

    def __repr__(self) -> str:
        return f"<Stream {self.number} of {self.node} due_s={self.due_s}>"


class Streams:
    """All open streams."""

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        self._open: dict[str, dict[int, Stream]] = {}
        self._last_number = 0
        self._windows: dict[str, float] = {}
        self._due: list[tuple[float, int, Stream]] = []

    def __repr__(self) -> str:
        return f"<Streams open={sum(len(streams) for streams in self._open.values())}>"

    def count(self, node: str) -> int:
        """How many streams to ``node`` are open."""
        return len(self._open.get(node, ()))

    def opened(self, node: str, close: Callable[[], None], now: float, session: str = "") -> Stream:
        """A stream of ``session`` to ``node`` is open; ``close`` ends it in good order."""
        self._last_number += 1
        stream = Stream(node, session, self._last_number, close)
        self._open.setdefault(node, {})[stream.number] = stream
        until_s = self._windows.get(node)
        if until_s is not None:
            self._plan(stream, self._rng.uniform(now, max(now, until_s)))
        return stream

    def closed(self, stream: Stream) -> bool:
        """The stream is gone. True if it was the last one of its node."""
        stream.due_s = None
        streams = self._open.get(stream.node, {})
        return streams.pop(stream.number, None) is not None and not streams

    def drain(self, node: str, now: float, until_s: float) -> None:
        """Close all streams to ``node`` one after the other until ``until_s``; at once if that is over."""
        if self._windows.get(node) == until_s:
            return
        self._windows[node] = until_s
        streams = [stream for stream in self._open.get(node, {}).values() if not stream.is_closing]
        slot_s = max(0.0, until_s - now) / max(1, len(streams))
        for place, stream in enumerate(streams):
            self._plan(stream, now + slot_s * (place + self._rng.random()))

    def keep(self, node: str) -> None:
        """The drain is called off."""
        if self._windows.pop(node, None) is not None:
            for stream in self._open.get(node, {}).values():
                stream.due_s = None

    def take_due(self, now: float) -> list[Stream]:
        """The streams to close now, in their order; none of them is named again."""
        due: list[Stream] = []
        while (due_s := self.next_due_s()) is not None and due_s <= now:
            stream = heapq.heappop(self._due)[2]
            stream.is_closing = True
            due.append(stream)
        return due

    def next_due_s(self) -> float | None:
        """When the next stream is to be closed."""
        while self._due:
            due_s, _, stream = self._due[0]
            if stream.due_s == due_s and not stream.is_closing:
                return due_s
            heapq.heappop(self._due)  # planned anew, called off or gone
        return None

    def _plan(self, stream: Stream, due_s: float) -> None:
        stream.due_s = due_s
        heapq.heappush(self._due, (due_s, stream.number, stream))
