"""HAProxy's counters, per node and for what the load balancer answered itself.

Each request is counted once, when it is over, at the node it was last sent to (:attr:`RequestRecord.node`), or at no
node. What is the sum of these is summed up when it is asked for. So the totals of front and back always agree with
the nodes', and counting costs little.
"""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from lb.retry import Failure
from lb.telemetry.record import RequestRecord

AVERAGED: Final = 1024
"""HAProxy's averages of the timers are over this many requests."""
DURATION_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper ends of the histogram of whole requests; the last, unnamed one has no end."""
_BOUNDS_MS = tuple(bound * 1000 for bound in DURATION_BOUNDS_S)
_NEVER_REACHED: Final = frozenset({Failure.REFUSED.value, Failure.CONNECT_TIMEOUT.value, Failure.NOT_SENT.value})
"""Failures in which the node saw nothing of the request: HAProxy's connection errors."""
_LIMITS: Final = frozenset({413, 414, 431, 503})
"""Own answers to a request that reached no node because a limit was passed: HAProxy's denied requests."""


class Averages:
    """Moving averages of HAProxy's four timers: exact for the first :data:`AVERAGED` requests, then as HAProxy's."""

    __slots__ = ("connect_ms", "count", "queue_ms", "response_ms", "total_ms")

    def __init__(self) -> None:
        self.count = 0
        self.queue_ms = self.connect_ms = self.response_ms = self.total_ms = 0.0

    def add(self, queue_ms: float, connect_ms: float, response_ms: float, total_ms: float) -> None:
        """One more request."""
        count = self.count
        if count < AVERAGED:
            self.count = count = count + 1
        self.queue_ms += (queue_ms - self.queue_ms) / count
        self.connect_ms += (connect_ms - self.connect_ms) / count
        self.response_ms += (response_ms - self.response_ms) / count
        self.total_ms += (total_ms - self.total_ms) / count


class Rate:
    """Events per second, over the last whole second, and the highest of all seconds."""

    __slots__ = ("_since_s", "_total", "highest", "last")

    def __init__(self) -> None:
        self.last = 0.0
        self.highest = 0.0
        self._total = 0
        self._since_s: float | None = None

    def sample(self, total: int, now: float) -> None:
        """Told the running ``total`` often; looks once a second."""
        if self._since_s is None:
            self._since_s, self._total = now, total
            return
        passed_s = now - self._since_s
        if passed_s < 1.0:
            return
        self.last = (total - self._total) / passed_s
        self.highest = max(self.highest, self.last)
        self._since_s, self._total = now, total


class Meter:
    """What went to one node, or, for the meter of no node, what the load balancer answered without asking one.

    The names are HAProxy's where it has one. ``hrsp`` counts the answers that came *from the node*, by class (index
    1 to 5; 0 for any other status); ``own`` those the load balancer made in its place, by the reason code.
    """

    __slots__ = (
        "averages",
        "bin",
        "bout",
        "chkdown",
        "cli_abrt",
        "connects",
        "down_since_s",
        "downtime_s",
        "dreq",
        "durations",
        "durations_ms",
        "econ",
        "ereq",
        "eresp",
        "held",
        "hrsp",
        "lastsess_s",
        "lbtot",
        "moved",
        "own",
        "own_4xx",
        "own_5xx",
        "rate",
        "reuses",
        "srv_abrt",
        "stot",
        "wredis",
        "wretr",
    )

    def __init__(self) -> None:
        self.stot = self.bin = self.bout = 0
        self.ereq = self.dreq = self.econ = self.eresp = self.wretr = self.wredis = 0
        self.cli_abrt = self.srv_abrt = self.lbtot = 0
        self.connects = self.reuses = self.moved = self.held = 0
        self.chkdown = 0
        self.hrsp = [0] * 6
        self.own: dict[str, int] = {}
        self.own_4xx = self.own_5xx = 0
        self.durations = [0] * (len(DURATION_BOUNDS_S) + 1)
        self.durations_ms = 0.0
        self.lastsess_s: float | None = None
        self.down_since_s: float | None = None
        self.downtime_s = 0.0
        self.averages = Averages()
        self.rate = Rate()

    def serves(self, serving: bool, now: float, *, fell: bool) -> None:
        """Whether the node serves from now on; ``fell`` if its checks have just found it down."""
        self.chkdown += fell
        if serving:
            self.downtime_s = self.downtime_until(now)
            self.down_since_s = None
        elif self.down_since_s is None:
            self.down_since_s = now

    def downtime_until(self, now: float) -> float:
        """Seconds in which it did not serve, the time before its first passed check left out."""
        return self.downtime_s + (now - self.down_since_s if self.down_since_s is not None else 0.0)

    @property
    def errors_of_node(self) -> int:
        """Attempts it did not answer, answers it broke off, and its 5xx."""
        return self.econ + self.eresp + self.hrsp[5]

    def add(self, other: "Meter") -> None:
        """Add the plain counters of ``other``, not its averages, rates or times."""
        for name in _SUMMED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.hrsp = [mine + its for mine, its in zip(self.hrsp, other.hrsp, strict=True)]
        self.durations = [mine + its for mine, its in zip(self.durations, other.durations, strict=True)]
        for reason, count in other.own.items():
            self.own[reason] = self.own.get(reason, 0) + count
        seen = [at_s for at_s in (self.lastsess_s, other.lastsess_s) if at_s is not None]
        self.lastsess_s = max(seen, default=None)


_SUMMED: Final = (
    *("stot", "bin", "bout", "ereq", "dreq", "econ", "eresp", "wretr", "wredis", "cli_abrt", "srv_abrt", "lbtot"),
    *("connects", "reuses", "moved", "held", "chkdown", "own_4xx", "own_5xx", "durations_ms"),
)


def total(meters: Iterable[Meter]) -> Meter:
    """The sum of meters, as one."""
    result = Meter()
    for meter in meters:
        result.add(meter)
    return result


class Meters:
    """All counters of one load balancer."""

    def __init__(self, nodes: Iterable[str]) -> None:
        self.nodes = {name: Meter() for name in nodes}
        self.no_node = Meter()
        """Requests that were sent to no node: bad ones, and those that none could take."""
        self.gone = Meter()
        """What nodes counted that are no longer configured: totals never go back."""
        self.averages = Averages()
        """Of all nodes together."""
        self.front_rate = Rate()
        self.back_rate = Rate()

    def front(self) -> Meter:
        """What clients asked for and got: the sum of all."""
        return total([*self.nodes.values(), self.gone, self.no_node])

    def back(self) -> Meter:
        """What was there for nodes to do: as :meth:`front`, but without requests that were wrong or over a limit."""
        back = self.front()
        back.stot -= self.no_node.ereq + self.no_node.dreq
        return back

    def retain(self, nodes: Iterable[str]) -> None:
        """The configured nodes are these now."""
        names = list(nodes)
        for name in [name for name in self.nodes if name not in names]:
            self.gone.add(self.nodes.pop(name))
        self.nodes = {name: self.nodes.get(name) or Meter() for name in names}

    def sample(self, now: float) -> None:
        """Look at the rates; call it a few times a second."""
        for meter in self.nodes.values():
            meter.rate.sample(meter.stot, now)
        sent = sum(meter.stot for meter in self.nodes.values()) + self.gone.stot
        self.back_rate.sample(sent, now)
        self.front_rate.sample(sent + self.no_node.stot, now)

    def count(self, record: RequestRecord) -> None:
        """One request is over."""
        meter = self.nodes.get(record.node, self.no_node)
        meter.stot += 1
        meter.bin += record.received_bytes
        meter.bout += record.sent_bytes
        meter.lastsess_s = record.received_s
        took_ms = record.ta_ms
        meter.durations[bisect_left(_BOUNDS_MS, took_ms)] += 1
        meter.durations_ms += took_ms
        cookie = record.cookie
        if cookie != "VN" and (cookie[0] not in "V-" or cookie[1] == "I"):
            meter.lbtot += 1
        attempts = record.attempts
        if len(attempts) == 1 and not attempts[0].failure:
            last = attempts[0]
            if last.reused_connection:
                meter.reuses += 1
            else:
                meter.connects += 1
            meter.averages.add(record.tw_ms, last.connect_ms, last.response_ms, took_ms)
            self.averages.add(record.tw_ms, last.connect_ms, last.response_ms, took_ms)
        else:
            self._count_attempts(record, meter)
        if record.own:
            self._count_own(record, meter)
        elif record.status:
            status_class = record.status // 100
            meter.hrsp[status_class if status_class < 6 else 0] += 1
        if record.ended != "--":
            self._count_end(record, meter)
        if record.moved_from:
            self.nodes.get(record.moved_from, self.gone).moved += 1
        if record.tw_ms:
            meter.held += 1

    def _count_attempts(self, record: RequestRecord, meter: Meter) -> None:
        """Failed attempts are counted at the node that failed, a redispatch at the node that was left."""
        before = ""
        for attempt in record.attempts:
            at = self.nodes.get(attempt.node, self.gone)
            if before == attempt.node:
                at.wretr += 1
            elif before:
                self.nodes.get(before, self.gone).wredis += 1
            before = attempt.node
            if attempt.failure in _NEVER_REACHED:
                at.econ += 1
                continue
            if attempt.failure and record.ended[0] not in "Cc":
                at.eresp += not attempt.status or attempt.failure == Failure.UNAVAILABLE  # else counted at its end
            if attempt.reused_connection:
                at.reuses += 1
            else:
                at.connects += 1
        if before and not record.attempts[-1].failure:
            last = record.attempts[-1]
            meter.averages.add(record.tw_ms, last.connect_ms, last.response_ms, record.ta_ms)
            self.averages.add(record.tw_ms, last.connect_ms, last.response_ms, record.ta_ms)

    def _count_own(self, record: RequestRecord, meter: Meter) -> None:
        meter.own[record.own] = meter.own.get(record.own, 0) + 1
        if record.status >= 500:
            meter.own_5xx += 1
        else:
            meter.own_4xx += 1
        if meter is not self.no_node or record.ended[0] not in "Pp":
            return
        if record.status in _LIMITS:
            meter.dreq += 1
        else:
            meter.ereq += 1

    def _count_end(self, record: RequestRecord, meter: Meter) -> None:
        who, phase = record.ended[0], record.ended[1:]
        if who in "Cc" and phase == "R" and meter is self.no_node:
            meter.ereq += 1
        if who == "C":
            meter.cli_abrt += 1
        elif who in "Ss" and phase in "DL":
            meter.srv_abrt += 1
            meter.eresp += 1
