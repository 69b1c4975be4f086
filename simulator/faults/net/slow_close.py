"""``net.slow_close``: a connection that is half gone."""

from typing import Literal

from simulator.faults.path.fault import PathFault
from simulator.scenario.fields import PositiveDuration


class NetSlowClose(PathFault):
    """When a node closes a connection, the load balancer learns of it late, and may send a request into the void."""

    name: Literal["net.slow_close"]
    """Which fault it is."""
    delay: PositiveDuration = 1.0
    """How much later."""

    @property
    def values(self) -> dict[str, float]:
        """Its figures."""
        return {"delay": self.delay}
