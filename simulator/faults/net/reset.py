"""``net.reset``: a connection breaks."""

from typing import Literal

from simulator.faults.path.fault import ChancePathFault


class NetReset(ChancePathFault):
    """A connection is reset (RST) as a request arrives. The node never sees it; the load balancer cannot know."""

    name: Literal["net.reset"]
    """Which fault it is."""
