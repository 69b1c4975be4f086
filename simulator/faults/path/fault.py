"""A fault of the path between load balancer and node: one rule of the path proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from simulator.faults.fault import BALANCER_PATH, NEEDS_SERVER, Fault, FaultFailed, Hold, NodeFault
from simulator.faults.path.paths import to_database
from simulator.scenario.fields import Share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulator.faults.path.paths import Paths
    from simulator.faults.reach import Reach


class PathFault(NodeFault):
    """A fault of the path to a node. Subclasses give its ``values``, in seconds, counts and bytes per second."""

    acts_on: ClassVar[str] = "path"

    @property
    def path(self) -> str:
        """Between load balancer and node, unless it is about another path of the node."""
        return BALANCER_PATH

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
        way = self.node if self.path == BALANCER_PATH else to_database(self.node)
        return await rules_on(reach, self, [way], self.name.partition(".")[2], self.chance, self.values)


class ChancePathFault(PathFault):
    """A path fault that not every request need meet."""

    probability: Share = 1.0
    """How likely a request meets it; chance decides for each anew."""

    @property
    def chance(self) -> float:
        """The probability."""
        return self.probability


async def rules_on(
    reach: Reach, fault: Fault, ways: Sequence[str], kind: str, chance: float, values: Mapping[str, float]
) -> Hold:
    """Put a rule on each of these paths. Raises FaultFailed if the cluster has no such path."""
    paths = reach.cluster.paths
    if paths is None or not set(ways) <= set(paths.ports):
        between = "load balancer and nodes" if fault.path == BALANCER_PATH else "nodes and database"
        why = "" if fault.path == BALANCER_PATH else f". {NEEDS_SERVER}"
        raise FaultFailed(f"{fault.name} needs the path proxy between {between}, which this cluster has not got{why}")
    on = _Rules(paths)
    try:
        for way in ways:
            on.numbers[await paths.put_on(way, kind, chance, values)] = way
    except FaultFailed:
        await on.reset()
        raise
    return on


class _Rules(Hold):
    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self.numbers: dict[int, str] = {}

    async def fired(self) -> int:
        """As the proxy counts."""
        return sum([await self._paths.count(number) for number in self.numbers])

    async def reset(self) -> None:
        """Take the rules off."""
        for number, way in self.numbers.items():
            await self._paths.take_off(way, number)
