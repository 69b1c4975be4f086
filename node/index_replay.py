"""Keeps this node's index up to date: finds it or builds it at the start, then replays what the other nodes did.

A node's own changes are in its index at once; the others' come with the journal, a look later. Until then a search
through this node shows what was, and nothing is lost: the journal is written by the transactions themselves.

Before 9.1 a node says RUNNING with the index it found on its disk and catches up afterwards, so people get old search
results just after each restart (JRASERVER-74233); from 9.1 on it catches up first.
"""

import asyncio

from node.caches import NodeLocal
from node.cluster_messages import PURGE_EVERY_S
from node.due import Due
from node.index_snapshot import read_snapshot, snapshot_path, write_snapshot
from node.logs import INDEXING, NODE_REINDEX
from node.parts import NodeParts
from node.search_index import SearchIndex
from shared_db import Database

CATCHES_UP_BEFORE_RUNNING = (9, 1, 0)
"""The first release that is RUNNING only with an index that is up to date."""

DATABASE_PROPERTY = "zdu.index.database"
"""Names the database, so that an index that was built from another one is recognised."""

_OPERATIONS_AT_ONCE = 200
_ISSUES_AT_ONCE = 500


class IndexReplay:
    """One node's index and its journal."""

    def __init__(self, parts: NodeParts, database: Database, local: NodeLocal) -> None:
        self._parts = parts
        self._database = database
        self._local = local
        self._path = snapshot_path(parts.config.local_home)
        self._log = parts.log.logger(NODE_REINDEX)
        self._name = ""
        self._counted: dict[str, int] = {}
        # A write that nobody waits for: not at every look.
        self._counting = Due(parts.intervals.heartbeat)
        self._silent = False
        self._purge = Due(PURGE_EVERY_S)

    @property
    def index(self) -> SearchIndex:
        """The index as it is now."""
        return self._local.index

    async def prepare(self) -> None:
        """Find the index, or build it. Raises DatabaseError."""
        log = self._parts.log.logger(INDEXING)
        log.info("Checking local index on node start")
        fresh = self._parts.entropy.token(8)
        self._name = await self._database.properties.get_or_create(DATABASE_PROPERTY, fresh)
        found = read_snapshot(self._path, self._name)
        if found is not None and await self._database.index_journal.has(found.applied):
            self._local.index = found
            log.info("Local index found: %d issues, operations up to %d", len(found), found.applied)
        else:
            await self._build()
            log.info("Local index built: %d issues", len(self.index))
        if self._parts.release.numbers >= CATCHES_UP_BEFORE_RUNNING:
            log.info("Index caught up: %d operations replayed", await self.replay())

    async def run(self) -> None:
        """Replay until cancelled."""
        interval_s = self._parts.intervals.index_replay
        await asyncio.sleep(self._parts.phase_s(interval_s))
        while True:
            await self.look_once()
            await asyncio.sleep(interval_s)

    async def look_once(self) -> None:
        """One look. A database in trouble must not end the node: the next look may succeed."""
        try:
            await self.replay()
            if self._counting.is_due(asyncio.get_running_loop().time()):
                await self._count()
            if self._purge.is_due(asyncio.get_running_loop().time()):
                await self._database.index_journal.purge(self._parts.intervals.offline_after)
        except Exception as error:
            if not self._silent:
                self._log.warning("The index operations of the other nodes could not be replayed: %s", error)
            self._silent = True
        else:
            self._silent = False

    async def rebuild(self) -> None:
        """Build the index anew from the issues. Raises DatabaseError, and then the old one stays."""
        await self._build()
        self._parts.log.logger(INDEXING).info("Local index built: %d issues", len(self.index))

    async def replay(self) -> int:
        """Bring everything that is in the journal into the index; how many operations they were.

        This node's own operations are among them: what two of its own requests brought into the index in the wrong
        order is put right here.
        """
        replayed, journal, index = 0, self._database.index_journal, self.index
        while operations := await journal.after(index.applied, _OPERATIONS_AT_ONCE):
            ids = {issue_id for operation in operations for issue_id in operation.issue_ids}
            index.put_all(await self._database.issues.with_ids(sorted(ids)))
            index.applied = operations[-1].id
            index.consumed |= {operation.node_id: operation.id for operation in operations}
            replayed += len(operations)
        return replayed

    async def save(self) -> None:
        """Leave the index on the disk for the next start. Raises DatabaseError; a full disk is only told."""
        await self._count()
        try:
            write_snapshot(self._path, self.index, self._name)
        except OSError as error:
            self._log.warning("The local index could not be written: %s", error)

    async def _build(self) -> None:
        """Read all issues. What happens meanwhile is in the journal after the operation noted first."""
        index = SearchIndex()
        index.consumed = await self._database.index_journal.newest_by_node()
        index.applied = max(index.consumed.values(), default=0)
        last = 0
        while issues := await self._database.issues.following(last, _ISSUES_AT_ONCE):
            index.put_all(issues)
            last = issues[-1].id
        self._local.index = index

    async def _count(self) -> None:
        """Record how far this node has come."""
        news = {sender: last for sender, last in self.index.consumed.items() if self._counted.get(sender) != last}
        if news:
            await self._database.index_journal.count_up(self._parts.node_id, news)
            self._counted |= news
