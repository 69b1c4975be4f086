"""What is known of one request when it is over: the data path fills it, everything that is told is made of it.

The words are HAProxy's (its manual, sections 8.4 and 8.5). These are made for every request, so they are plain
objects with slots and no checks, and their constructors take what is known at the beginning.
"""


class AttemptRecord:
    """One attempt at one node, begun at ``began_s`` on the monotonic clock."""

    __slots__ = ("began_s", "connect_ms", "failure", "node", "response_ms", "reused_connection", "status")

    def __init__(self, node: str, began_s: float = 0.0) -> None:
        self.node = node
        self.began_s = began_s
        self.reused_connection = False
        self.failure = ""
        """A :class:`lb.retry.Failure`, or empty if a response's head came."""
        self.status = 0
        self.connect_ms = 0.0
        """Until the connection stood; 0 for one that was kept alive."""
        self.response_ms = 0.0
        """From then until the response's head was complete."""

    def __repr__(self) -> str:
        return f"<AttemptRecord {self.node} {self.failure or self.status}>"


class RequestRecord:
    """What became of one request, a tunnel included.

    ``client`` is an address without the port; ``received_s`` is when the request's head was complete, on the
    monotonic clock; ``attempts`` are those at nodes, in their order.

    ``client``, ``method``, ``target``, ``request_id`` and ``route`` may hold any characters at all: strangers choose
    them (bytes as latin-1 or with surrogates, as the data path pleases). All other text is words of our own, which
    need no escaping: letters, digits and ``. _ -``.
    """

    __slots__ = (
        "attempts",
        "client",
        "cookie",
        "ended",
        "method",
        "moved_from",
        "node",
        "own",
        "received_bytes",
        "received_s",
        "request_id",
        "route",
        "sent_bytes",
        "status",
        "ta_ms",
        "target",
        "tq_ms",
        "tw_ms",
        "version",
    )

    def __init__(
        self, request_id: str, client: str, method: str, target: str, received_s: float, version: str = "1.1"
    ) -> None:
        self.request_id = request_id
        self.client = client
        self.method = method
        self.target = target
        self.received_s = received_s
        self.version = version
        self.status = 0
        """What the client got; 0 if it got nothing."""
        self.node = ""
        """The last node it was sent to; empty if to none. Whether the answer is that node's, ``own`` tells."""
        self.route = ""
        """Why that node."""
        self.cookie = "--"
        """What the cookie said and what was done about it: a CookieState and a CookieAction."""
        self.ended = "--"
        """Who ended it and in which phase; ``--`` for a response that was complete."""
        self.own = ""
        """The reason code if the load balancer made the answer, as in ``X-LB-Error``; else empty."""
        self.moved_from = ""
        """The node that lost the session with this request; else empty."""
        self.attempts: list[AttemptRecord] = []
        self.received_bytes = 0
        """The request's body."""
        self.sent_bytes = 0
        """The response's body, as it went to the client."""
        self.tq_ms = 0.0
        """From the first byte of the request's head to its last."""
        self.tw_ms = 0.0
        """In the queue."""
        self.ta_ms = 0.0
        """From the complete head of the request to the last byte of the response."""

    def __repr__(self) -> str:
        return f"<RequestRecord {self.method} {self.target} {self.status} {self.node}>"

    @property
    def termination(self) -> str:
        """HAProxy's four characters."""
        return self.ended + self.cookie
