"""Sessions live in this node's memory and nowhere else, as in Jira: a user moved to another node has none there.

That is the whole point of rehearsing: whether people notice a node going away depends on what replaces its sessions.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Session:
    """One signed-in browser. ``remember_me_id`` names the remember-me token it was signed in by or given."""

    token: str
    username: str
    display_name: str
    administrator: bool
    xsrf_token: str
    remember_me_id: int | None = None

    @property
    def digest(self) -> str:
        """What may be shown of the session in headers and logs: it does not lead back to the token."""
        return hashlib.sha256(self.token.encode()).hexdigest()[:12]


class SessionStore:
    """All sessions of this node. ``now`` is monotonic seconds; a session idle for longer than the limit is gone."""

    def __init__(self, *, idle_timeout_s: float, new_token: Callable[[], str], limit: int = 100_000) -> None:
        self._idle_timeout_s = idle_timeout_s
        self._new_token = new_token
        self._limit = limit
        self._sessions: OrderedDict[str, tuple[Session, float]] = OrderedDict()

    def open(
        self,
        *,
        username: str,
        display_name: str,
        administrator: bool,
        now: float,
        xsrf_token: str | None = None,
        remember_me_id: int | None = None,
    ) -> Session:
        """Begin a session. Without ``xsrf_token`` it gets a random one, which no other node accepts."""
        self._drop_idle(now)
        while len(self._sessions) >= self._limit:
            self._sessions.popitem(last=False)
        session = Session(
            token=self._new_token(),
            username=username,
            display_name=display_name,
            administrator=administrator,
            xsrf_token=xsrf_token or self._new_token(),
            remember_me_id=remember_me_id,
        )
        self._sessions[session.token] = (session, now)
        return session

    def find(self, token: str, now: float) -> Session | None:
        """The session of that token, now used again; None if there is none or it was idle for too long."""
        self._drop_idle(now)
        found = self._sessions.get(token)
        if found is None:
            return None
        self._sessions[token] = (found[0], now)
        self._sessions.move_to_end(token)
        return found[0]

    def close(self, token: str) -> None:
        """End the session, if there is one."""
        self._sessions.pop(token, None)

    def count(self) -> int:
        """How many sessions this node holds."""
        return len(self._sessions)

    def _drop_idle(self, now: float) -> None:
        while self._sessions:
            token, (_, last_used_s) = next(iter(self._sessions.items()))
            if now - last_used_s <= self._idle_timeout_s:
                return
            del self._sessions[token]
