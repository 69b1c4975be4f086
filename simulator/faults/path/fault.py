"""A fault of the path between load balancer and node: one rule of the path proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from simulator.faults.fault import FaultFailed, Hold, NodeFault
from simulator.scenario.fields import Share

if TYPE_CHECKING:
    from simulator.faults.path.paths import Paths
    from simulator.faults.reach import Reach


class PathFault(NodeFault):
    """A fault of the path to a node. Subclasses give its ``values``, in seconds, counts and bytes per second."""

    acts_on: ClassVar[str] = "path"

    @property
    def values(self) -> dict[str, float]:
        """Its figures, for the path proxy."""
        return {}

    @property
    def chance(self) -> float:
        """How likely a request meets it."""
        return 1.0

    async def apply(self, reach: Reach) -> Hold:
        """Put the rule on. Raises FaultFailed."""
        paths = reach.cluster.paths
        if paths is None:
            raise FaultFailed(
                f"{self.name} needs the path proxy between load balancer and nodes, which this cluster has not got"
            )
        number = await paths.put_on(self.node, self.name.partition(".")[2], self.chance, self.values)
        return _Rule(paths, self.node, number)


class ChancePathFault(PathFault):
    """A path fault that not every request need meet."""

    probability: Share = 1.0
    """How likely a request meets it; chance decides for each anew."""

    @property
    def chance(self) -> float:
        """The probability."""
        return self.probability


class _Rule(Hold):
    def __init__(self, paths: Paths, node_id: str, number: int) -> None:
        self._paths, self._node_id, self._number = paths, node_id, number

    async def fired(self) -> int:
        """As the proxy counts."""
        return await self._paths.count(self._number)

    async def reset(self) -> None:
        """Take the rule off."""
        await self._paths.take_off(self._node_id, self._number)
