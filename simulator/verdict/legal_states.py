"""The auditor's own list of the steps that the upgrade state may take.

It stands here a second time on purpose: a check that shared the node's table would approve of whatever that table
says. Source: Jira's UpgradeState javadoc and ZDU documentation.
"""

from collections.abc import Sequence
from itertools import groupby, pairwise

LEGAL_NEXT: dict[str, frozenset[str]] = {
    "STABLE": frozenset({"READY_TO_UPGRADE"}),
    "READY_TO_UPGRADE": frozenset({"STABLE", "MIXED"}),
    "MIXED": frozenset({"READY_TO_UPGRADE", "READY_TO_RUN_UPGRADE_TASKS"}),
    "READY_TO_RUN_UPGRADE_TASKS": frozenset({"MIXED", "RUNNING_UPGRADE_TASKS"}),
    "RUNNING_UPGRADE_TASKS": frozenset({"STABLE", "UPGRADE_TASKS_FAILED"}),
    "UPGRADE_TASKS_FAILED": frozenset({"READY_TO_RUN_UPGRADE_TASKS"}),
}


def illegal_steps(history: Sequence[str]) -> list[str]:
    """The steps in the database's ``history`` that are not allowed, as ``A → B``. A cluster begins STABLE."""
    whole = history if history[:1] == ["STABLE"] else ["STABLE", *history]
    return [
        f"{before} → {after}" for before, after in pairwise(whole) if after not in LEGAL_NEXT.get(before, frozenset())
    ]


def not_in_order(shown: Sequence[str], history: Sequence[str]) -> list[str]:
    """What a node showed that the database's history does not have at that point.

    A node that is asked five times a second, and is down now and then, shows some of the states, but those in their
    order; shown again after a restart, a state counts once.
    """
    rest = iter(["STABLE", *history])
    return [state for state, _ in groupby(shown) if state not in rest]
