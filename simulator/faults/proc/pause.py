"""``proc.pause``: a node stands still."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from simulator.faults.fault import FaultFailed, Hold, NodeFault

if TYPE_CHECKING:
    from simulator.faults.reach import Reach


class ProcPause(NodeFault):
    """A node stands still (SIGSTOP), as in a long garbage collection: its port is open, and nobody answers."""

    acts_on: ClassVar[str] = "process"
    name: Literal["proc.pause"]
    """Which fault it is."""

    async def apply(self, reach: Reach) -> Hold:
        """Let it stand still. Raises FaultFailed if it does not run."""
        if not reach.picture.nodes[self.node].running:
            raise FaultFailed(f"proc.pause: {self.node} does not run")
        reach.cluster.pause_node(self.node)
        return _Paused(reach, self.node)


class _Paused(Hold):
    def __init__(self, reach: Reach, node_id: str) -> None:
        self._reach, self._node_id = reach, node_id

    async def reset(self) -> None:
        """Let it go on, if it is still there and still stands."""
        node = self._reach.picture.nodes[self._node_id]
        if node.running and node.paused:
            self._reach.cluster.resume_node(self._node_id)
