"""``health.hangs``: a check without an answer."""

from typing import Literal

from simulator.faults.path.fault import PathFault


class HealthHangs(PathFault):
    """Health checks of a node get no answer at all; users are served all the time."""

    name: Literal["health.hangs"]
    """Which fault it is."""
