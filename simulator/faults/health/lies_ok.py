"""``health.lies_ok``: a check that says nothing."""

from typing import Literal

from simulator.faults.path.fault import PathFault


class HealthLiesOk(PathFault):
    """Health checks of a node are answered with 200 and RUNNING whatever it is doing, even when it is gone."""

    name: Literal["health.lies_ok"]
    """Which fault it is."""
