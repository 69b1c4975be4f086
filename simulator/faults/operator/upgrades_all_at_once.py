"""``operator.upgrades_all_at_once``: a big bang."""

from typing import Literal

from simulator.faults.operator.habit import HabitFault


class OperatorUpgradesAllAtOnce(HabitFault):
    """The operator stops all nodes of a roll at once, and then starts one after the other anew: a plain outage."""

    name: Literal["operator.upgrades_all_at_once"]
    """Which fault it is."""
