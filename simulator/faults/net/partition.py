"""``net.partition``: a cut line."""

from typing import Literal

from pydantic import Field

from simulator.faults.path.fault import PathFault


class NetPartition(PathFault):
    """A node is cut off from the load balancer, or from the database: what is open breaks, what is new is refused."""

    name: Literal["net.partition"]
    """Which fault it is."""
    from_: Literal["balancer", "database"] = Field(default="balancer", alias="from")
    """What the node is cut off from; the database only if that is PostgreSQL."""

    @property
    def path(self) -> str:
        """The one that is cut."""
        return self.from_
