"""``operator.kills_instead_of_stopping``: an impatient hand."""

from typing import Literal

from simulator.faults.operator.habit import HabitFault


class OperatorKillsInsteadOfStopping(HabitFault):
    """The operator kills a node (SIGKILL) where an orderly stop was due: requests in flight are lost."""

    name: Literal["operator.kills_instead_of_stopping"]
    """Which fault it is."""
