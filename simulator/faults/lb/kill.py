"""``lb.kill``: the one door is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from simulator.faults.fault import Fault, FaultFailed, Hold

if TYPE_CHECKING:
    from simulator.cluster import Cluster
    from simulator.faults.reach import Reach


class LbKill(Fault):
    """The load balancer is killed (SIGKILL); after `for` it is started again at the same port.

    Sessions survive if its stickiness is in a cookie; what an administrator had told it of nodes is forgotten.
    Without a `for` it stays away. The last lines of its log may die with it, and a proof with them.
    """

    acts_on: ClassVar[str] = "load balancer"
    name: Literal["lb.kill"]
    """Which fault it is."""

    async def apply(self, reach: Reach) -> Hold:
        """Kill it. Raises FaultFailed if it does not run."""
        if not reach.cluster.balancer_runs:
            raise FaultFailed("lb.kill: the load balancer does not run")
        await reach.cluster.end_balancer(kill=True)
        return _Gone(reach.cluster)


class _Gone(Hold):
    """Taking it back at the end of a story would hide it: only ``for`` starts it again."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def expire(self) -> None:
        """Start it, unless somebody has done so. Raises StartFailed."""
        if not self._cluster.balancer_runs:
            await self._cluster.start_balancer()
