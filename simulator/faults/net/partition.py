"""``net.partition``: a cut line."""

from typing import Literal

from simulator.faults.path.fault import PathFault


class NetPartition(PathFault):
    """Load balancer and node are cut off from each other: open connections break, new ones are refused."""

    name: Literal["net.partition"]
    """Which fault it is."""
