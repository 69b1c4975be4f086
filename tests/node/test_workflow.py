"""The workflow's table: every status with every transition, the forbidden ones included."""

from itertools import product

import pytest

from node.workflow import (
    DONE,
    IN_PROGRESS,
    STATUSES,
    TO_DO,
    TRANSITIONS,
    Transition,
    TransitionRefused,
    move,
    transitions_from,
)
from shared_db import ChangeItem, Issue, Status


def _issue(status: str, resolution: str | None = None) -> Issue:
    return Issue(1, "ZDU-1", "ZDU", 1, "One", "", "user1", 0, 0, status, resolution)


@pytest.mark.parametrize(("status", "transition"), list(product(STATUSES, TRANSITIONS)))
def test_a_transition_leads_out_of_its_own_status_and_of_no_other(status: Status, transition: Transition) -> None:
    if transition.origin is status:
        assert move(_issue(status.id), transition.id).status == transition.target.id
    else:
        with pytest.raises(TransitionRefused, match=status.name):
            move(_issue(status.id), transition.id)


def test_every_status_can_be_reached_and_left_again() -> None:
    assert {way.target for way in TRANSITIONS} == set(STATUSES)
    assert {way.origin for way in TRANSITIONS} == set(STATUSES)
    assert len({way.id for way in TRANSITIONS}) == len(TRANSITIONS)


def test_nothing_is_done_that_was_not_in_progress() -> None:
    assert DONE not in {way.target for way in transitions_from(TO_DO.id)}


def test_done_sets_the_resolution_and_leaving_it_clears_it() -> None:
    done = move(_issue(IN_PROGRESS.id), 31)
    reopened = move(_issue(DONE.id, "Done"), 41)

    assert (done.resolution, reopened.resolution) == ("Done", None)
    assert done.items == (ChangeItem("status", "In Progress", "Done"), ChangeItem("resolution", "", "Done"))
    assert reopened.items == (ChangeItem("status", "Done", "To Do"), ChangeItem("resolution", "Done", ""))


def test_a_status_of_a_newer_release_has_no_way_out_that_this_one_knows() -> None:
    assert transitions_from("10002") == ()
    with pytest.raises(TransitionRefused, match="knows no way out"):
        move(_issue("10002"), 31)
