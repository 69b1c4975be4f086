"""``net.blackhole``: bytes vanish."""

from typing import Literal

from simulator.faults.path.fault import PathFault


class NetBlackhole(PathFault):
    """Whatever is sent between load balancer and node vanishes, and nobody is told: only time-outs notice."""

    name: Literal["net.blackhole"]
    """Which fault it is."""
