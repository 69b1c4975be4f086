"""Which sessions there are, on which node, and how long each has been silent.

Theory of operation. The cookie says where a session belongs; this table says how it is: when it was last heard of,
whether a request of it is in flight, whether its last response was marked as safe to move after. A drain and a
rebalancing are decided by that. The table is bounded, and whoever was silent for longest is forgotten first; a
request in flight is not silence. A session that is not in the table is not simply unknown: it has been silent at
least since the one that was forgotten last (or since the table began), and that is what :meth:`Sessions.idle_s` says.

A client that brings neither a session nor a binding is nobody yet and has no entry. Its first response may make it
somebody, so :meth:`Sessions.stranger` notes when a node last answered one.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from lb.routes import Moved, Route

_LOOKS: Final = 16
"""How many of the longest silent are looked at for one without a request in flight."""


class Session:
    """One session. ``route`` is the answer prepared for its next request if nothing changes."""

    __slots__ = (
        "first_seen_s",
        "in_flight",
        "key",
        "last_seen_s",
        "moved_by",
        "moved_from",
        "node",
        "released_s",
        "route",
        "safe",
    )

    def __init__(self, key: str, node: str, now: float) -> None:
        self.key = key
        self.node = node
        self.first_seen_s = now
        self.last_seen_s = now
        self.in_flight = 0
        self.safe = False
        self.released_s: float | None = None
        """The begin of the drain that closed a stream of it; in that drain it need not be served any more."""
        self.route: Route | None = None
        self.moved_from = ""
        self.moved_by: Moved | None = None

    def __repr__(self) -> str:
        return f"<Session on {self.node} in_flight={self.in_flight}>"


@dataclass(frozen=True, slots=True)
class SessionsView:
    """The sessions of one node, for status pages: how many, and how long they have been silent."""

    count: int
    active: int
    idle_median_s: float
    idle_max_s: float


class Sessions:
    """The bounded table. ``table`` is for the pool's hot path alone, in the order of the last sign of life."""

    def __init__(self, size: int, now: float) -> None:
        self.table: OrderedDict[str, Session] = OrderedDict()
        self._size = size
        self._by_node: dict[str, dict[str, Session]] = {}
        self._complete_since_s = now
        self._strangers_s: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<Sessions {len(self.table)} of {self._size}>"

    def __len__(self) -> int:
        return len(self.table)

    def count(self, node: str) -> int:
        """How many sessions are on ``node``."""
        return len(self._by_node.get(node, ()))

    def on(self, node: str) -> list[Session]:
        """The sessions on ``node``."""
        return list(self._by_node.get(node, {}).values())

    def enter(self, key: str, node: str, now: float) -> Session | None:
        """The session ``key``, from now on on ``node``; None if there is no room because all others are active."""
        session = self.table.get(key)
        if session is None:
            if len(self.table) >= self._size and not self._forget_one():
                return None
            session = self.table[key] = Session(key, node, now)
        elif session.node != node:
            del self._by_node[session.node][key]
            session.node, session.route, session.safe, session.released_s = node, None, False, None
        self._by_node.setdefault(node, {})[key] = session
        return session

    def leave(self, key: str) -> None:
        """The session goes on under another key."""
        session = self.table.get(key)
        if session is not None and not session.in_flight:
            self._remove(session)

    def stranger(self, node: str, now: float) -> None:
        """Somebody without a session was served by ``node`` and may now be bound to it."""
        self._strangers_s[node] = now

    def idle_s(self, key: str, node: str, now: float) -> float:
        """How long the session has been silent; for one that is not in the table, how long at least."""
        session = self.table.get(key)
        if session is not None:
            return 0.0 if session.in_flight else now - session.last_seen_s
        return now - self.unknown_since_s(node)

    def unknown_since_s(self, node: str) -> float:
        """Since when at least sessions bound to ``node`` that are not in the table have been silent."""
        return max(self._complete_since_s, self._strangers_s.get(node, self._complete_since_s))

    def resize(self, size: int) -> None:
        """Hold up to ``size`` sessions from now on."""
        self._size = size
        while len(self.table) > size and self._forget_one():
            pass

    def forget_node(self, node: str) -> None:
        """The node is gone, and so are the sessions on it."""
        for session in self.on(node):
            self._remove(session)
        self._by_node.pop(node, None)
        self._strangers_s.pop(node, None)

    def view(self, node: str, now: float) -> SessionsView:
        """How the sessions on ``node`` are; looks at each of them."""
        idle = sorted(now - session.last_seen_s for session in self.on(node) if not session.in_flight)
        count = self.count(node)
        middle = idle[len(idle) // 2] if idle else 0.0
        return SessionsView(count, count - len(idle), middle, idle[-1] if idle else 0.0)

    def _forget_one(self) -> bool:
        for _ in range(min(_LOOKS, len(self.table))):
            session = next(iter(self.table.values()))
            if not session.in_flight:
                self._complete_since_s = max(self._complete_since_s, session.last_seen_s)
                self._remove(session)
                return True
            self.table.move_to_end(session.key)
        return False

    def _remove(self, session: Session) -> None:
        del self.table[session.key]
        del self._by_node[session.node][session.key]
