"""``operator.finalises_early``: not waiting for the last node."""

from typing import Literal

from simulator.faults.operator.habit import HabitFault


class OperatorFinalisesEarly(HabitFault):
    """The operator finalises at once, without waiting until every node is upgraded; Jira has to refuse that."""

    name: Literal["operator.finalises_early"]
    """Which fault it is."""
