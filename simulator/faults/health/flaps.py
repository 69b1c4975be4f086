"""``health.flaps``: up, down, up."""

from typing import Literal

from simulator.faults.path.fault import PathFault
from simulator.scenario.fields import PositiveDuration


class HealthFlaps(PathFault):
    """Health checks of a node fail for a while, pass for as long, and so on; users are served all the time."""

    name: Literal["health.flaps"]
    """Which fault it is."""
    every: PositiveDuration = 2.0
    """How long they fail, and how long they pass."""

    @property
    def values(self) -> dict[str, float]:
        """Its figures."""
        return {"every": self.every}
