"""Which failed request may be dispatched again. The rule that never bends: no request is executed twice by our doing.

Theory of operation. What counts is what the node can have seen::

    failure           the node has seen      method       then
    REFUSED           nothing                any          another node, up to ``retries`` times
    CONNECT_TIMEOUT   nothing                any          another node, up to ``retries`` times
    CLOSED_REUSED     perhaps the request    idempotent   once more, to the same node, on a fresh connection
    CLOSED_REUSED     perhaps the request    others       502
    CLOSED_FRESH      perhaps the request    any          502
    BAD_RESPONSE      the request            any          502
    NO_RESPONSE       the request            any          504

A reused connection that closes without a byte is the keep-alive race: the node closed it while our request was on its
way. RFC 9110 9.2.2 forbids a proxy to repeat a non-idempotent request then. No node is tried twice for one request
but in that one case. When no untried node is left, the pool says so and the answer is 503.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum

IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"})
"""RFC 9110 9.2.2."""


class Failure(StrEnum):
    """How an attempt to get a response from a node failed."""

    REFUSED = "refused"
    CONNECT_TIMEOUT = "connect-timeout"
    CLOSED_REUSED = "closed-reused"
    CLOSED_FRESH = "closed-fresh"
    BAD_RESPONSE = "bad-response"
    NO_RESPONSE = "no-response"
    UNAVAILABLE = "unavailable"


class Again(Enum):
    """How a request is dispatched again."""

    ANOTHER_NODE = "another node"
    FRESH_CONNECTION = "fresh connection"


@dataclass(frozen=True)
class GiveUp:
    """The request is answered by the load balancer: ``error`` is a proxy error type of RFC 9209."""

    status: int
    error: str


_NOTHING_SENT = frozenset({Failure.REFUSED, Failure.CONNECT_TIMEOUT})

GIVE_UP: dict[Failure, GiveUp] = {
    Failure.REFUSED: GiveUp(502, "connection_refused"),
    Failure.CONNECT_TIMEOUT: GiveUp(504, "connection_timeout"),
    Failure.CLOSED_REUSED: GiveUp(502, "connection_terminated"),
    Failure.CLOSED_FRESH: GiveUp(502, "connection_terminated"),
    Failure.BAD_RESPONSE: GiveUp(502, "http_protocol_error"),
    Failure.NO_RESPONSE: GiveUp(504, "http_response_timeout"),
    Failure.UNAVAILABLE: GiveUp(503, "x"),
}


def after_failure(
    failure: Failure,
    method: str,
    *,
    redispatches: int,
    retries: int,
    repeated: bool,
    replayable: bool,
) -> Again | GiveUp:
    """What to do about ``failure``.

    ``redispatches`` counts how often the request already went to another node, ``repeated`` says that it was already
    sent a second time on a fresh connection, ``replayable`` that its body can be sent from the start once more.
    """
    if failure in _NOTHING_SENT and redispatches < retries and replayable:
        return Again.ANOTHER_NODE
    if failure is Failure.CLOSED_REUSED and method in IDEMPOTENT and not repeated and replayable:
        return Again.FRESH_CONNECTION
    return GIVE_UP[failure]
