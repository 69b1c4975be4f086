"""``proc.slow_start``: a node takes its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from simulator.faults.fault import Hold, NodeFault
from simulator.faults.start_changes import StartsDifferently
from simulator.scenario.fields import PositiveDuration
from zdu.durations import format_duration

if TYPE_CHECKING:
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
        takes = {"start_duration": format_duration(self.takes)}
        return StartsDifferently(reach.cluster, lambda node_id, _version: takes if node_id == self.node else {})
