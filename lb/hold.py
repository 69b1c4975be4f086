"""Requests that no node can take now wait here, in the order in which they came.

Theory of operation. A waiter is in one of two kinds of line, as in HAProxy: the line of the node it is bound to, if
that node is only busy (HAProxy's server queue), or the line of those that may go anywhere (its backend queue). Two
things let waiters go on:

* *room*: a request to a node is over, or its limit grew. The older of the two first waiters, that of the node's own
  line and that of the common one, gets it.
* *news*: a node is usable that was not, or no longer. Then everybody is asked again in the order of arrival: who
  waited for a node that is gone goes elsewhere, who may go nowhere stands in the line where it now belongs.

A waiter that tried a node in vain is not sent to it again, unless that node has passed a health check since: it then
accepts connections again, be it the same process or another.

A waiter is resumed exactly once, with a route or with the answer that it waited too long, unless it left before. To
resume may begin and end requests and so bring about more room; that is noted and done after, never inside.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Protocol

from lb.routes import NoNode, Route
from lb.stickiness import Reading


class Routing(Protocol):
    """What the queue must know of the pool. Nothing here changes what a node takes."""

    def route(self, reading: Reading, client: str, now: float, tried: Collection[str] = ()) -> Route | NoNode:
        """Where a request goes now."""
        ...

    def has_room(self, name: str, now: float) -> bool:
        """Whether the node is usable for somebody and may get one more request."""
        ...

    def takes_new(self, name: str) -> bool:
        """Whether the node is usable for everybody."""
        ...


class Held:
    """One request that waits. ``since_s`` is when it came; it waits until ``until_s`` at the most."""

    __slots__ = ("_queue", "client", "line", "number", "reading", "refusal", "resume", "since_s", "tried", "until_s")

    def __init__(
        self,
        queue: "HoldQueue",
        number: int,
        reading: Reading,
        client: str,
        tried: Collection[str],
        resume: Callable[[Route | NoNode], None],
        refusal: NoNode,
        since_s: float,
        until_s: float,
    ) -> None:
        self._queue = queue
        self.number = number
        self.reading = reading
        self.client = client
        self.tried = list(tried)  # in their order: the reason names them
        self.resume = resume
        self.refusal = refusal
        self.line = refusal.waits_for
        self.since_s = since_s
        self.until_s = until_s

    def __repr__(self) -> str:
        return f"<Held {self.number} line={self.line!r} until_s={self.until_s:g}>"

    def leave(self) -> None:
        """The client is gone: it is not resumed any more. To leave twice, or after it was resumed, is no harm."""
        self._queue.remove(self)


class HoldQueue:
    """The bounded queue; ``size`` and ``timeout_s`` are the configuration's."""

    def __init__(self, routing: Routing, *, size: int, timeout_s: float) -> None:
        self._routing = routing
        self.size = size
        self.timeout_s = timeout_s
        self._all: OrderedDict[int, Held] = OrderedDict()
        self._lines: dict[str, OrderedDict[int, Held]] = {}
        self._last_number = 0
        self.most = 0
        """How many waited at once at the most."""
        self._news = False
        self._room: dict[str, None] = {}
        self._serving = False

    def __repr__(self) -> str:
        return f"<HoldQueue {len(self._all)} of {self.size}>"

    def __len__(self) -> int:
        return len(self._all)

    def waiting_for(self, node: str) -> int:
        """How many wait for this very node."""
        return len(self._lines.get(node, ()))

    def add(
        self,
        reading: Reading,
        client: str,
        tried: Collection[str],
        resume: Callable[[Route | NoNode], None],
        refusal: NoNode,
        now: float,
    ) -> Held | None:
        """Let a request wait that got ``refusal``; None if nothing waits here, or the queue is full."""
        if self.timeout_s <= 0 or len(self._all) >= self.size:
            return None
        self._last_number += 1
        until_s = now + self.timeout_s
        held = Held(self, self._last_number, reading, client, tried, resume, refusal, now, until_s)
        self._all[held.number] = held
        self.most = max(self.most, len(self._all))
        self._lines.setdefault(held.line, OrderedDict())[held.number] = held
        return held

    def remove(self, held: Held) -> bool:
        """Take it off the queue. False if it was not there any more."""
        if self._all.pop(held.number, None) is None:
            return False
        line = self._lines[held.line]
        del line[held.number]
        if not line:
            del self._lines[held.line]
        return True

    def configure(self, now: float, *, size: int, timeout_s: float) -> None:
        """Go by these settings from now on. Nobody waits longer than ``timeout_s`` from now."""
        self.size, self.timeout_s = size, timeout_s
        for held in self._all.values():
            held.until_s = min(held.until_s, now + timeout_s)

    def passed_a_check(self, node: str) -> bool:
        """Those who tried ``node`` in vain before may try it again; True if there is anybody."""
        forgiven = False
        for held in self._all.values():
            if node in held.tried:
                held.tried.remove(node)
                forgiven = True
        return forgiven

    def next_deadline_s(self) -> float | None:
        """When :meth:`expire` has to be called next."""
        first = next(iter(self._all.values()), None)  # who came first has to go first
        return None if first is None else first.until_s

    def expire(self, now: float) -> None:
        """Resume those that waited too long with the reason why nothing could take them."""
        for held in [held for held in self._all.values() if held.until_s <= now]:
            if self.remove(held):  # resuming another one may have made it leave
                decision = self._routing.route(held.reading, held.client, now, held.tried)
                held.resume(decision if isinstance(decision, Route) else _waited(decision, held))

    def news(self, now: float) -> None:
        """What nodes take has changed: ask again for everybody, in the order in which they came."""
        if self._all:
            self._news = True
            self._serve(now)

    def room(self, node: str, now: float) -> None:
        """``node`` may get another request: resume the first one that waits for that."""
        if self._all:
            self._room[node] = None
            self._serve(now)

    def _serve(self, now: float) -> None:
        if self._serving:
            return  # whoever is resumed right now caused it; it is done when that returns
        self._serving = True
        try:
            while self._news or self._room:
                if self._news:
                    self._news = False
                    self._room.clear()
                    self._ask_everybody(now)
                else:
                    self._fill(self._room.popitem()[0], now)
        finally:
            self._serving = False

    def _ask_everybody(self, now: float) -> None:
        for held in list(self._all.values()):
            if held.number not in self._all:
                continue  # it left while others were resumed
            decision = self._routing.route(held.reading, held.client, now, held.tried)
            if isinstance(decision, Route):
                self.remove(held)
                held.resume(decision)
            else:
                self._stand_in(held, decision)
            if self._news or self._room:
                self._news = True  # from the first one again: who was asked before comes before those who were not
                return

    def _stand_in(self, held: Held, refusal: NoNode) -> None:
        """Let it wait in the line where it now belongs, at the place of its arrival."""
        held.refusal = refusal
        if held.line == refusal.waits_for:
            return
        old = self._lines[held.line]
        del old[held.number]
        if not old:
            del self._lines[held.line]
        held.line = refusal.waits_for
        line = self._lines.setdefault(held.line, OrderedDict())
        is_last = not line or next(reversed(line)) < held.number
        line[held.number] = held
        if not is_last:
            self._lines[held.line] = OrderedDict(sorted(line.items()))

    def _fill(self, node: str, now: float) -> None:
        asked: set[int] = set()
        while not self._news and self._routing.has_room(node, now):
            held = self._first_for(node)
            if held is None or held.number in asked:
                return
            asked.add(held.number)
            decision = self._routing.route(held.reading, held.client, now, held.tried)
            if isinstance(decision, NoNode):
                self._stand_in(held, decision)  # its node would not have it any more
                continue
            self.remove(held)
            held.resume(decision)

    def _first_for(self, node: str) -> Held | None:
        """The older one of the first in the node's own line and the first in the common line that may go to it."""
        own = next(iter(self._lines.get(node, {}).values()), None)
        if not self._routing.takes_new(node):
            return own
        common = (held for held in self._lines.get("", {}).values() if node not in held.tried)
        other = next(common, None)
        if own is None or other is None:
            return own or other
        return own if own.number < other.number else other


def _waited(refusal: NoNode, held: Held) -> NoNode:
    waited_s = held.until_s - held.since_s
    return NoNode(
        f"{refusal.reason}; waited {waited_s:g} s",
        refusal.cookie_state,
        refusal.retry_after_s,
        may_hold=False,
        waits_for=refusal.waits_for,
    )
