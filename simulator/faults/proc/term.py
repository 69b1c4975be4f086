"""``proc.term``: a node is told to stop by somebody who did not ask the load balancer first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from simulator.faults.fault import FaultFailed, Hold, NodeFault
from simulator.faults.proc.ended import Ended

if TYPE_CHECKING:
    from simulator.faults.reach import Reach


class ProcTerm(NodeFault):
    """A node is told to stop (SIGTERM), as by an autoscaler, with no drain; after `for` it is started again."""

    acts_on: ClassVar[str] = "process"
    name: Literal["proc.term"]
    """Which fault it is."""

    async def apply(self, reach: Reach) -> Hold:
        """Stop it. Raises FaultFailed if it does not run."""
        if not reach.picture.nodes[self.node].running:
            raise FaultFailed(f"proc.term: {self.node} does not run")
        await reach.cluster.stop_node(self.node)
        return Ended(reach, self.node)
