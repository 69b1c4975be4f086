"""Sessions moved back to a node that came back, so that the one upgraded last is not left empty.

Theory of operation. In a rolling upgrade each node's sessions move to the others, and nothing brings them back: the
node that was upgraded last would stay empty until its users come to work the next morning. So for ``window`` after a
node came back, a session that was silent for ``idle`` and asks again on a node that has more than ``ratio`` times the
sessions of the least loaded one (each by its weight) is sent to that one: the user was away, so a session fetched
anew is noticed least now. Never more than ``rate`` a second, and never a move that would only turn the balance round.
Once no node has more than ``ratio`` times the sessions of another it is over until a node comes back again.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from lb.config import RebalanceConfig


@dataclass(frozen=True, slots=True)
class Load:
    """The sessions of one node that takes new ones."""

    name: str
    sessions: int
    weight: float

    def by_weight(self, more: int = 0) -> float:
        """Sessions by weight, as if there were ``more``."""
        return (self.sessions + more) / self.weight


class Rebalance:
    """Says which session moves where. Weights are never 0: such nodes take no new sessions."""

    def __init__(self, config: RebalanceConfig) -> None:
        self.active = False
        self._until_s = 0.0
        self._moves: deque[float] = deque()
        self.configure(config)

    def __repr__(self) -> str:
        return f"<Rebalance {'active' if self.active else 'at rest'}>"

    def configure(self, config: RebalanceConfig) -> None:
        """Go by these settings from now on."""
        self.config = config
        self.active = self.active and config.enabled
        self._most = max(1, math.floor(config.rate))
        self._per_s = self._most / config.rate
        self._moves = deque(self._moves, self._most)

    def node_came_back(self, now: float) -> None:
        """A node takes new sessions again."""
        if self.config.enabled and self.config.window > 0:
            self.active = True
            self._until_s = now + self.config.window

    def target(self, source: str, idle_s: float, loads: Sequence[Load], now: float) -> str | None:
        """The node to which a session of ``source`` moves that was silent for ``idle_s``; None if it stays.

        ``loads`` are all nodes that take new sessions. A source that is not among them keeps its sessions.
        """
        if now >= self._until_s:
            self.active = False
        if not self.active or idle_s < self.config.idle or len(loads) < 2:
            return None
        least = min(loads, key=Load.by_weight)
        ratio = self.config.ratio
        if max(load.by_weight() for load in loads) <= ratio * least.by_weight():
            self.active = False
            return None
        load = next((load for load in loads if load.name == source), None)
        if load is None or load.by_weight() <= ratio * least.by_weight() or load.by_weight(-1) < least.by_weight(1):
            return None
        if not self._may_move(now):
            return None
        return least.name

    def moved(self, now: float) -> None:
        """A session is on its way."""
        self._moves.append(now)

    def _may_move(self, now: float) -> bool:
        return len(self._moves) < self._most or now - self._moves[0] >= self._per_s
