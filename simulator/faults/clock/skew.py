"""``clock.skew``: a machine whose time nobody has set."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from simulator.faults.fault import Hold, NodeFault
from simulator.faults.start_changes import StartsDifferently
from simulator.scenario.fields import PositiveDuration
from zdu.durations import format_duration

if TYPE_CHECKING:
    from simulator.faults.reach import Reach


class ClockSkew(NodeFault):
    """A node is started, while this is on, on a machine whose wall clock is ahead: its log and pages are dated by it.

    The cluster goes by the clock of the database, so nobody should notice. What is measured by the node's log is set
    right: the first line of each start tells by how much.
    """

    acts_on: ClassVar[str] = "next start"
    name: Literal["clock.skew"]
    """Which fault it is."""
    ahead: PositiveDuration = 30.0
    """By how much its clock is ahead."""

    async def apply(self, reach: Reach) -> Hold:
        """Have it in the configuration of its next start."""
        ahead = {"clock_ahead": format_duration(self.ahead)}
        return StartsDifferently(reach.cluster, lambda node_id, _version: ahead if node_id == self.node else {})
