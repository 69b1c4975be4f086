"""``proc.slow_start``: a node takes its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from simulator.faults.fault import Hold, NodeFault
from simulator.scenario.fields import PositiveDuration
from zdu.durations import format_duration

if TYPE_CHECKING:
    from simulator.cluster import Cluster
    from simulator.faults.reach import Reach


class ProcSlowStart(NodeFault):
    """A node takes long to start, each time it is started while this is on, as with a large index or a cold disk."""

    acts_on: ClassVar[str] = "next start"
    name: Literal["proc.slow_start"]
    """Which fault it is."""
    takes: PositiveDuration = 10.0
    """How long it stays STARTING, instead of `cluster.start_duration`."""

    async def apply(self, reach: Reach) -> Hold:
        """Have it in the configuration of its next start."""
        return _StartsDifferently(reach.cluster, self.node, {"start_duration": format_duration(self.takes)})


class _StartsDifferently(Hold):
    def __init__(self, cluster: Cluster, node_id: str, changes: dict[str, str]) -> None:
        self._cluster, self._node_id, self._changes = cluster, node_id, changes
        self._starts_before = cluster.starts[node_id]
        cluster.next_start[node_id].update(changes)

    async def fired(self) -> int:
        """How often it was started meanwhile."""
        return self._cluster.starts[self._node_id] - self._starts_before

    async def reset(self) -> None:
        """Let it start as configured again."""
        for key in self._changes:
            self._cluster.next_start[self._node_id].pop(key, None)
