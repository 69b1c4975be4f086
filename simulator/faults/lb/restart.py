"""``lb.restart``: a change of its configuration, the rough way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Literal

from simulator.faults.fault import Fault, FaultFailed, Hold

if TYPE_CHECKING:
    from simulator.cluster import Cluster
    from simulator.faults.reach import Reach


class LbRestart(Fault):
    """The load balancer is stopped in order (SIGTERM) and started again at once, at the same port.

    In between nobody listens. Sessions survive if its stickiness is in a cookie: ours lets them wait until the new
    process has checked their node, so nobody moves. What an administrator had told it of nodes is forgotten.
    """

    acts_on: ClassVar[str] = "load balancer"
    name: Literal["lb.restart"]
    """Which fault it is."""

    async def apply(self, reach: Reach) -> Hold:
        """Stop and start it, in the background. Raises FaultFailed if it does not run."""
        if not reach.cluster.balancer_runs:
            raise FaultFailed("lb.restart: the load balancer does not run")
        return _Restart(reach.cluster)


class _Restart(Hold):
    """Is over by itself, once the load balancer serves again."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._restarting: asyncio.Task[None] | None = None

    @property
    def over(self) -> bool:
        """Whether it serves again, or never will."""
        return self._restarting is not None and self._restarting.done()

    async def fired(self) -> int:
        """Begins with the first look."""
        if self._restarting is None:
            self._restarting = asyncio.create_task(self._restart(), name="lb.restart")
        return 1

    async def reset(self) -> None:
        """Wait until it serves again. Raises StartFailed."""
        if self._restarting is not None:
            await self._restarting

    async def _restart(self) -> None:
        await self._cluster.end_balancer(kill=False)
        await self._cluster.start_balancer()
