"""Issues that a team might really have, so that lists and searches look like something. From a seeded rng."""

from collections.abc import Sequence
from random import Random

from shared_db import NewIssue

_PLACES = (
    "the board",
    "the dashboard",
    "the issue view",
    "the backlog",
    "bulk edit",
    "the search page",
    "the mail handler",
    "the workflow editor",
    "the project import",
    "the release report",
)
_TROUBLES = (
    "{place} loads slowly for large projects",
    "{place} shows yesterday's numbers",
    "Filter is forgotten when leaving {place}",
    "Keyboard shortcut does nothing on {place}",
    "Attachment preview is missing on {place}",
    "Comment cannot be linked from {place}",
    "Add a column for the due date to {place}",
    "Translate {place} into German",
    "Document who may change {place}",
    "Time-out after five minutes on {place}",
)
_DETAILS = (
    "Seen by several people since Monday.",
    "It works again after a reload, but not for long.",
    "Only users with many watched issues are affected.",
    "Steps: sign in, open it, wait a minute, look again.",
    "Nobody remembers why it is the way it is.",
    "A screenshot is on the team's wiki page.",
)


def seed_issues(count: int, reporters: Sequence[str], rng: Random) -> list[NewIssue]:
    """``count`` issues; the same ones for the same state of ``rng``."""
    return [_issue(reporters, rng) for _ in range(count)]


def _issue(reporters: Sequence[str], rng: Random) -> NewIssue:
    summary = rng.choice(_TROUBLES).format(place=rng.choice(_PLACES))
    description = " ".join(rng.sample(_DETAILS, k=rng.randint(1, 3)))
    return NewIssue(summary[0].upper() + summary[1:], description, rng.choice(reporters))
