"""``db.locked``: somebody holds the database's lock."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Literal

from sqlalchemy.engine import make_url

from simulator.faults.fault import Fault, FaultFailed, Hold

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.faults.reach import Reach

GET_LOCK_WITHIN_S = 10.0
TRY_AGAIN_S = 0.005
OVERDUE_BEATS = 1.5
"""A heartbeat that is so many intervals old should have been written meanwhile."""


class DbLocked(Fault):
    """Another client holds SQLite's write lock, as a backup or a forgotten transaction does: no node can write.

    It took effect on each node whose heartbeat was overdue when the lock was released.
    """

    acts_on: ClassVar[str] = "database"
    name: Literal["db.locked"]
    """Which fault it is."""

    async def apply(self, reach: Reach) -> Hold:
        """Take the lock with a connection of its own. Raises FaultFailed on PostgreSQL, or if it cannot be had."""
        url = make_url(reach.cluster.database.url)
        if url.get_backend_name() != "sqlite" or not url.database:
            raise FaultFailed("db.locked holds SQLite's only write lock; PostgreSQL has no such lock")
        connection = sqlite3.connect(url.database, timeout=0, isolation_level=None)
        try:
            async with asyncio.timeout(GET_LOCK_WITHIN_S):
                await _lock(connection)
        except (TimeoutError, sqlite3.Error) as error:
            connection.close()
            raise FaultFailed(
                f"db.locked could not get the lock: {error or 'others have it all the time'}"
            ) from error
        heartbeat_s = reach.cluster.heartbeat_s
        return _Lock(connection, round(1000 * OVERDUE_BEATS * heartbeat_s), reach.cluster.wall_ms)


async def _lock(connection: sqlite3.Connection) -> None:
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            await asyncio.sleep(TRY_AGAIN_S)
        else:
            return


class _Lock(Hold):
    """A held lock. SQLite's waiters poll and leave no trace, so what they could not write in time tells of them."""

    def __init__(self, connection: sqlite3.Connection, overdue_ms: int, now_ms: Callable[[], int]) -> None:
        self._connection, self._overdue_ms, self._now_ms = connection, overdue_ms, now_ms
        self._kept_waiting: set[str] = set()
        self._held = True
        began_ms = now_ms()
        self._alive = [node for node, beat_ms in self._beats() if began_ms - beat_ms <= overdue_ms]

    def _beats(self) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = self._connection.execute(
            "SELECT node_id, heartbeat_time FROM clusternodeheartbeat ORDER BY node_id"
        ).fetchall()
        return found

    async def fired(self) -> int:
        """How many nodes could not write their heartbeat in time."""
        if not self._held:
            return len(self._kept_waiting)
        now_ms = self._now_ms()
        late = (node for node, beat_ms in self._beats() if now_ms - beat_ms > self._overdue_ms)
        self._kept_waiting.update(node for node in late if node in self._alive)
        return len(self._kept_waiting)

    async def reset(self) -> None:
        """Release the lock; nothing was written."""
        self._held = False
        with suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")
        self._connection.close()
