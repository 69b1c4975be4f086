"""``db.locked``: somebody holds the database's lock."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Literal

from simulator.faults.db.client import DatabaseClient
from simulator.faults.fault import Fault, FaultFailed, Hold

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.faults.reach import Reach

GET_LOCK_WITHIN_S = 10.0
TRY_AGAIN_S = 0.005
OVERDUE_BEATS = 1.5
"""A heartbeat that is so many intervals old should have been written meanwhile."""
_TABLES = "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables WHERE schemaname = current_schema()"


class DbLocked(Fault):
    """Another client locks the database, as a backup or a forgotten transaction does: no node can write.

    On SQLite it holds the one write lock, on PostgreSQL all tables (LOCK TABLE); reading goes on. It took effect on
    each node whose heartbeat was overdue when the lock was released.
    """

    acts_on: ClassVar[str] = "database"
    name: Literal["db.locked"]
    """Which fault it is."""

    async def apply(self, reach: Reach) -> Hold:
        """Take the lock with a connection of its own. Raises FaultFailed if it cannot be had."""
        client = DatabaseClient(reach.cluster.database, wait_s=0)
        overdue_ms = round(1000 * OVERDUE_BEATS * reach.cluster.heartbeat_s)
        lock = _Lock(client, overdue_ms, reach.cluster.wall_ms)
        try:
            await _get_lock(client)
            await lock.begin()
        except BaseException:
            await client.close()
            raise
        return lock


async def _get_lock(client: DatabaseClient) -> None:
    """Try until it can be had at once: whoever waited for one table with others locked could block for ever."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + GET_LOCK_WITHIN_S
    while True:
        try:
            await _lock(client)
        except FaultFailed as error:
            if loop.time() > until_s:
                raise FaultFailed(f"db.locked could not get the lock: {error.message}") from error
            await asyncio.sleep(TRY_AGAIN_S)
        else:
            return


async def _lock(client: DatabaseClient) -> None:
    """Raises FaultFailed if somebody else has it, or for another reason."""
    if client.kind == "sqlite":
        await client.run("BEGIN IMMEDIATE")
        return
    ((tables,),) = await client.run(_TABLES)
    await client.run("BEGIN")
    try:
        await client.run(f"LOCK TABLE {tables} IN EXCLUSIVE MODE NOWAIT")
    except FaultFailed:
        await client.run("ROLLBACK")
        raise


class _Lock(Hold):
    """A held lock. SQLite's waiters poll and leave no trace, so what they could not write in time tells of them."""

    def __init__(self, client: DatabaseClient, overdue_ms: int, now_ms: Callable[[], int]) -> None:
        self._client, self._overdue_ms, self._now_ms = client, overdue_ms, now_ms
        self._kept_waiting: set[str] = set()
        self._alive: list[str] = []
        self._held = True

    async def begin(self) -> None:
        """See who is alive. Raises FaultFailed."""
        began_ms = self._now_ms()
        self._alive = [node for node, beat_ms in await self._beats() if began_ms - beat_ms <= self._overdue_ms]

    async def _beats(self) -> list[tuple[str, int]]:
        rows = await self._client.run("SELECT node_id, heartbeat_time FROM clusternodeheartbeat ORDER BY node_id")
        return [(str(node), int(beat_ms)) for node, beat_ms in rows]

    async def fired(self) -> int:
        """How many nodes could not write their heartbeat in time."""
        if not self._held:
            return len(self._kept_waiting)
        now_ms = self._now_ms()
        late = [node for node, beat_ms in await self._beats() if now_ms - beat_ms > self._overdue_ms]
        self._kept_waiting.update(node for node in late if node in self._alive)
        return len(self._kept_waiting)

    async def reset(self) -> None:
        """Release the lock; nothing was written."""
        self._held = False
        with suppress(FaultFailed):
            await self._client.run("ROLLBACK")
        await self._client.close()
