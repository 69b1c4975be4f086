"""Keeps this node's index up to date: finds it or builds it at the start, then replays what the other nodes did.

A node's own changes are in its index at once; the others' come with the journal, a look later. Until then a search
through this node shows what was, and nothing is lost: the journal is written by the transactions themselves.

Before 9.1 a node says RUNNING with the index it found on its disk and catches up afterwards, so people get old search
results just after each restart (JRASERVER-74233); from 9.1 on it catches up first.

An index that is too old to catch up, because the journal no longer reaches back to it, is replaced by another node's.
Before 9.1 a node is RUNNING meanwhile, its index service paused: if nobody answers, it shows the old index until it
is started again or reindexed (JRASERVER-72125). From 9.1 on it waits for a while, and then builds its own.
"""

import asyncio
from collections.abc import Awaitable, Callable

from node.caches import NodeLocal
from node.due import PURGE_EVERY_S, Due
from node.index_copy import REQUESTED, WRITTEN, IndexCopies
from node.index_snapshot import read_snapshot, snapshot_path, write_snapshot
from node.logs import INDEXING, NODE_REINDEX
from node.parts import NodeParts
from node.search_index import SearchIndex
from node.waiting import repeat
from shared_db import ClusterMessage, Database

CATCHES_UP_BEFORE_RUNNING = (9, 1, 0)
"""The first release that is RUNNING only with an index that is up to date, and does not wait for ever."""

DATABASE_PROPERTY = "zdu.index.database"
"""Names the database, so that an index that was built from another one is recognised."""

_OPERATIONS_AT_ONCE = 200
_ISSUES_AT_ONCE = 500
_BEATS_PER_COUNT = 5
"""A write that nobody waits for: seldom. Each change of an issue makes every node count, so with fifty nodes this was
most of what was written, and SQLite has one writer at a time."""


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
        self._counting = Due(parts.intervals.heartbeat * _BEATS_PER_COUNT)
        self._silent = False
        self._purge = Due(PURGE_EVERY_S)
        self._copies = IndexCopies(parts, database)

    @property
    def index(self) -> SearchIndex:
        """The index as it is now."""
        return self._local.index

    async def prepare(self, listen: Callable[[], Awaitable[None]]) -> None:
        """Find the index, ask another node for one, or build it. Raises DatabaseError.

        ``listen`` makes this node hear what the others say, while it does not do that by itself yet.
        """
        log = self._parts.log.logger(INDEXING)
        log.info("Checking local index on node start")
        fresh = self._parts.entropy.token(8)
        self._name = await self._database.properties.get_or_create(DATABASE_PROPERTY, fresh)
        found = read_snapshot(self._path, self._name)
        if found is not None and await self._database.index_journal.has(found.applied):
            self._local.index = found
            log.info("Local index found: %d issues, operations up to %d", len(found), found.applied)
        elif found is not None and found.applied and (others := await self._copies.others()):
            await self._be_given(found, others, listen)
        else:
            # None at all, or from before the first operation: there is nothing that another node would save.
            await self.rebuild()
        if self._waits_for_its_index:
            log.info("Index caught up: %d operations replayed", await self.replay())

    async def run(self) -> None:
        """Replay until cancelled."""
        interval_s = self._parts.intervals.index_replay
        await repeat(self.look_once, every_s=interval_s, after_s=self._parts.phase_s(interval_s))

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

    async def hear(self, message: ClusterMessage) -> bool:
        """Whether what another node says concerns the index; if so, it is dealt with. Raises DatabaseError."""
        topic, _, name = message.text.partition(" ")
        if topic == REQUESTED:
            if not self.index.paused:
                await self._copies.give(message, self.index, self._name)
        elif topic == WRITTEN:
            if self.index.paused:
                self._take(name, message.source)
        else:
            return False
        return True

    async def replay(self) -> int:
        """Bring everything that is in the journal into the index; how many operations they were.

        None while the index service is paused.

        This node's own operations are among them: what two of its own requests brought into the index in the wrong
        order is put right here.
        """
        replayed, journal, index = 0, self._database.index_journal, self.index
        if index.paused:
            return 0
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

    @property
    def _waits_for_its_index(self) -> bool:
        return self._parts.release.numbers >= CATCHES_UP_BEFORE_RUNNING

    async def _be_given(self, found: SearchIndex, others: list[str], listen: Callable[[], Awaitable[None]]) -> None:
        """Ask for another node's index, and have the old one meanwhile."""
        found.paused = True
        self._local.index = found
        await self._copies.ask(others)
        if not self._waits_for_its_index:
            self._log.warning(
                "The index service is paused until an index comes; searches show %d issues as they were", len(found)
            )
            return
        loop = asyncio.get_running_loop()
        patience_s = self._parts.intervals.index_snapshot_wait
        until_s = loop.time() + patience_s
        while self.index.paused and loop.time() < until_s:
            await listen()
            if self.index.paused:
                await asyncio.sleep(min(self._parts.intervals.cluster_messages, max(0.0, until_s - loop.time())))
        if self.index.paused:
            self._log.warning("No other node has sent an index within %.1f s: building it", patience_s)
            await self.rebuild()

    def _take(self, name: str, giver: str) -> None:
        taken = self._copies.take(name, self._name)
        if taken is None:
            self._log.warning("The index that node %s has written cannot be read: %s", giver, name)
            return
        self._local.index = taken
        self._log.info("Index of node %s taken: %d issues, operations up to %d", giver, len(taken), taken.applied)

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
