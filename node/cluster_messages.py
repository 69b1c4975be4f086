"""Hears what the other nodes say: looks for new messages every ``intervals.cluster_messages`` seconds."""

import asyncio

from node.caches import NodeLocal
from node.due import PURGE_EVERY_S, Due
from node.index_replay import IndexReplay
from node.logs import CLUSTER_MESSAGES
from node.parts import NodeParts
from node.waiting import repeat
from shared_db import Database


class ClusterMessages:
    """What one node hears."""

    def __init__(self, parts: NodeParts, database: Database, local: NodeLocal, index: IndexReplay) -> None:
        self._parts = parts
        self._messages = database.messages
        self._local = local
        self._index = index
        self._heard = 0
        self._log = parts.log.logger(CLUSTER_MESSAGES)
        self._silent = False
        self._purge = Due(PURGE_EVERY_S)

    async def begin(self) -> None:
        """Listen from now on. What was said before is of no concern to a node that has cached nothing yet."""
        self._heard = await self._messages.newest()

    async def run(self) -> None:
        """Look until cancelled."""
        interval_s = self._parts.intervals.cluster_messages
        await repeat(self.look_once, every_s=interval_s, after_s=self._parts.phase_s(interval_s))

    async def look_once(self) -> None:
        """One look. A database in trouble must not end the node: the next look may succeed."""
        try:
            await self.look()
        except Exception as error:
            if not self._silent:
                self._log.warning("The cluster's messages could not be read: %s", error)
            self._silent = True
        else:
            self._silent = False

    async def look(self) -> None:
        """Hear everything that is new.

        Messages are kept for as long as a silent node counts as a member; one that was silent for longer is OFFLINE
        and does not come back without a restart, which forgets its caches anyway.
        """
        while news := await self._messages.after(self._heard, self._parts.node_id):
            for message in news:
                self._log.info("Node %s says: %s", message.source, message.text)
                if not await self._index.hear(message):
                    self._local.hear(message.text)
                self._heard = message.id
        if self._purge.is_due(asyncio.get_running_loop().time()):
            await self._messages.purge(self._parts.intervals.offline_after)
