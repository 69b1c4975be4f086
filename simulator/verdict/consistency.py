"""What each session has a right to, request by request: its own pages, its own writes, and one node at a time.

Each function answers one question like those in :mod:`simulator.verdict.promises`; every violation is told in one
sentence with the number of the request, so that it can be looked up in ``requests.csv`` and in the logs.
"""

from collections.abc import Iterator

from simulator.load.judge import OWN_WRITE_MISSING, WRONG_USER
from simulator.verdict.explain import explain
from simulator.verdict.model import Check, CheckKind, Evidence, examples
from simulator.verdict.reasons import reason_for
from simulator.verdict.sessions import Move, follow_sessions
from zdu.events import BalancerAudited, WritesAudited


def _check(name: str, otherwise: str, ok: bool, detail: str) -> Check:
    return Check(name, otherwise, CheckKind.PROMISE, ok, detail)


def nobody_sees_another_user(evidence: Evidence) -> Iterator[Check]:
    """No page was another user's."""
    wrong = [explain(request, evidence) for request in evidence.requests if request.outcome == WRONG_USER]
    looked = sum(not request.failed for request in evidence.requests)
    yield _check(
        "nobody saw another user's page",
        "users saw other users' pages",
        not wrong,
        examples(wrong) or f"{looked:,} answers looked at, each its own user's",
    )


def own_writes_are_read(evidence: Evidence) -> Iterator[Check]:
    """A page shows what its user wrote there before, whichever node answers; only if there was anything to find."""
    looked = [request for request in evidence.user_requests if request.own_writes]
    if not looked:
        return
    wrong = [explain(request, evidence) for request in looked if request.outcome == OWN_WRITE_MISSING]
    count = sum(request.own_writes for request in looked)
    yield _check(
        "users read their own writes",
        "users did not find what they had written",
        not wrong,
        examples(wrong) or f"{len(looked):,} pages showed all of {count:,} own writes that had to be there",
    )


def sessions_move_for_a_reason(evidence: Evidence) -> Iterator[Check]:
    """A session leaves its node only when the node leaves, or comes to one that has come back."""
    moves = follow_sessions(evidence.user_requests).moves
    wrong = [_tell_move(move) for move in moves if not reason_of(move, evidence)]
    yield _check(
        "sessions moved only for a reason",
        "sessions moved without a reason",
        not wrong,
        examples(wrong)
        or f"{len(moves)} moves, "
        + (
            "each from a node that was leaving, or to one that had come back"
            if evidence.sticky
            else "and sessions are not tied to nodes here"
        ),
    )


def versions_come_in_order(evidence: Evidence) -> Iterator[Check]:
    """Nodes answer with the version that they run, and a session meets an older one only when its node leaves."""
    wrong = [
        f"request {r.id} of session {r.session} was answered by {r.node} with {r.version} at {r.sent_s:.2f} s, "
        f"while that ran {' or '.join(sorted(evidence.diaries[r.node].ran(r.sent_s, r.end_s))) or 'nothing'}"
        for r in evidence.requests
        if r.version and r.node in evidence.diaries
        if r.version not in evidence.diaries[r.node].ran(r.sent_s, r.end_s)
    ]
    backward = [move for move in follow_sessions(evidence.user_requests).moves if _goes_back(move, evidence)]
    wrong += [
        f"{_tell_move(move)}: from {move.from_version} back to {move.to_version}"
        for move in backward
        if not reason_of(move, evidence)
    ]
    yield _check(
        "versions went back and forth no more than the roll explains",
        "versions went back and forth without a reason",
        not wrong,
        examples(wrong) or f"{len(backward)} moves led to an older version, each from a node that was leaving",
    )


def answers_come_from_where_they_say(evidence: Evidence) -> Iterator[Check]:
    """Two witnesses agree on who answered: the node's own header, and the load balancer's log."""
    for _, audit in evidence.events(BalancerAudited):
        yield _check(
            "each answer came from the node that it names",
            "answers name other nodes than they came from",
            not audit.misattributed,
            examples(audit.misattributed) or "the load balancer's log and the nodes say the same",
        )


def open_writes_are_resolved(evidence: Evidence) -> Iterator[Check]:
    """A write whose answer was lost was carried out once or not at all; one that was refused was not carried out."""
    for _, audit in evidence.events(WritesAudited):
        wrong = [
            f"request {write['request']} of session {write['session']} ({write['kind']} of "
            f"{write['issue'] or 'a new issue'}) got {write['outcome']}, and its write was {write['fate']}"
            for write in audit.ambiguous
            if not write["right"]
        ]
        wrong += [f"{told} was refused, and carried out all the same" for told in audit.refused_but_done]
        fates = [str(write["fate"]) for write in audit.ambiguous]
        told = ", ".join(f"{fates.count(fate)} {fate}" for fate in dict.fromkeys(fates))
        yield _check(
            "no write without an answer was carried out twice or in part",
            "writes without an answer were carried out wrongly",
            not wrong,
            examples(wrong) or (f"{len(fates)} writes got no clear answer: {told}" if fates else "all were answered"),
        )


def last_writes_stay(evidence: Evidence) -> Iterator[Check]:
    """What was changed last is what is there in the end: no older copy was written over it."""
    for _, audit in evidence.events(WritesAudited):
        yield _check(
            "no change was overwritten by an older one",
            "changes were overwritten by older ones",
            not audit.overwritten,
            examples(audit.overwritten) or "every issue is as it was changed last",
        )


def reason_of(move: Move, evidence: Evidence) -> str:
    """Why a session moved; empty if nothing explains it. Where sessions are not tied to nodes, each request may."""
    return reason_for(move, evidence.diaries) if evidence.sticky else "sessions are not tied to nodes here"


def went_back_count(evidence: Evidence) -> int:
    """How many moves led a session to an older version than the one it had."""
    return sum(_goes_back(move, evidence) for move in follow_sessions(evidence.user_requests).moves)


def _goes_back(move: Move, evidence: Evidence) -> bool:
    """Whether the move is from the version that the nodes come to, to the one that they come from."""
    order = evidence.version_order
    known = move.from_version in order and move.to_version in order
    return known and order.index(move.to_version) < order.index(move.from_version)


def _tell_move(move: Move) -> str:
    return (
        f"request {move.request_id} of session {move.session} went to {move.to_node} at {move.t_s:.2f} s, although "
        f"{move.from_node}, which had answered it before, was serving"
    )
