"""``net.reset``: a connection breaks."""

from typing import Literal

from simulator.faults.path.fault import ChancePathFault


class NetReset(ChancePathFault):
    """A connection is reset (RST) as a request arrives, which the node never sees; the load balancer cannot know that."""

    name: Literal["net.reset"]
    """Which fault it is."""
