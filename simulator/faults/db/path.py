"""Faults of the way to a database that has a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from simulator.faults.fault import DATABASE_PATH, Fault
from simulator.faults.path.paths import to_database
from simulator.scenario.fields import NodeName

if TYPE_CHECKING:
    from simulator.faults.reach import Reach


class DatabasePathFault(Fault):
    """A fault on the way from nodes to PostgreSQL."""

    acts_on: ClassVar[str] = "database path"
    node: NodeName | None = None
    """The node that meets it; without it, all of them."""

    @property
    def where(self) -> str:
        """The node it is about, if it is about one."""
        return self.node or ""

    @property
    def path(self) -> str:
        """That to the database."""
        return DATABASE_PATH

    def ways(self, reach: Reach) -> list[str]:
        """The paths that it is on."""
        return [to_database(node_id) for node_id in ([self.node] if self.node else reach.picture.nodes)]
