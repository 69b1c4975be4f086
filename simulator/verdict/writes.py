"""What an answer says of a write, and what became of it: kept once, lost, doubled, or never known to its user. Pure.

An answer confirms a write, or refuses it, or leaves it open: a request that timed out, broke off, or got an error may
have been carried out or not. Such a write is *ambiguous*: a third outcome, which only the database can resolve when
all is over. Carried out once or not at all, both are right; twice, or in part, is not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from simulator.load.judge import LOGIN_PAGE, STALE_FORM, WORK_LOST
from simulator.record.requests import OWN_TROUBLE, RequestRecord

CLEAR_REFUSALS = frozenset({LOGIN_PAGE, STALE_FORM, WORK_LOST, OWN_TROUBLE, "refused"})
"""Outcomes after which nothing may have been written: the node said no, or the request never reached one."""


class Answered(StrEnum):
    """What the user knows of a write after its answer."""

    CONFIRMED = "confirmed"
    OPEN = "open"
    REFUSED = "refused"


class Fate(StrEnum):
    """What the database knows of an ambiguous write."""

    ONCE = "carried out once"
    NOT_AT_ALL = "not carried out"
    IN_PART = "carried out in part"
    TWICE = "carried out more than once"


RIGHT_FATES = frozenset({Fate.ONCE, Fate.NOT_AT_ALL})


@dataclass(frozen=True)
class Write:
    """One text that a user wanted to leave in the database. It may have been sent more than once, after a refusal."""

    request: RequestRecord
    """The one whose answer says most: the confirmed one, else an open one, else the last refused one."""
    answered: Answered

    @property
    def wanted(self) -> int:
        """How many times the text is to be found: once in each issue."""
        return len(self.request.issues)

    def fate(self, found: int) -> Fate:
        """What ``found`` copies mean for a write whose answer left it open."""
        if found == 0:
            return Fate.NOT_AT_ALL
        if found == self.wanted:
            return Fate.ONCE
        return Fate.IN_PART if found < self.wanted else Fate.TWICE


def how_answered(request: RequestRecord) -> Answered:
    """What its user may conclude. An error of the server is open: the error may have come after the deed."""
    if request.acknowledged_write:
        return Answered.CONFIRMED
    client_error = request.outcome.startswith("http_4")
    return Answered.REFUSED if client_error or request.outcome in CLEAR_REFUSALS else Answered.OPEN


_SAYS_MOST = (Answered.REFUSED, Answered.OPEN, Answered.CONFIRMED)


def gather_writes(requests: Iterable[RequestRecord]) -> list[Write]:
    """Every text that was to be written, once, in the order in which it was first sent."""
    writes: dict[str, Write] = {}
    for request in requests:
        if not request.write:
            continue
        answered = how_answered(request)
        known = writes.get(request.write)
        if known is None or _SAYS_MOST.index(answered) >= _SAYS_MOST.index(known.answered):
            writes[request.write] = Write(request, answered)
    return list(writes.values())


def lost_updates(requests: Iterable[RequestRecord], summaries: Mapping[str, str]) -> list[str]:
    """The issues whose summary in the end is not what was written last, each in a sentence.

    Two edits that overlap may come in either order, and an ambiguous one at any time. So the summary has to be one of
    those after which no other edit was both sent and confirmed.
    """
    edits: dict[str, list[RequestRecord]] = {}
    for request in requests:
        if request.kind == "edit_issue" and request.write and how_answered(request) is not Answered.REFUSED:
            edits.setdefault(request.issue, []).append(request)
    told = []
    for issue, those in edits.items():
        confirmed = [edit for edit in those if edit.acknowledged_write]
        if not confirmed or issue not in summaries:
            continue  # an issue that is not there at all is a lost write, which is told as such
        last_sent_s = max(edit.sent_s for edit in confirmed)
        may_be_last = [edit for edit in those if not edit.acknowledged_write or edit.end_s >= last_sent_s]
        if not any(edit.write in summaries[issue] for edit in may_be_last):
            last = max(confirmed, key=lambda edit: edit.sent_s)
            told.append(
                f"the summary of {issue} is {summaries[issue]!r}, although request {last.id} of session "
                f"{last.session} changed it to end with {last.write} at {last.sent_s:.2f} s"
            )
    return told
