"""What becomes of a write whose answer says yes, no, or nothing."""

from typing import Any

import pytest

from simulator.record.requests import RequestRecord
from simulator.verdict.writes import Answered, Fate, gather_writes, how_answered, lost_updates
from tests.support.evidence import request


def sent(number: int, outcome: str = "ok", **changes: Any) -> RequestRecord:
    return request(
        number, number / 10, kind="comment_issue", write="w000001", issue="ZDU-7", outcome=outcome, **changes
    )


@pytest.mark.parametrize(
    ("outcome", "answered"),
    [
        ("ok", Answered.CONFIRMED),
        ("timeout", Answered.OPEN),
        ("reset", Answered.OPEN),
        ("truncated", Answered.OPEN),
        ("http_500", Answered.OPEN),
        ("http_502", Answered.OPEN),
        ("wrong_content", Answered.OPEN),
        ("login_page", Answered.REFUSED),
        ("stale_form", Answered.REFUSED),
        ("http_409", Answered.REFUSED),
        ("refused", Answered.REFUSED),
    ],
)
def test_an_answer_confirms_a_write_or_refuses_it_or_leaves_it_open(outcome: str, answered: Answered) -> None:
    assert how_answered(sent(1, outcome)) is answered


def test_a_form_sent_once_more_is_one_write_and_the_answer_that_says_most_counts() -> None:
    (write,) = gather_writes([sent(1, "login_page"), sent(2)])
    assert (write.request.id, write.answered) == (2, Answered.CONFIRMED)
    (write,) = gather_writes([sent(1, "timeout"), sent(2, "stale_form")])
    assert (write.request.id, write.answered) == (1, Answered.OPEN)


@pytest.mark.parametrize(
    ("issues", "found", "fate"),
    [
        ("ZDU-7", 0, Fate.NOT_AT_ALL),
        ("ZDU-7", 1, Fate.ONCE),
        ("ZDU-7", 2, Fate.TWICE),
        ("", 1, Fate.ONCE),
        ("ZDU-1 ZDU-2 ZDU-3", 2, Fate.IN_PART),
        ("ZDU-1 ZDU-2 ZDU-3", 3, Fate.ONCE),
    ],
)
def test_an_open_write_is_resolved_by_how_often_it_is_found(issues: str, found: int, fate: Fate) -> None:
    (write,) = gather_writes([request(1, 1.0, kind="bulk_edit", write="w000001", issue=issues, outcome="timeout")])
    assert write.fate(found) is fate


def edit(number: int, sent_s: float, end_s: float, marker: str, outcome: str = "ok") -> RequestRecord:
    return request(number, sent_s, kind="edit_issue", write=marker, issue="ZDU-7", end_s=end_s, outcome=outcome)


def test_the_summary_has_to_be_what_was_written_last() -> None:
    edits = [edit(1, 1.0, 1.1, "w000001"), edit(2, 2.0, 2.1, "w000002")]
    assert lost_updates(edits, {"ZDU-7": "New w000002"}) == []
    (told,) = lost_updates(edits, {"ZDU-7": "Old w000001"})
    assert told == (
        "the summary of ZDU-7 is 'Old w000001', although request 2 of session s1 changed it to end with w000002 "
        "at 2.00 s"
    )


def test_edits_that_overlap_may_come_in_either_order() -> None:
    edits = [edit(1, 1.0, 2.05, "w000001"), edit(2, 2.0, 2.1, "w000002")]
    for last in ("w000001", "w000002"):
        assert lost_updates(edits, {"ZDU-7": last}) == []


def test_an_edit_without_an_answer_may_come_at_any_time_and_a_refused_one_never() -> None:
    edits = [edit(1, 1.0, 1.1, "w000001", "timeout"), edit(2, 2.0, 2.1, "w000002")]
    assert lost_updates(edits, {"ZDU-7": "w000001"}) == []
    refused = [edit(1, 1.0, 1.1, "w000001", "login_page"), edit(2, 2.0, 2.1, "w000002")]
    assert len(lost_updates(refused, {"ZDU-7": "w000001"})) == 1


def test_an_issue_that_is_not_there_is_for_others_to_tell() -> None:
    assert lost_updates([edit(1, 1.0, 1.1, "w000001")], {}) == []
