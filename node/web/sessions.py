"""Sessions live in this node's memory and nowhere else, as in Jira: a user moved to another node has none there.

That is the whole point of rehearsing: whether people notice a node going away depends on what replaces its sessions.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Session:
    """One signed-in browser. ``remember_me_id`` names the remember-me token it was signed in by or given.

    ``work`` is what a task of several pages, such as a bulk edit, has got so far: it lives and dies with the session.
    What the user may do is not in here; it can change while they are signed in.
    """

    token: str
    username: str
    xsrf_token: str
    remember_me_id: int | None = None
    work: str = ""

    @property
    def digest(self) -> str:
        """What may be shown of the session in headers and logs: it does not lead back to the token."""
        return hashlib.sha256(self.token.encode()).hexdigest()[:12]


def name_digest(username: str) -> str:
    """A user's name for a message to other nodes, which has not room enough for every name."""
    return hashlib.sha256(username.lower().encode()).hexdigest()


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

    def keep_work(self, token: str, work: str) -> None:
        """Replace what a half-done task has got so far; nothing happens if the session is gone."""
        if found := self._sessions.get(token):
            self._sessions[token] = (replace(found[0], work=work), found[1])

    def close_all_of(self, digest: str) -> int:
        """End all sessions of the user whose name has that digest; how many they were."""
        names = {session.username for session, _ in self._sessions.values()}
        killed = {name for name in names if name_digest(name) == digest}
        tokens = [token for token, (session, _) in self._sessions.items() if session.username in killed]
        for token in tokens:
            del self._sessions[token]
        return len(tokens)

    def count(self) -> int:
        """How many sessions this node holds."""
        return len(self._sessions)

    def _drop_idle(self, now: float) -> None:
        while self._sessions:
            token, (_, last_used_s) = next(iter(self._sessions.items()))
            if now - last_used_s <= self._idle_timeout_s:
                return
            del self._sessions[token]
