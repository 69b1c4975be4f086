"""``db.slow``: the database takes its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simulator.faults.db.path import DatabasePathFault
from simulator.faults.path.fault import rules_on
from simulator.scenario.fields import PositiveDuration

if TYPE_CHECKING:
    from simulator.faults.fault import Hold
    from simulator.faults.reach import Reach


class DbSlow(DatabasePathFault):
    """Each answer of the database comes later, as from an overloaded server; a transaction takes several."""

    name: Literal["db.slow"]
    """Which fault it is."""
    latency: PositiveDuration = 0.1
    """By how much."""

    async def apply(self, reach: Reach) -> Hold:
        """Delay what comes back. Raises FaultFailed where there is no such path, as on SQLite."""
        return await rules_on(reach, self, self.ways(reach), "latency", 1.0, {"latency": self.latency})
