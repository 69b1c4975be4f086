"""Which failed request may be dispatched again. The rule that never bends: no request is executed twice by our doing.

Theory of operation. What counts is what the node can have seen::

    failure           the node has seen       method       then                                     if that may not be
    REFUSED           nothing                 any          another node                             502
    CONNECT_TIMEOUT   nothing                 any          another node                             504
    NOT_SENT          nothing                 any          another node                             502
    CLOSED_REUSED     perhaps the request     idempotent   same node, fresh connection, once        502
    CLOSED_REUSED     perhaps the request     others       502
    CLOSED_FRESH      perhaps the request     idempotent   another node, once                       502
    CLOSED_FRESH      perhaps the request     others       502
    UNAVAILABLE       it, and refused it      idempotent   another node                             its own 503
    UNAVAILABLE       it, and refused it      others       its own 503
    BAD_RESPONSE      the request             any          502
    NO_RESPONSE       the request             any          504

What stands under *then* happens only if all of this is true: nothing of a response went to the client, the body can
be sent from the start once more, the request was sent again fewer than ``retries`` times, and its deadline is not
over. Where the node may have seen the request the retry budget has to allow it too, so that a cluster in trouble does
not get more work from us than it would have without (:class:`RetryBudget`). No node is tried twice for one request,
but for the one case of the fresh connection: the caller tells the pool which nodes were tried, and if none is left
the pool says so and the answer is 503.

A reused connection that closes without a byte is the keep-alive race: the node closed it while our request was on its
way. RFC 9110 9.2.2 forbids a proxy to repeat a non-idempotent request then. With ``retry.idempotency_key`` a request
that has an ``Idempotency-Key`` field counts as idempotent here: nodes that honour that field execute it once
(draft-ietf-httpapi-idempotency-key-header). UNAVAILABLE is the answer 503 of a node that takes no new sessions: it is
stopping or not up yet and says that it did not do what it was asked. The same answer of any other node is an answer.
"""

import math
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

from lb.config import RetryConfig

IDEMPOTENT: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"})
"""RFC 9110 9.2.2."""


class Failure(StrEnum):
    """How an attempt to get a response from a node failed."""

    REFUSED = "refused"
    CONNECT_TIMEOUT = "connect-timeout"
    NOT_SENT = "not-sent"
    """The connection died before a byte of the request was written to it."""
    CLOSED_REUSED = "closed-reused"
    CLOSED_FRESH = "closed-fresh"
    BAD_RESPONSE = "bad-response"
    NO_RESPONSE = "no-response"
    UNAVAILABLE = "unavailable"
    """503 of a node that takes no new sessions."""


class Again(Enum):
    """How a request is dispatched again."""

    ANOTHER_NODE = "another node"
    FRESH_CONNECTION = "fresh connection"


@dataclass(frozen=True)
class GiveUp:
    """The request is answered by the load balancer: ``error`` is a proxy error type of RFC 9209.

    After UNAVAILABLE there is an answer already, the node's own, and that is what the client gets.
    """

    status: int
    error: str


NEVER_SEEN: Final = frozenset({Failure.REFUSED, Failure.CONNECT_TIMEOUT, Failure.NOT_SENT})
"""The failures after which it is certain that no node has seen the request."""

GIVE_UP: Final[dict[Failure, GiveUp]] = {
    Failure.REFUSED: GiveUp(502, "connection_refused"),
    Failure.CONNECT_TIMEOUT: GiveUp(504, "connection_timeout"),
    Failure.NOT_SENT: GiveUp(502, "connection_terminated"),
    Failure.CLOSED_REUSED: GiveUp(502, "connection_terminated"),
    Failure.CLOSED_FRESH: GiveUp(502, "connection_terminated"),
    Failure.BAD_RESPONSE: GiveUp(502, "http_protocol_error"),
    Failure.NO_RESPONSE: GiveUp(504, "http_response_timeout"),
    Failure.UNAVAILABLE: GiveUp(503, "destination_unavailable"),
}

_THEN: Final[dict[Failure, Again]] = {
    Failure.REFUSED: Again.ANOTHER_NODE,
    Failure.CONNECT_TIMEOUT: Again.ANOTHER_NODE,
    Failure.NOT_SENT: Again.ANOTHER_NODE,
    Failure.CLOSED_REUSED: Again.FRESH_CONNECTION,
    Failure.CLOSED_FRESH: Again.ANOTHER_NODE,
    Failure.UNAVAILABLE: Again.ANOTHER_NODE,
}

_ONCE: Final = frozenset({Failure.CLOSED_REUSED, Failure.CLOSED_FRESH})


def after_failure(
    failure: Failure,
    method: bytes,
    earlier: Collection[str],
    *,
    retries: int,
    keyed: bool,
    responding: bool,
    replayable: bool,
    remaining_s: float,
    may_retry: Callable[[], bool],
) -> Again | GiveUp:
    """What to do about ``failure``.

    ``earlier`` are the failures of the request's attempts before this one. ``keyed`` says that it counts as
    idempotent by its ``Idempotency-Key``, ``responding`` that a part of a response went to the client already,
    ``replayable`` that its body can be sent from the start once more; ``remaining_s`` is what is left of its time.
    ``may_retry`` asks the retry budget and spends one, so it is called last, and only if nothing else is against it.
    """
    give_up = GIVE_UP[failure]
    then = _THEN.get(failure)
    if then is None or responding or not replayable or remaining_s <= 0 or len(earlier) >= retries:
        return give_up
    if failure in NEVER_SEEN:
        return then
    if method not in IDEMPOTENT and not keyed:
        return give_up
    if failure in _ONCE and failure in earlier:
        return give_up
    return then if may_retry() else give_up


class RetryBudget:
    """How many requests that a node may have seen are sent again: a share of all, never without limit.

    In any 10 s it allows ``retry.budget`` of the requests of that time, or ``retry.budget_min`` a second if that is
    more: with few requests a share alone would not save those few that a stopping node drops all at once. Time is
    counted in whole seconds, so that a request costs one addition: a retry counts for 10 to 11 s.
    """

    def __init__(self, config: RetryConfig) -> None:
        self.config = config
        self._requests: deque[int] = deque([0], _WINDOW_S + 1)
        self._retries: deque[int] = deque([0], _WINDOW_S + 1)
        self._next_s = -math.inf
        self._fresh = 0

    def __repr__(self) -> str:
        return f"<RetryBudget {sum(self._retries)} of {sum(self._requests) + self._fresh} requests>"

    def counted(self, now: float) -> None:
        """There was a request at ``now`` (monotonic seconds)."""
        if now >= self._next_s:
            self._turn(now)
        self._fresh += 1

    def may_retry(self, now: float) -> bool:
        """Whether one more retry is in the budget; if it is, it is spent."""
        if now >= self._next_s:
            self._turn(now)
        share = self.config.budget * (sum(self._requests) + self._fresh)
        if sum(self._retries) + 1 > max(share, self.config.budget_min * _WINDOW_S):
            return False
        self._retries[-1] += 1
        return True

    def _turn(self, now: float) -> None:
        """Begin a new second, with as many empty ones before it as nothing happened in."""
        second = math.floor(now)
        empty = 0 if self._next_s == -math.inf else min(second - math.floor(self._next_s), _WINDOW_S)
        self._requests[-1] += self._fresh
        self._fresh = 0
        for _ in range(empty + 1):
            self._requests.append(0)
            self._retries.append(0)
        self._next_s = float(second + 1)


_WINDOW_S: Final = 10
