"""``db.down``: there is no database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simulator.faults.db.path import DatabasePathFault
from simulator.faults.path.fault import rules_on

if TYPE_CHECKING:
    from simulator.faults.fault import Hold
    from simulator.faults.reach import Reach


class DbDown(DatabasePathFault):
    """The database is gone, as while it fails over: open connections break, new ones are refused."""

    name: Literal["db.down"]
    """Which fault it is."""

    async def apply(self, reach: Reach) -> Hold:
        """Cut the paths. Raises FaultFailed where there is no such path, as on SQLite."""
        return await rules_on(reach, self, self.ways(reach), "partition", 1.0, {})
