"""What is known of one request when it is over: the data path fills it, everything that is told is made of it.

The words are HAProxy's (its manual, sections 8.4 and 8.5). These are made for every request, so they are plain
objects with slots and no checks.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class AttemptRecord:
    """One attempt at one node. ``failure`` is a :class:`lb.retry.Failure`, or empty if a response's head came."""

    node: str
    reused_connection: bool = False
    failure: str = ""
    status: int = 0
    began_s: float = 0.0
    """When it began, on the monotonic clock."""
    connect_ms: float = 0.0
    """Until the connection stood; 0 for one that was kept alive."""
    response_ms: float = 0.0
    """From then until the response's head was complete."""


@dataclass(slots=True)
class RequestRecord:
    """What became of one request, a tunnel included.

    ``client``, ``method``, ``target``, ``request_id`` and ``route`` may hold any characters at all: strangers choose
    them (bytes as latin-1 or with surrogates, as the data path pleases). All other text is words of our own, which
    need no escaping: letters, digits and ``. _ -``.
    """

    request_id: str = ""
    client: str = ""
    """Its address, without the port."""
    method: str = ""
    target: str = ""
    received_s: float = 0.0
    """When its head was complete, on the monotonic clock."""
    version: str = "1.1"
    status: int = 0
    """What the client got; 0 if it got nothing."""
    node: str = ""
    """The last node it was sent to; empty if to none. Whether the answer is that node's, ``own`` tells."""
    route: str = ""
    """Why that node."""
    cookie: str = "--"
    """What the cookie said and what was done about it: a CookieState and a CookieAction."""
    ended: str = "--"
    """Who ended it and in which phase; ``--`` for a response that was complete."""
    own: str = ""
    """The reason code if the load balancer made the answer, as in ``X-LB-Error``; else empty."""
    moved_from: str = ""
    """The node that lost the session with this request; else empty."""
    attempts: list[AttemptRecord] = field(default_factory=list)
    received_bytes: int = 0
    """The request's body."""
    sent_bytes: int = 0
    """The response's body, as it went to the client."""
    tq_ms: float = 0.0
    """From the first byte of the request's head to its last."""
    tw_ms: float = 0.0
    """In the queue."""
    ta_ms: float = 0.0
    """From the complete head of the request to the last byte of the response."""

    @property
    def termination(self) -> str:
        """HAProxy's four characters."""
        return self.ended + self.cookie
