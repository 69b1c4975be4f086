"""The auditor's own list of the steps that the upgrade state may take.

It stands here a second time on purpose: a check that shared the node's table would approve of whatever that table
says. Source: Jira's UpgradeState javadoc and ZDU documentation.
"""

from collections.abc import Sequence
from itertools import pairwise

LEGAL_NEXT: dict[str, frozenset[str]] = {
    "STABLE": frozenset({"READY_TO_UPGRADE"}),
    "READY_TO_UPGRADE": frozenset({"STABLE", "MIXED"}),
    "MIXED": frozenset({"READY_TO_UPGRADE", "READY_TO_RUN_UPGRADE_TASKS"}),
    "READY_TO_RUN_UPGRADE_TASKS": frozenset({"MIXED", "RUNNING_UPGRADE_TASKS"}),
    "RUNNING_UPGRADE_TASKS": frozenset({"STABLE", "UPGRADE_TASKS_FAILED"}),
    "UPGRADE_TASKS_FAILED": frozenset({"READY_TO_RUN_UPGRADE_TASKS"}),
}


def illegal_steps(states: Sequence[str], *, every_step: bool) -> list[str]:
    """The steps in ``states`` that are not allowed, as ``A → B``.

    With ``every_step`` each must be legal by itself, as in the database's history. Without it states may have been
    missed between two looks, as when a node was asked five times a second or was down: then only a step that no
    legal way leads to is wrong.
    """
    wrong = []
    for before, after in pairwise(states):
        allowed = LEGAL_NEXT.get(before, frozenset()) if every_step else _reachable(before)
        if after not in allowed:
            wrong.append(f"{before} → {after}")
    return wrong


def _reachable(state: str) -> frozenset[str]:
    """All states that legal steps lead to, one after the other, without starting a second upgrade."""
    found: set[str] = set()
    todo = [state]
    while todo:
        for following in sorted(LEGAL_NEXT.get(todo.pop(), frozenset()) - found):
            found.add(following)
            if following != "STABLE":
                todo.append(following)
    return frozenset(found)
