"""Tells the cluster that this node is alive, and learns whether the cluster still counts it in."""

import asyncio
from collections.abc import Callable

from node.due import Due, next_due_s
from node.logs import HEARTBEAT
from node.parts import NodeParts
from shared_db import Database, NodeFigures

_BEATS_PER_TELLING = 5
"""Load and memory of a node are told with every fifth heartbeat, and its state at once."""


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
        self._told_state = ""
        self._telling = Due(_BEATS_PER_TELLING * parts.intervals.heartbeat)
        self._missed = 0

    async def run(self) -> None:
        """Beat until cancelled, or until the node is found OFFLINE."""
        loop, interval_s = asyncio.get_running_loop(), self._parts.intervals.heartbeat
        due_s = loop.time() + self._parts.phase_s(interval_s)
        while True:
            await asyncio.sleep(due_s - loop.time())
            if not await self.beat():
                return
            # From when it was due: how long the database takes for one beat must not delay the next.
            due_s = next_due_s(due_s, interval_s, loop.time())

    async def beat(self) -> bool:
        """One heartbeat; False if the cluster has declared this node OFFLINE."""
        try:
            counted_in = await self._nodes.heartbeat(self._parts.node_id)
            await self._tell_figures()
        except Exception as error:
            self._missed += 1
            self._log.warning("Heartbeat %d in a row could not be written: %s", self._missed, error)
            return True
        if self._missed:
            self._log.info("Heartbeat written again after %d missed", self._missed)
            self._missed = 0
        if not counted_in and self._works_on:
            if not self._told_offline:
                self._log.warning("This node was set OFFLINE by the cluster. It works on, as it is configured to.")
            self._told_offline = True
            return True
        if not counted_in:
            self._log.error("This node was set OFFLINE by the cluster while it was running. It shuts itself down.")
            self._on_offline()
            return False
        return True

    async def _tell_figures(self) -> None:
        """Seldom, unless there is news: with fifty nodes on SQLite each write is one that others wait for."""
        figures = self._figures()
        if figures is None:
            return
        news = figures.application_state != self._told_state
        if self._telling.is_due(asyncio.get_running_loop().time()) or news:
            await self._nodes.tell_figures(self._parts.node_id, figures)
            self._told_state = figures.application_state
