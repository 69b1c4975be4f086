"""``upgrade.dies_mid_migration``: the node that upgrades the data dies at it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Literal

from node.releases import Flaw
from simulator.faults.fault import Hold, NodeFault
from simulator.faults.start_changes import Changes, StartsDifferently, is_upgrade
from simulator.scenario.fields import PositiveDuration

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.faults.reach import Reach

IN_THE_MIDDLE = b"waits for something that never comes"
"""What the node's log says in the middle of a task."""


class UpgradeDiesMidMigration(NodeFault):
    """A node is killed (SIGKILL) in the middle of an upgrade task, once, and is started again soon after.

    It takes a node that is upgraded while this is on, and on which the upgrade is finalised. Its first task takes
    so long that it is still at it.
    """

    acts_on: ClassVar[str] = "next start"
    name: Literal["upgrade.dies_mid_migration"]
    """Which fault it is."""
    away: PositiveDuration = 1.0
    """How long after its death it is started again."""

    async def apply(self, reach: Reach) -> Hold:
        """From its next upgrade on."""
        return _Dies(reach, self.node, self.away)


class _Dies(Hold):
    """Is asked again and again whether it fires, and that is when it strikes."""

    def __init__(self, reach: Reach, node_id: str, away_s: float) -> None:
        self._reach, self._node_id, self._away_s = reach, node_id, away_s
        self._log: Path = reach.cluster.folder.logs / f"{node_id}.log"
        self._read_to = self._log.stat().st_size if self._log.exists() else 0
        self._died_at_s: float | None = None
        self._starts = StartsDifferently(reach.cluster, self._change)

    def _change(self, node_id: str, version: str) -> Changes:
        mine = node_id == self._node_id and self._died_at_s is None and is_upgrade(self._reach.cluster, version)
        return {"flaw": Flaw.STUCK_TASK} if mine else {}

    async def fired(self) -> int:
        """Whether it has died."""
        now_s = asyncio.get_running_loop().time()
        node = self._reach.picture.nodes[self._node_id]
        if self._died_at_s is None:
            if self._in_the_middle() and node.running:
                self._died_at_s = now_s
                await self._reach.cluster.kill_node(self._node_id)
        elif not node.running and now_s - self._died_at_s >= self._away_s:
            await self._start()
        return int(self._died_at_s is not None)

    async def reset(self) -> None:
        """Start it, if it is away. Raises StartFailed."""
        await self._starts.reset()
        if self._died_at_s is not None:
            await self._start()

    async def _start(self) -> None:
        node = self._reach.picture.nodes[self._node_id]
        if not node.running:
            await self._reach.cluster.start_node(self._node_id, node.version)

    def _in_the_middle(self) -> bool:
        if not self._log.exists():
            return False
        with self._log.open("rb") as log:
            log.seek(self._read_to)
            new = log.read()
        whole = new.rpartition(b"\n")[0]
        self._read_to += len(whole)
        return IN_THE_MIDDLE in whole
