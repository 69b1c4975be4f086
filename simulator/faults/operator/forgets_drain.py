"""``operator.forgets_drain``: a step of the runbook is left out."""

from typing import Literal

from simulator.faults.operator.habit import HabitFault


class OperatorForgetsDrain(HabitFault):
    """The operator stops nodes without having them drained: whoever works there meets closed doors."""

    name: Literal["operator.forgets_drain"]
    """Which fault it is."""
