"""The one call that is made for each request, and the parts that keep what it tells.

Requests are only noted when they are over, and counted and logged together a moment later: the code that does it is
then run a hundred times in a row instead of once between two system calls, which halves what it costs. They are not
left to become thousands either: what was noted long ago is no longer in the processor's caches. Nobody sees the
difference: whoever asks for the counters has all of them counted first.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from json.encoder import encode_basestring_ascii as quoted
from typing import Final

from lb.health import Operational
from lb.journal import Journal
from lb.pool import Admin
from lb.telemetry.access_log import AccessLog, line_of
from lb.telemetry.figures import ClientConnections
from lb.telemetry.meters import Meters
from lb.telemetry.record import RequestRecord
from zdu.clock import Clock

_OUT: Final = frozenset({Operational.INIT, Operational.DOWN, Operational.GOING_UP})
FLUSH_EVERY_S: Final = 0.1
REMEMBERED: Final = 10_000
"""Requests that ``explain`` can be asked about."""

_BATCH: Final = 128


class Telemetry:
    """Everything that is told of requests: :meth:`observe` each one when it is over.

    What is remembered is kept as text, in the access log's own form and as it was written, many lines together: that
    gives the garbage collector nothing to look through, which as many records would.
    """

    def __init__(self, nodes: Iterable[str], access_log: AccessLog, journal: Journal, clock: Clock) -> None:
        self.clients = ClientConnections()
        self.idle_of: Callable[[str], int] = lambda _node: 0
        """How many idle connections to a node are kept; the data path knows."""
        self._meters = Meters(nodes)
        self._noted: list[RequestRecord] = []
        self._log = access_log
        self._journal = journal
        self._seen_seq = 0
        self._states: dict[str, Operational] = {}
        self._clock = clock
        self._recent: deque[tuple[int, str]] = deque()
        """How many lines, and the lines."""
        self._remembered = 0

    def observe(self, record: RequestRecord) -> None:
        """A request is over, or its tunnel: call this once, and leave the record alone from then on."""
        self._noted.append(record)
        if len(self._noted) >= _BATCH:
            self._digest()

    @property
    def meters(self) -> Meters:
        """The counters, all requests counted."""
        self._digest()
        return self._meters

    def _digest(self) -> None:
        """Count, log and remember what was noted."""
        if not self._noted:
            return
        epoch_s = self._clock.wall_ms() / 1000 - self._clock.monotonic_s()
        meters, lines = self._meters, []
        for record in self._noted:
            meters.count(record)
            lines.append(line_of(record, int((epoch_s + record.received_s) * 1000 + record.ta_ms + 0.5)))
        self._noted.clear()
        text = "\n".join(lines)
        self._log.add(text)
        self._recent.append((len(lines), text))
        self._remembered += len(lines)
        while self._remembered - self._recent[0][0] >= REMEMBERED:
            self._remembered -= self._recent.popleft()[0]

    @property
    def remembered(self) -> int:
        """How many requests are remembered now: REMEMBERED and a few more, if there were so many."""
        self._digest()
        return self._remembered

    def line_of(self, request_id: str) -> str | None:
        """The access log's line about one of the latest requests; None if it is not among them."""
        self._digest()
        wanted = f'"request_id":{quoted(request_id)},'
        for _, text in reversed(self._recent):
            found = text.rfind(wanted)
            if found >= 0:
                end = text.find("\n", found)
                return text[text.rfind("\n", 0, found) + 1 : len(text) if end < 0 else end]
        return None

    def tick(self) -> None:
        """Write the log, look at the rates and at what happened to the nodes."""
        self._digest()
        self._log.flush()
        self._follow_journal()
        self._meters.sample(self._clock.monotonic_s())

    def _follow_journal(self) -> None:
        if self._journal.last_seq == self._seen_seq:
            return
        for entry in self._journal.after(self._seen_seq):
            change = entry.change
            before = self._states.get(change.node, Operational.INIT)
            self._states[change.node] = change.operational
            meter = self._meters.nodes.get(change.node)
            if meter is not None:
                serving = change.operational not in _OUT and change.admin is not Admin.MAINT
                fell = before not in _OUT and change.operational is Operational.DOWN
                meter.serves(serving, change.at_s, fell=fell)
        self._seen_seq = self._journal.last_seq

    async def keep_ticking(self) -> None:
        """Tick for ever; the owner cancels it, and calls :meth:`close`."""
        while True:
            await asyncio.sleep(FLUSH_EVERY_S)
            self.tick()

    def move_log(self, path: str) -> None:
        """Go on in another file, none if ``path`` is empty. Raises ZduError if it cannot be opened."""
        self._log.move(path)

    def reopen_log(self) -> None:
        """Go on in a new file of the same name, after somebody has renamed the old one."""
        self._digest()
        self._log.reopen()

    def close(self) -> None:
        """Write what is left."""
        self._digest()
        self._log.close()
