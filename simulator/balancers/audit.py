"""What load balancers logged: attempts are there that no client ever hears of.

A request that was sent to a stopped node, refused there and dispatched again to another one has a good answer, from
the other one. Only the access log tells.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from simulator.balancers.settings import Logged
from simulator.record.requests import request_id
from simulator.verdict.model import Absence
from zdu.events import BalancerAudited


@dataclass(frozen=True)
class Inquiry:
    """What is asked of a log: attempts during ``absences``, and the way of the requests that ``failed``, by number.

    The two functions turn a reading of either clock into seconds of the run.
    """

    absences: Sequence[Absence]
    failed: Sequence[int]
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
    attempts = retried = 0
    stray: list[str] = []
    for request in logged:
        retried += request.retried
        if request.request_id in wanted:
            sent_to[wanted[request.request_id]] = [node for node, _ in request.sent]
        for node, at in request.sent:
            attempts += 1
            t_s = since_s(at)
            if any(absence.node == node and absence.covers(t_s) for absence in asked.absences):
                stray.append(f"{who} sent {request.what} of {t_s:.2f} s to {node}")
    return BalancerAudited(attempts, stray, sent_to, retried if tells_retries else None, untold)
