"""Where one request goes: routed, held, tried at a node and perhaps at another, or answered in our own words.

Theory of operation. The decisions are the balancer's and :mod:`lb.retry`'s. A request is always in one of these::

    held        no node can take it now; the balancer calls when one can, or when it waited too long
    connecting  a node was chosen and there was no idle connection to it
    asked       it is on its way to a node on a connection of its own; :mod:`lb.proxy.exchange` says what follows
    done        whatever became of it was told, once, by :meth:`Dispatch._done_with`

It has its place at a node, counted by the balancer, from ``begin`` until ``end``: a repetition at the same node keeps
it. Whatever is called in between may lead to anything at all that happens to *other* requests, before it returns: an
end makes room, and who waited for that is served at once.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final

from lb.http.request import RequestHead
from lb.http.response import ResponseHead
from lb.pool import NoNode, Route
from lb.proxy.context import Proxy
from lb.proxy.forward import request_id_of
from lb.proxy.node_connection import NodeConnection
from lb.proxy.node_connections import NodeConnections
from lb.proxy.own_answer import own_answer
from lb.proxy.roles import Client
from lb.proxy.upload import Upload
from lb.retry import IDEMPOTENT, Again, Failure, GiveUp, after_failure
from lb.streams import Stream
from lb.telemetry.record import AttemptRecord, RequestRecord


class Dispatch(ABC):
    """One request's way to a node; see the module."""

    __slots__ = (
        "_attempt",
        "_awaits_go_on",
        "_chunked",
        "_client",
        "_close",
        "_connection",
        "_done",
        "_download_blocked",
        "_fresh",
        "_head",
        "_held_at_s",
        "_leave_queue",
        "_nodes",
        "_proxy",
        "_reading",
        "_request",
        "_response",
        "_route",
        "_sent_at_s",
        "_stream",
        "_tried",
        "_upload",
        "_upload_complete",
        "_upload_paused",
        "record",
    )

    def __init__(self, proxy: Proxy, client: Client, request: RequestHead, record: RequestRecord) -> None:
        self._proxy = proxy
        self._client = client
        self._request = request
        self.record = record
        self._reading = proxy.balancer.read(request.cookies)
        self._upload = Upload(request.length, proxy.limits.replay_bytes) if request.length else None
        self._upload_complete = not request.length
        self._awaits_go_on = request.expects_continue
        self._route: Route | None = None
        self._nodes: NodeConnections | None = None
        self._connection: NodeConnection | None = None
        self._attempt: AttemptRecord | None = None
        self._response: ResponseHead | None = None
        self._chunked = False
        self._close = True
        self._head = b""
        self._upload_paused = False
        self._tried: Sequence[str] = ()
        self._fresh = False
        self._done = False
        self._leave_queue: Callable[[], None] | None = None
        self._held_at_s = 0.0
        self._sent_at_s = 0.0
        self._stream: Stream | None = None
        self._download_blocked = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._request!r} {self.record.node} {self.record.status}>"

    # Where it goes.

    def start(self) -> None:
        """Route the request and send it, or hold it, or refuse it."""
        proxy = self._proxy
        given = request_id_of(self._request, self._client.peer)
        self.record.request_id = given.decode("ascii") if given else proxy.new_id()
        self._follow(proxy.balancer.route(self._reading, self._client.peer.address))

    def _follow(self, decision: Route | NoNode) -> None:
        if isinstance(decision, Route):
            self._go(decision)
        elif decision.may_hold and self._left_s() > 0:
            balancer = self._proxy.balancer
            self._held_at_s = self._proxy.now()
            held = balancer.hold(self._reading, self._client.peer.address, self._tried, self._resumed)
            if isinstance(held, NoNode):
                self._no_node(held)
            else:
                self._leave_queue = held.leave
        else:
            self._no_node(decision)

    def _resumed(self, decision: Route | NoNode) -> None:
        """A node can take it now, or it waited for too long."""
        self._leave_queue = None
        self.record.tw_ms += (self._proxy.now() - self._held_at_s) * 1000
        if isinstance(decision, Route):
            self._go(decision)
        else:
            self._no_node(decision, waited=True)

    def _go(self, route: Route) -> None:
        self._route = route
        record = self.record
        self._proxy.balancer.begin(route)
        record.node, record.route = route.node, route.reason
        record.cookie = route.cookie_state + route.cookie_action
        if route.moved_from:
            record.moved_from = route.moved_from
        self._ask(route)

    def _ask(self, route: Route) -> None:
        """Try the node of ``route``, where the request has its place already."""
        proxy, record = self._proxy, self.record
        self._sent_at_s = now_s = proxy.now()
        self._attempt = attempt = AttemptRecord(route.node, now_s)
        record.attempts.append(attempt)
        self._nodes = nodes = proxy.connections[route.node]
        connection = None if self._fresh else nodes.take(now_s, risky=self._request.method not in IDEMPOTENT)
        if connection is None:
            nodes.connect(self)
        else:
            self.connected(connection, reused=True)

    @abstractmethod
    def connected(self, connection: NodeConnection, *, reused: bool) -> None:
        """Here is a connection to the node: send what there is of the request."""

    def unreachable(self, failure: Failure, detail: str) -> None:
        """There is no connection to be had."""
        if not self._done:
            self._attempt_failed(failure, detail)

    # When it fails.

    def _attempt_failed(self, failure: Failure, detail: str, decision: Again | None = None) -> None:
        proxy, route, attempt = self._proxy, self._route, self._attempt
        assert route is not None  # noqa: S101 - there was an attempt
        assert attempt is not None  # noqa: S101 - a route is there for an attempt
        self._connection = None
        attempt.failure = failure
        attempt.response_ms = (proxy.now() - self._sent_at_s) * 1000
        again = decision or self._decide(failure)
        if again is Again.FRESH_CONNECTION and proxy.connections.get(route.node) is not self._nodes:
            again = Again.ANOTHER_NODE  # the configuration was read again, and the node is gone or elsewhere
        if again is Again.FRESH_CONNECTION:  # its place at the node is its own until it is over: others wait for one
            proxy.balancer.failed(route.node, failure)
            self._fresh = True
            if self._nodes is not None:
                self._nodes.purge()
            self._ask(route)
            return
        self._route = None
        proxy.balancer.end(route)
        proxy.balancer.failed(route.node, failure)
        if again is Again.ANOTHER_NODE:
            self._tried = (*self._tried, route.node)
            self._follow(proxy.balancer.route(self._reading, self._client.peer.address, self._tried))
        else:
            self._fail(again.status, f"{route.node}: {detail}", again.error, failure.value, ended=_ENDED[failure])

    def _decide(self, failure: Failure) -> Again | GiveUp:
        balancer = self._proxy.balancer
        retry = balancer.config.retry
        return after_failure(
            failure,
            self._request.method,
            [attempt.failure for attempt in self.record.attempts[:-1]],
            retries=retry.retries,
            keyed=retry.idempotency_key and self._request.idempotency_key,
            responding=self._response is not None,
            replayable=self._upload is None or self._upload.replayable,
            remaining_s=self._left_s(),
            may_retry=balancer.may_retry,
        )

    def _left_s(self) -> float:
        return self.record.received_s + self._proxy.balancer.config.retry.deadline - self._proxy.now()

    def _no_node(self, decision: NoNode, *, waited: bool = False) -> None:
        self.record.cookie = decision.cookie_state + "N"
        self._fail(
            503,
            decision.reason,
            "destination_unavailable",
            decision.code,
            ended="sQ" if waited else "SC",
            retry_after_s=decision.retry_after_s,
        )

    def _fail(
        self,
        status: int,
        text: str,
        error: str,
        reason: str,
        *,
        ended: str,
        keep_alive: bool = True,
        retry_after_s: int | None = None,
    ) -> None:
        """Answer in our own words."""
        record, request = self.record, self._request
        record.request_id = record.request_id or self._proxy.new_id()  # it may have failed before it was routed
        record.status, record.own = status, reason
        keep_alive = keep_alive and request.keep_alive and self._upload_complete and not self._proxy.closing
        attempts = len(record.attempts)
        self._client.write(
            own_answer(
                status,
                text,
                error=error,
                reason=reason,
                close=not keep_alive,
                http11=request.http11,
                head=request.method == b"HEAD",
                retry_after_s=retry_after_s,
                extras=(b"X-LB-Attempts: %d" % attempts,) if attempts > 1 else (),
            )
        )
        now_s = self._proxy.now()
        self._done_with(ended, now_s)
        self._client.exchange_over(now_s, keep_alive=keep_alive, upload_complete=self._upload_complete)

    def _abandon(self) -> None:
        """Wait no more: neither for a node nor for its response."""
        if self._leave_queue is not None:
            self._leave_queue()
            self._leave_queue = None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    def _done_with(self, ended: str, now_s: float) -> None:
        """It is over: told to the balancer and to those who count, once."""
        self._done = True
        proxy, record = self._proxy, self.record
        record.ended = ended
        record.ta_ms = (now_s - record.received_s) * 1000
        if self._stream is not None:
            proxy.balancer.stream_closed(self._stream)
            self._stream = None
        route, self._route = self._route, None
        if route is not None:
            header, response = proxy.move_header, self._response
            safe = bool(header and response and header in response.block.lower())
            # Whose stream we ended comes again at once: back to the node that it was sent away from, it would be
            # sent away again and again until the drain is over.
            safe = safe or ended == SENT_AWAY
            proxy.balancer.end(route, safe_to_move=safe)
        proxy.observe(record)


SENT_AWAY: Final = "KD"
"""How a tunnel or an event stream ends that we end."""

_ENDED: Final = {
    Failure.REFUSED: "SC",
    Failure.CONNECT_TIMEOUT: "sC",
    Failure.CLOSED_REUSED: "SH",
    Failure.CLOSED_FRESH: "SH",
    Failure.BAD_RESPONSE: "PH",
    Failure.NO_RESPONSE: "sH",
    Failure.NOT_SENT: "SC",
    Failure.UNAVAILABLE: "SH",
}
"""HAProxy's words for who ended it, and when."""
