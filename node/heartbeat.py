"""Tells the cluster that this node is alive, and learns whether the cluster still counts it in."""

import asyncio
from collections.abc import Callable

from node.logs import HEARTBEAT
from node.parts import NodeParts
from node.upgrade_membership import OFFLINE
from shared_db import Database, NodeFigures


class Heartbeat:
    """Writes this node's heartbeat every ``intervals.heartbeat`` seconds.

    A node that finds its own row OFFLINE has been declared gone by the others, who no longer replicate to it; Jira
    shuts such a node down, unless it is configured not to. A database that does not answer is no reason to end: the
    node's pages say so, and the next beat tries again.
    """

    def __init__(
        self,
        parts: NodeParts,
        database: Database,
        *,
        on_offline: Callable[[], None],
        figures: Callable[[], NodeFigures | None] = lambda: None,
    ) -> None:
        self._parts = parts
        self._nodes = database.nodes
        self._on_offline = on_offline
        self._figures = figures
        self._log = parts.log.logger(HEARTBEAT)
        self._works_on = parts.config.self_shutdown_if_offline_disabled
        self._told_offline = False
        self._missed = 0

    async def run(self) -> None:
        """Beat until cancelled, or until the node is found OFFLINE."""
        interval_s = self._parts.intervals.heartbeat
        await asyncio.sleep(self._parts.phase_s(interval_s))
        while True:
            if not await self.beat():
                return
            await asyncio.sleep(interval_s)

    async def beat(self) -> bool:
        """One heartbeat; False if the cluster has declared this node OFFLINE."""
        try:
            state = await self._nodes.heartbeat(self._parts.node_id, figures=self._figures())
        except Exception as error:
            self._missed += 1
            self._log.warning("Heartbeat %d in a row could not be written: %s", self._missed, error)
            return True
        if self._missed:
            self._log.info("Heartbeat written again after %d missed", self._missed)
            self._missed = 0
        if state == OFFLINE and self._works_on:
            if not self._told_offline:
                self._log.warning("This node was set OFFLINE by the cluster. It works on, as it is configured to.")
            self._told_offline = True
            return True
        if state == OFFLINE:
            self._log.error("This node was set OFFLINE by the cluster while it was running. It shuts itself down.")
            self._on_offline()
            return False
        return True
