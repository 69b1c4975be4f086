"""``net.latency``: a slow network."""

from typing import Literal

from simulator.faults.path.fault import ChancePathFault
from simulator.scenario.fields import PositiveDuration
from zdu.durations import Duration


class NetLatency(ChancePathFault):
    """What a node answers takes longer to arrive, health checks included, as over a long or busy line."""

    name: Literal["net.latency"]
    """Which fault it is."""
    latency: PositiveDuration = 0.3
    """By how much each answer comes later."""
    jitter: Duration = 0.0
    """By up to how much more or less than that; drawn evenly."""

    @property
    def values(self) -> dict[str, float]:
        """Its figures."""
        return {"latency": self.latency, "jitter": self.jitter}
