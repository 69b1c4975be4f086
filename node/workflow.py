"""The workflow of an issue: which transition leads from which status to which, as in Jira's "software simplified".

Theory of operation
===================

An issue begins in *To Do*. Work goes through *In Progress* to *Done*, and every status can be left again, so a board
can be worked on by moving cards either way; only a transition to the status an issue is in already does not exist,
and nothing goes from *To Do* to *Done* without having been in progress. Reaching *Done* sets the resolution, leaving
it clears it: boards and reports of real instances break when the two contradict each other.

The statuses are rows of the database, so that a node can name one that a newer release has brought along; the
transitions are code. A node of an older release knows no transition out of such a status, and says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared_db import FIRST_STATUS, BoardColumn, ChangeItem, Issue, Moved, Status

TO_DO = Status(FIRST_STATUS, "To Do", 2)
IN_PROGRESS = Status("3", "In Progress", 4)
DONE = Status("10001", "Done", 3)
STATUSES = (TO_DO, IN_PROGRESS, DONE)

RESOLUTION = "Done"
"""Jira's default resolution for finished work."""

BOARD_COLUMNS = tuple(BoardColumn(status.name, status.id) for status in STATUSES)
"""The columns of a new project's board."""

_NAMES: Mapping[str, str] = {status.id: status.name for status in STATUSES}


@dataclass(frozen=True)
class Transition:
    """One way from one status to another. Ids are per way, as REST clients know them."""

    id: int
    name: str
    origin: Status
    target: Status


TRANSITIONS = (
    Transition(11, "Start progress", TO_DO, IN_PROGRESS),
    Transition(21, "Stop progress", IN_PROGRESS, TO_DO),
    Transition(31, "Done", IN_PROGRESS, DONE),
    Transition(41, "Reopen", DONE, TO_DO),
    Transition(51, "Resume progress", DONE, IN_PROGRESS),
)


class TransitionRefused(Exception):
    """The workflow has no such way out of the issue's status. ``names`` is what it has."""

    def __init__(self, status: str, names: tuple[str, ...]) -> None:
        choice = f"it can be moved by: {', '.join(names)}" if names else "this node knows no way out of it"
        super().__init__(f"The issue is {status!r} now; {choice}.")
        self.names = names


def transitions_from(status: str) -> tuple[Transition, ...]:
    """The ways out of a status, by its id; none for a status that this release does not know."""
    return tuple(transition for transition in TRANSITIONS if transition.origin.id == status)


def move(issue: Issue, transition_id: int) -> Moved:
    """What the transition does to the issue as it is now. Raises TransitionRefused."""
    ways = transitions_from(issue.status)
    way = next((way for way in ways if way.id == transition_id), None)
    if way is None:
        raise TransitionRefused(_NAMES.get(issue.status, issue.status), tuple(way.name for way in ways))
    resolution = RESOLUTION if way.target is DONE else None
    items = [ChangeItem("status", way.origin.name, way.target.name)]
    if resolution != issue.resolution:
        items.append(ChangeItem("resolution", issue.resolution or "", resolution or ""))
    return Moved(way.target.id, resolution, tuple(items))
