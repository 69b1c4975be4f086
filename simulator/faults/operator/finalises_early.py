"""``operator.finalises_early``: not waiting for the last node (:mod:`simulator.actions.haste` has it)."""

from typing import Literal

from simulator.faults.operator.habit import HabitFault


class OperatorFinalisesEarly(HabitFault):
    """The operator does not wait for the last node: each time one is upgraded and others are not, they finalise.

    It takes effect while nodes are rolled, with each request to finalise; Jira has to refuse it (409), and the roll
    goes on. A cluster that accepts it has broken a promise.
    """

    name: Literal["operator.finalises_early"]
    """Which fault it is."""
