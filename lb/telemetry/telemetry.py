"""The one call that is made for each request, and the parts that keep what it tells."""

import asyncio
from collections import deque
from collections.abc import Iterable
from json.encoder import encode_basestring_ascii as quoted

from lb.telemetry.access_log import AccessLog, line_of
from lb.telemetry.meters import Meters
from lb.telemetry.record import RequestRecord
from zdu.clock import Clock

FLUSH_EVERY_S = 0.1
REMEMBERED = 10_000
"""Requests that ``explain`` can be asked about."""


class ClientConnections:
    """Clients' connections, which the data path counts as they come and go."""

    __slots__ = ("current", "highest", "refused", "total")

    def __init__(self) -> None:
        self.current = self.highest = self.total = self.refused = 0

    def opened(self) -> None:
        """One was accepted."""
        self.total += 1
        self.current += 1
        self.highest = max(self.highest, self.current)

    def closed(self) -> None:
        """One is gone."""
        self.current -= 1


class Telemetry:
    """Everything that is told of requests: :meth:`observe` each one when it is over.

    Lines are kept as text, in the access log's own form: ten thousand strings give the garbage collector nothing to
    look through, which as many records would.
    """

    def __init__(self, nodes: Iterable[str], access_log: AccessLog, clock: Clock) -> None:
        self.meters = Meters(nodes)
        self.clients = ClientConnections()
        self._log = access_log
        self._clock = clock
        self._recent: deque[str] = deque(maxlen=REMEMBERED)

    def observe(self, record: RequestRecord) -> None:
        """A request is over, or its tunnel: count it, log it, remember it. Call it once."""
        self.meters.count(record)
        line = line_of(record, self._clock.wall_ms())
        self._recent.append(line)
        self._log.add(line)

    def line_of(self, request_id: str) -> str | None:
        """The access log's line about one of the latest requests; None if it is not among them."""
        wanted = f'"request_id":{quoted(request_id)},'
        return next((line for line in reversed(self._recent) if wanted in line), None)

    def tick(self) -> None:
        """Write the log and look at the rates."""
        self._log.flush()
        self.meters.sample(self._clock.monotonic_s())

    async def keep_ticking(self) -> None:
        """Tick for ever; the owner cancels it, and calls :meth:`close`."""
        while True:
            await asyncio.sleep(FLUSH_EVERY_S)
            self.tick()

    def reopen_log(self) -> None:
        """Go on in a new file of the same name, after somebody has renamed the old one."""
        self._log.reopen()

    def close(self) -> None:
        """Write what is left."""
        self._log.close()
