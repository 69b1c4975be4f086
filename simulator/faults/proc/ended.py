"""What ``proc.kill`` and ``proc.term`` leave behind: a node that is gone, until somebody starts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.faults.fault import Hold

if TYPE_CHECKING:
    from simulator.faults.reach import Reach


class Ended(Hold):
    """A node that was ended. Taking that back at the end of a story would hide it: only ``for`` starts it again."""

    def __init__(self, reach: Reach, node_id: str) -> None:
        self._reach, self._node_id = reach, node_id

    async def expire(self) -> None:
        """Start it with the version it had, unless somebody has done so. Raises StartFailed."""
        node = self._reach.picture.nodes[self._node_id]
        if not node.running:
            await self._reach.cluster.start_node(self._node_id, node.version)
