"""``proc.crash_loop``: a node dies each time it has been started."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from simulator.faults.fault import Hold, NodeFault

if TYPE_CHECKING:
    from simulator.faults.reach import Reach


class ProcCrashLoop(NodeFault):
    """A node dies (SIGKILL) each time it has been started, while this is on, as with a broken configuration."""

    acts_on: ClassVar[str] = "process"
    name: Literal["proc.crash_loop"]
    """Which fault it is."""

    async def apply(self, reach: Reach) -> Hold:
        """A node that runs goes on until it is started the next time."""
        return _Loop(reach, self.node)


class _Loop(Hold):
    """Is asked again and again whether it fires, and that is when it strikes."""

    def __init__(self, reach: Reach, node_id: str) -> None:
        self._reach, self._node_id = reach, node_id
        self._seen = reach.cluster.starts[node_id]
        self._deaths = 0
        self._over = False

    async def fired(self) -> int:
        """How often it has died; once more, if it was started since the last look."""
        starts = self._reach.cluster.starts[self._node_id]
        if not self._over and starts > self._seen and self._reach.picture.nodes[self._node_id].running:
            self._seen = starts
            self._deaths += 1
            await self._reach.cluster.kill_node(self._node_id)
        return self._deaths

    async def reset(self) -> None:
        """The next start is one that lasts; somebody has to do it."""
        self._over = True
