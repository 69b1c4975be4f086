"""Where sessions are kept: in this node's memory, as in Jira, or in the database, where every node finds them.

With the second a user who is moved to another node is not even signed in again, and a half-done task goes on there;
it costs a look into the database for every request, which is why Jira's nodes do without.
"""

from collections.abc import Callable
from typing import Protocol

from node.web.sessions import Session, SessionStore
from node.web.tokens import hash_token
from shared_db import Database, SharedSession


class SessionKeeper(Protocol):
    """One place to keep sessions in."""

    async def find(self, token: str) -> Session | None:
        """The session of that token, now used again; None if there is none or it was idle for too long."""
        ...

    async def open(
        self, username: str, *, xsrf_token: str | None = None, remember_me_id: int | None = None
    ) -> Session:
        """Begin a session. Without ``xsrf_token`` it gets a random one."""
        ...

    async def keep_work(self, session: Session, work: str) -> None:
        """Replace what a half-done task of that session has got so far."""
        ...

    async def close(self, token: str) -> None:
        """End the session, if there is one."""
        ...


class InMemory:
    """Sessions of this node only."""

    def __init__(self, store: SessionStore, now_s: Callable[[], float]) -> None:
        self._store = store
        self._now_s = now_s

    async def find(self, token: str) -> Session | None:
        """The session of that token, if this node has it."""
        return self._store.find(token, self._now_s())

    async def open(
        self, username: str, *, xsrf_token: str | None = None, remember_me_id: int | None = None
    ) -> Session:
        """Begin a session; no other node will know it."""
        return self._store.open(
            username=username, now=self._now_s(), xsrf_token=xsrf_token, remember_me_id=remember_me_id
        )

    async def keep_work(self, session: Session, work: str) -> None:
        """Replace the work, on this node."""
        self._store.keep_work(session.token, work)

    async def close(self, token: str) -> None:
        """End the session, if this node has it."""
        self._store.close(token)


class InDatabase:
    """Sessions that all nodes share. The database has the hash of a token only."""

    def __init__(
        self, database: Callable[[], Database], *, idle_timeout_s: float, new_token: Callable[[], str]
    ) -> None:
        self._database = database
        self._idle_timeout_s = idle_timeout_s
        self._new_token = new_token

    async def find(self, token: str) -> Session | None:
        """The session of that token, whichever node began it."""
        if not token:
            return None
        found = await self._database().shared_sessions.find(hash_token(token), self._idle_timeout_s)
        if found is None:
            return None
        return Session(token, found.username, found.xsrf_token, found.remember_me_id, found.work)

    async def open(
        self, username: str, *, xsrf_token: str | None = None, remember_me_id: int | None = None
    ) -> Session:
        """Begin a session that every node knows."""
        session = Session(self._new_token(), username, xsrf_token or self._new_token(), remember_me_id)
        await self._database().shared_sessions.create(
            hash_token(session.token),
            SharedSession(username, session.xsrf_token, remember_me_id, ""),
            self._idle_timeout_s,
        )
        return session

    async def keep_work(self, session: Session, work: str) -> None:
        """Replace the work, on all nodes."""
        await self._database().shared_sessions.keep_work(hash_token(session.token), work)

    async def close(self, token: str) -> None:
        """End the session on all nodes."""
        await self._database().shared_sessions.delete(hash_token(token))
