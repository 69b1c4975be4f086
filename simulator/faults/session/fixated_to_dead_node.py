"""``session.fixated_to_dead_node``: no failover."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from simulator.faults.fault import Fault, FaultFailed, Hold
from zdu.errors import ZduError

if TYPE_CHECKING:
    from simulator.cluster import Cluster
    from simulator.faults.reach import Reach


class SessionFixatedToDeadNode(Fault):
    """Sessions stay bound to a node that is gone, and get 503 until it is back, though others could serve them.

    Our load balancer reads `stickiness.nofailover: true`, as Apache has it (`nofailover=On`); HAProxy does much the
    same with `option persist` without `option redispatch`. It knows that the node is gone, unlike with
    `health.lies_ok`: new sessions go elsewhere, and a drain still moves old ones. It takes effect on each request
    of a session whose node is down, in maintenance or has failed that request. Other load balancers are refused.
    """

    acts_on: ClassVar[str] = "load balancer's configuration"
    needs_our_balancer: ClassVar[bool] = True
    name: Literal["session.fixated_to_dead_node"]
    """Which fault it is."""

    async def apply(self, reach: Reach) -> Hold:
        """Have it configured so. Raises FaultFailed if it cannot be, or if nothing binds sessions."""
        cluster = reach.cluster
        if cluster.scenario.balancer.stickiness == "none":
            raise FaultFailed(f"{self.name}: balancer.stickiness is none, so no session is bound to a node")
        if not cluster.balancer_runs:
            raise FaultFailed(f"{self.name}: the load balancer does not run")
        before = await cluster.balancer.refused_to_the_bound()
        try:
            await cluster.balancer.set_nofailover(True)
        except ZduError as error:
            raise FaultFailed(f"{self.name}: {error.message}", hint=error.hint) from error
        return _Fixated(cluster, before or 0)


class _Fixated(Hold):
    def __init__(self, cluster: Cluster, told: int) -> None:
        self._cluster, self._told = cluster, told
        self._count = 0

    async def fired(self) -> int:
        """How many requests it has cost; a load balancer that was started anew counts from 0."""
        told = await self._cluster.balancer.refused_to_the_bound()
        if told is not None:
            self._count += told - self._told if told >= self._told else told
            self._told = told
        return self._count

    async def reset(self) -> None:
        """Let sessions move again; a load balancer that is gone reads so when it is started."""
        try:
            await self._cluster.balancer.set_nofailover(False)
        except ZduError:
            if self._cluster.balancer_runs:
                raise
