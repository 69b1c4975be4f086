"""Bad releases to order: flaws of our own making, in releases that are otherwise what the catalogue says.

``7.3.2+bad-rename`` is 7.3.2, build and all, with one thing wrong. Nothing of the kind was ever shipped by Atlassian
under these numbers: what an upgrade that goes wrong looks like is to be learned here and not there.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType

from node.releases.release import Release

SEPARATOR = "+"


class Flaw(StrEnum):
    """What can be wrong with a release."""

    BAD_RENAME = "bad-rename"
    BAD_NOT_NULL = "bad-not-null"
    FAILING_TASK = "failing-task"
    STUCK_TASK = "stuck-task"
    SLOW_START = "slow-start"
    CRASH_ON_START = "crash-on-start"
    LEAKS_5XX = "leaks-5xx"


MEANINGS: Mapping[Flaw, str] = MappingProxyType(
    {
        Flaw.BAD_RENAME: "its first node renames a column as it starts: for the nodes before it, the column is gone",
        Flaw.BAD_NOT_NULL: "its first node adds a column that must not be empty: the nodes before it cannot insert",
        Flaw.FAILING_TASK: "its first upgrade task fails the first time, and works when it is tried again",
        Flaw.STUCK_TASK: "its first upgrade task never ends",
        Flaw.SLOW_START: "its nodes take ten times as long to start",
        Flaw.CRASH_ON_START: "its nodes crash as they start, after they have expanded the schema",
        Flaw.LEAKS_5XX: "its nodes answer one in twenty of their users' requests with an error",
    }
)
"""Each flaw as the end of a sentence."""

_EXPAND_STEPS = {
    Flaw.BAD_RENAME: ("bad-rename-jiraissue-updated",),
    Flaw.BAD_NOT_NULL: ("bad-not-null-jiraissue-severity",),
}
_FEATURES = {
    Flaw.BAD_RENAME: frozenset({"jiraissue.last_updated"}),
    Flaw.BAD_NOT_NULL: frozenset({"jiraissue.severity"}),
}


def flawed(release: Release, flaw: Flaw) -> Release:
    """``release`` with that flaw."""
    return replace(
        release,
        version=f"{release.version}{SEPARATOR}{flaw}",
        expand_steps=release.expand_steps + _EXPAND_STEPS.get(flaw, ()),
        features=release.features | _FEATURES.get(flaw, frozenset()),
        log_lines=(*release.log_lines, f"This release is flawed on purpose: {MEANINGS[flaw]}"),
        flaw=flaw,
    )
