"""``proc.kill``: a node is gone in an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from simulator.faults.fault import FaultFailed, Hold, NodeFault
from simulator.faults.proc.ended import Ended

if TYPE_CHECKING:
    from simulator.faults.reach import Reach


class ProcKill(NodeFault):
    """A node is killed (SIGKILL), as by the system when memory runs out; after `for` it is started again."""

    acts_on: ClassVar[str] = "process"
    name: Literal["proc.kill"]
    """Which fault it is."""

    async def apply(self, reach: Reach) -> Hold:
        """Kill it. Raises FaultFailed if it does not run."""
        if not reach.picture.nodes[self.node].running:
            raise FaultFailed(f"proc.kill: {self.node} does not run")
        await reach.cluster.kill_node(self.node)
        return Ended(reach, self.node)
