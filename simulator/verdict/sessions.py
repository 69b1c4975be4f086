"""What became of each session: which moved, from where to where, and what was lost on the way."""

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum

from simulator.load.judge import LOGIN_PAGE, STALE_FORM, WORK_LOST
from simulator.record.requests import RequestRecord


class Loss(StrEnum):
    """What a move cost its user, from nothing to the worst."""

    NOTHING = "nothing"
    SILENT_SIGN_IN = "silent sign-in"
    LOG_IN_PAGE = "log-in page"
    UNSAVED_WORK = "unsaved work"


_MET_THERE = {LOGIN_PAGE: Loss.LOG_IN_PAGE, WORK_LOST: Loss.UNSAVED_WORK, STALE_FORM: Loss.UNSAVED_WORK}
"""Answers of a node that does not know what the node before knew: failures, but the session is there now."""


@dataclass(frozen=True)
class Move:
    """A session was served by another node than before, first by request ``request_id``.

    It was at ``from_node`` from ``since_s`` until ``last_s``, the end of the last answer from there.
    """

    session: str
    user: str
    t_s: float
    end_s: float
    since_s: float
    last_s: float
    from_node: str
    from_version: str
    to_node: str
    to_version: str
    request_id: int
    attempts: int
    lost: Loss


@dataclass(frozen=True)
class SessionReport:
    """All sessions of the virtual users."""

    total: int
    moves: tuple[Move, ...]
    silent_relogins: int
    lost: tuple[str, ...]
    unsaved_work: int = 0
    """How many forms and half-done bulk edits were lost with a session, whether or not it had moved."""

    @property
    def moved(self) -> int:
        """How many sessions moved at least once."""
        return len({move.session for move in self.moves})

    @property
    def losses(self) -> dict[Loss, int]:
        """How many moves cost what."""
        counts = Counter(move.lost for move in self.moves)
        return {loss: counts[loss] for loss in Loss}

    def moved_away_from(self, node: str) -> int:
        """How many sessions left ``node`` at least once."""
        return len({move.session for move in self.moves if move.from_node == node})


def follow_sessions(requests: list[RequestRecord]) -> SessionReport:
    """Follow every session through its signed-in requests, in the order in which they were sent."""
    ordered = sorted(requests, key=lambda r: r.sent_s)
    at: dict[str, RequestRecord] = {}
    since: dict[str, float] = {}
    moves: list[Move] = []
    latest: dict[str, int] = {}
    lost: dict[str, None] = {}
    for request in ordered:
        loss = _MET_THERE.get(request.outcome)
        if loss is Loss.LOG_IN_PAGE:
            lost[request.session] = None
        if request.kind != "open_login" and request.node and (loss or not request.failed):
            before = at.get(request.session)
            if before and before.node != request.node:
                latest[request.user] = len(moves)
                moves.append(_move(before, request, since[request.session], loss))
            if not before or before.node != request.node:
                since[request.session] = request.sent_s
            at[request.session] = request
        if loss is Loss.UNSAVED_WORK and request.user in latest:
            # The form was typed on the node before, and is refused some requests after the move.
            moves[latest[request.user]] = replace(moves[latest[request.user]], lost=loss)
    return SessionReport(
        total=len(at),
        moves=tuple(moves),
        silent_relogins=sum(request.signed_in for request in requests),
        lost=tuple(lost),
        unsaved_work=sum(_MET_THERE.get(request.outcome) is Loss.UNSAVED_WORK for request in requests),
    )


def _move(before: RequestRecord, now: RequestRecord, since_s: float, loss: Loss | None) -> Move:
    return Move(
        session=now.session,
        user=now.user,
        t_s=now.sent_s,
        end_s=now.end_s,
        since_s=since_s,
        last_s=before.end_s,
        from_node=before.node,
        from_version=before.version,
        to_node=now.node,
        to_version=now.version,
        request_id=now.id,
        attempts=now.attempts,
        lost=loss or (Loss.SILENT_SIGN_IN if now.signed_in else Loss.NOTHING),
    )


_LOST_BECAUSE = {
    "in-memory": "sessions were in the memory of one node each, and nobody had asked to be remembered",
    "remember-me": "remember-me should have signed them in again, and did not",
    "shared": "all nodes should have known their sessions, and did not",
    "unknown": "another node did not know their sessions",
}


def tell_sessions(report: SessionReport, kind: str, requests: list[RequestRecord]) -> str:
    """What moving to another node meant to people, in plain sentences; empty if nobody was moved."""
    told = []
    if report.lost:
        told.append(f"Who was moved had to log in again: {_LOST_BECAUSE[kind]}.")
    elif report.moved and kind == "shared":
        told.append("All nodes share the sessions: who was moved was not even signed in again.")
    elif report.moved and kind == "remember-me":
        told.append(f"Remember-me signed in those who were moved, {report.silent_relogins} times, unseen.")
    refused = sum(request.outcome == STALE_FORM for request in requests)
    if refused:
        told.append(f"{refused} forms, sent once more after logging in, were refused: their XSRF token was stale.")
    lost_work = sum(request.outcome == WORK_LOST for request in requests)
    if lost_work:
        told.append(f"{lost_work} half-done bulk edits were lost with the sessions that they lived in.")
    return " ".join(told)
