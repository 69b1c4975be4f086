"""What load balancers logged: attempts are there that no client ever hears of.

A request that was sent to a stopped node, refused there and dispatched again to another one has a good answer, from
the other one. Only the access log tells.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.balancers.settings import Logged
from simulator.record.requests import number_of, request_id
from simulator.verdict.lag import Leaving
from simulator.verdict.model import Absence
from zdu.events import BalancerAudited

MAX_LATE = 20_000
"""So many attempts to leaving nodes are told; the latest ones, which the lag is about."""


@dataclass(frozen=True)
class Inquiry:
    """What is asked of a log.

    Attempts to nodes that were out (``absences``) or had said that they were leaving (``leavings``), and the way
    through the load balancer of the requests that ``failed``, by their numbers. ``answered_by`` is the node that each
    answer named, by the request's number.

    The two functions turn a reading of either clock into seconds of the run.
    """

    absences: Sequence[Absence]
    leavings: Sequence[Leaving]
    failed: Sequence[int]
    answered_by: Mapping[int, str]
    since_start_s: Callable[[float], float]
    since_start_of_wall_s: Callable[[float], float]


def tell(
    logged: Iterable[Logged],
    asked: Inquiry,
    since_s: Callable[[float], float],
    *,
    who: str,
    untold: str = "",
    tells_retries: bool = True,
) -> BalancerAudited:
    """Count the attempts, and name those that went to a node while it was out.

    ``since_s`` turns the log's times into seconds of the run. ``untold`` goes into the record too, so that nobody
    takes a log's silence for proof.
    """
    wanted = {request_id(number): str(number) for number in asked.failed}
    sent_to: dict[str, list[str]] = {}
    late: deque[dict[str, Any]] = deque(maxlen=MAX_LATE)
    attempts = retried = 0
    stray: list[str] = []
    misattributed: list[str] = []
    for request in logged:
        number = number_of(request.request_id)
        named = asked.answered_by.get(number, "")
        if named and request.sent and request.sent[-1][0] != named:
            misattributed.append(f"request {number} was sent to {request.sent[-1][0]}, and its answer names {named}")
        retried += request.retried
        if request.request_id in wanted:
            sent_to[wanted[request.request_id]] = [node for node, _ in request.sent]
        for node, at in request.sent:
            attempts += 1
            t_s = since_s(at)
            if any(absence.node == node and absence.covers(t_s) for absence in asked.absences):
                stray.append(f"{who} sent {request.what} of {t_s:.2f} s to {node}")
            if any(stretch.covers(node, t_s) for stretch in asked.leavings):
                late.append({"node": node, "at_s": round(t_s, 4), "request": number})
    told_retries = retried if tells_retries else None
    return BalancerAudited(attempts, stray, sent_to, list(late), told_retries, untold, misattributed)
