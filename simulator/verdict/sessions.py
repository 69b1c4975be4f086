"""What became of each session: which moved, from where to where, and what was lost on the way."""

from dataclasses import dataclass

from simulator.load.judge import LOGIN_PAGE, STALE_FORM, WORK_LOST
from simulator.record.requests import RequestRecord


@dataclass(frozen=True)
class Move:
    """A session was served by another node than before, first by request ``request_id`` at ``t_s``."""

    session: str
    t_s: float
    from_node: str
    from_version: str
    to_node: str
    to_version: str
    request_id: int
    silent_sign_in: bool


@dataclass(frozen=True)
class SessionReport:
    """All sessions of the virtual users."""

    total: int
    moves: tuple[Move, ...]
    silent_relogins: int
    lost: tuple[str, ...]

    @property
    def moved(self) -> int:
        """How many sessions moved at least once."""
        return len({move.session for move in self.moves})

    def moved_away_from(self, node: str) -> int:
        """How many sessions left ``node`` at least once."""
        return len({move.session for move in self.moves if move.from_node == node})


def follow_sessions(requests: list[RequestRecord]) -> SessionReport:
    """Follow every session through its signed-in requests, in the order in which they were sent."""
    at: dict[str, RequestRecord] = {}
    moves: list[Move] = []
    lost: list[str] = []
    silent = 0
    for request in sorted(requests, key=lambda r: r.sent_s):
        silent += request.signed_in
        if request.outcome == LOGIN_PAGE and request.session not in lost:
            lost.append(request.session)
        if request.kind == "open_login" or not request.node or request.failed:
            continue
        before = at.get(request.session)
        if before and before.node != request.node:
            moves.append(_move(before, request))
        at[request.session] = request
    return SessionReport(len(at), tuple(moves), silent, tuple(lost))


_LOST_BECAUSE = {
    "in-memory": "sessions were in the memory of one node each, and nobody had asked to be remembered",
    "remember-me": "remember-me should have signed them in again, and did not",
    "shared": "all nodes should have known their sessions, and did not",
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


def _move(before: RequestRecord, now: RequestRecord) -> Move:
    return Move(
        session=now.session,
        t_s=now.sent_s,
        from_node=before.node,
        from_version=before.version,
        to_node=now.node,
        to_version=now.version,
        request_id=now.id,
        silent_sign_in=now.signed_in,
    )
