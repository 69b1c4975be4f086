"""One request and its response: routed, sent, perhaps sent again, answered. The decisions are the balancer's.

Theory of operation. An exchange is driven by calls, never by a task of its own, and is always in one of these::

    held        no node can take the request now; the balancer calls when one can, or when it waited too long
    connecting  a node was chosen and there was no idle connection to it
    sent        the request is on its way, its body perhaps still coming; nothing of a response is here
    responding  the response's head went to the client: from here on nothing can be taken back
    done        whatever became of it was told, once, by :meth:`Exchange._done_with`

Until the response begins, what came of the request's body is kept within ``limits.replay_bytes``, so that the request
can go to another node; :mod:`lb.retry` says when it may.
"""

from collections.abc import Callable, Sequence

from lb.http.chunked import chunk, last_chunk
from lb.http.request import RequestHead
from lb.http.response import ResponseHead
from lb.pool import NoNode, Route
from lb.proxy.context import Proxy
from lb.proxy.forward import (
    interim_to_client,
    request_id_of,
    request_to_node,
    response_to_client,
)
from lb.proxy.node_connection import NodeConnection
from lb.proxy.node_connections import NodeConnections
from lb.proxy.own_answer import own_answer
from lb.proxy.roles import Client
from lb.proxy.tunnel import Tunnel
from lb.proxy.upload import Upload
from lb.retry import IDEMPOTENT, Again, Failure, GiveUp, after_failure
from lb.streams import Stream
from lb.telemetry.record import AttemptRecord, RequestRecord


class Exchange:
    """Serves one request; see the module."""

    __slots__ = (
        "_attempt",
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
        return f"<Exchange {self._request!r} {self.record.node} {self.record.status}>"

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
        proxy, record = self._proxy, self.record
        proxy.balancer.begin(route)
        record.node, record.route = route.node, route.reason
        record.cookie = route.cookie_state + route.cookie_action
        if route.moved_from:
            record.moved_from = route.moved_from
        self._attempt = attempt = AttemptRecord(route.node)
        attempt.began_s = self._sent_at_s = proxy.now()
        record.attempts.append(attempt)
        self._nodes = nodes = proxy.connections[route.node]
        connection = None if self._fresh else nodes.take(risky=self._request.method not in IDEMPOTENT)
        if connection is None:
            nodes.connect(self)
        else:
            self.connected(connection, reused=True)

    def connected(self, connection: NodeConnection, *, reused: bool) -> None:
        """Here is a connection to the node: send what there is of the request."""
        if self._done:
            connection.reusable = True
            if self._nodes is not None:
                self._nodes.give_back(connection, None)
            return
        assert self._attempt is not None  # noqa: S101 - it was made before a connection was asked for
        self._connection = connection
        self._attempt.reused_connection = reused
        if not reused:
            now_s = self._proxy.now()
            self._attempt.connect_ms = (now_s - self._sent_at_s) * 1000
            self._sent_at_s = now_s
        request = self._request
        if not self._head:
            self._head = request_to_node(
                request, self._client.peer, self._reading.stripped, self.record.request_id.encode(), self._proxy.via
            )
        data = self._head
        if self._upload is not None:
            data += self._upload.from_start()
        connection.send(self, request.method, data)
        self._await_response()
        if self._upload_paused:
            self._upload_paused = False
            self._client.resume_upload()

    def unreachable(self, failure: Failure, detail: str) -> None:
        """There is no connection to be had."""
        if not self._done:
            self._attempt_failed(failure, detail)

    # The request's body.

    def upload(self, pieces: Sequence[bytes], *, complete: bool, trailers: Sequence[bytes] = ()) -> None:
        """More of the request's body came from the client."""
        upload = self._upload
        assert upload is not None  # noqa: S101 - a request without a body gets none
        for piece in pieces:
            self.record.received_bytes += len(piece)
        upload.add(pieces, complete=complete, trailers=trailers)
        self._upload_complete = complete
        if self._done:
            return
        connection = self._connection
        if connection is not None:
            upload.forget_if_full()
            connection.write(upload.framed(pieces))
            self._await_response()
        elif upload.is_full and not complete:
            self._upload_paused = True
            self._client.pause_upload()

    def upload_blocked(self, *, blocked: bool) -> None:
        """The node takes no more of the request for now, or takes it again."""
        if self._done or self._upload_complete:
            return
        if blocked:
            self._client.pause_upload()
            self._set_deadline(self._proxy.timeouts.server)
        else:
            self._client.resume_upload()
            self._await_response()

    def upload_failed(self, status: int, text: str, *, ended: str) -> None:
        """The request's body is none, or does not come: no node is to blame, and none may take it for whole."""
        if self._done:
            return
        self._drop_connection()
        if self._response is not None:
            self._break_off(ended)
            return
        self._fail(status, text, "http_request_error", "bad-request-body", ended=ended, keep_alive=False)

    def _await_response(self) -> None:
        """While the client still sends, the node is not expected to answer."""
        if self._response is None:
            self._set_deadline(self._proxy.timeouts.server if self._upload_complete else _FOREVER_S)

    def _set_deadline(self, seconds: float) -> None:
        if self._connection is not None:
            self._connection.deadline_s = self._proxy.now() + seconds

    # The response.

    def interim(self, response: ResponseHead) -> None:
        """RFC 9110 15.2: passed on, but not to those who cannot know it (HTTP/1.0) or did not ask (100)."""
        wanted = self._request.expects_continue if response.status == 100 else True
        if self._request.http11 and wanted and not self._done:
            self._client.write(interim_to_client(response))
            self._await_response()

    def respond(self, response: ResponseHead, pieces: Sequence[bytes], *, complete: bool) -> None:
        """The response's head is here, with what of its body came with it."""
        proxy, request, route, attempt = self._proxy, self._request, self._route, self._attempt
        assert route is not None  # noqa: S101 - it was sent to a node
        assert attempt is not None  # noqa: S101
        now_s = proxy.now()
        attempt.status = response.status
        attempt.response_ms = (now_s - self._sent_at_s) * 1000
        if response.status >= 500 and self._goes_elsewhere(response, complete=complete):
            return
        proxy.balancer.answered(route.node, response.status)
        if self._upload is not None:
            self._upload.forget()
        self._response = response
        self.record.status = response.status
        keep_alive = request.keep_alive and not proxy.closing and self._upload_complete
        http11 = request.http11
        if response.length < 0:
            self._chunked = http11
            keep_alive = keep_alive and http11
        self._close = not keep_alive
        head = response_to_client(
            response,
            self._extras(route, response),
            chunked=self._chunked,
            close=self._close,
            http11=http11,
            te_trailers=request.te_trailers,
        )
        if complete and not self._chunked:
            for piece in pieces:
                self.record.sent_bytes += len(piece)
                head += piece
            self._client.write(head)
            self._finish_response()
            return
        self._client.write(head)
        if response.event_stream and not complete:
            self._stream = proxy.balancer.stream_opened(route.node, self.end_stream, route.session)
        self.more(pieces, complete=complete)

    def more(self, pieces: Sequence[bytes], *, complete: bool, trailers: Sequence[bytes] = ()) -> None:
        """More of the response's body."""
        if self._done:
            return
        for piece in pieces:
            self.record.sent_bytes += len(piece)
        if pieces:
            if self._chunked:
                pieces = [chunk(piece) for piece in pieces]
            if complete and self._chunked:
                pieces = [*pieces, self._last_chunk(trailers)]
            self._client.write(b"".join(pieces))
        elif complete and self._chunked:
            self._client.write(self._last_chunk(trailers))
        if complete:
            self._finish_response()
        elif not self._done:
            self._await_more()

    def download_blocked(self, *, blocked: bool) -> None:
        """The client takes no more of the response for now, or takes it again."""
        self._download_blocked = blocked
        connection = self._connection
        if connection is None or self._response is None:
            return
        if blocked:
            connection.pause()
        else:
            connection.resume()
        self._await_more()

    def _await_more(self) -> None:
        """While the client takes nothing, the node is not expected to send."""
        times = self._proxy.timeouts
        limit_s = times.tunnel if self._stream is not None else times.server
        self._set_deadline(_FOREVER_S if self._download_blocked else limit_s)

    def _last_chunk(self, trailers: Sequence[bytes]) -> bytes:
        return last_chunk(list(trailers) if self._request.te_trailers else [])

    def _extras(self, route: Route, response: ResponseHead) -> Sequence[bytes]:
        """Our own lines in a response of ``route``'s node; and what the balancer wants to know of it."""
        if not (response.set_cookies or route.set_cookie or len(self.record.attempts) > 1):
            return ()
        extras = []
        if response.set_cookies:
            self._proxy.balancer.learn(route.node, response.set_cookies)
        if route.set_cookie:
            extras.append(route.set_cookie)
        if len(self.record.attempts) > 1:
            extras.append(b"X-LB-Attempts: %d" % len(self.record.attempts))
        return extras

    def _goes_elsewhere(self, response: ResponseHead, *, complete: bool) -> bool:
        """A node that stops answers 503 until the checks have noticed: such a request goes to another node."""
        route = self._route
        if response.status != 503 or route is None or self._proxy.balancer.takes_new_sessions(route.node):
            return False
        decision = self._decide(Failure.UNAVAILABLE)
        if decision is not Again.ANOTHER_NODE:
            return False
        connection = self._connection
        if connection is not None and self._nodes is not None:
            self._connection = None
            if complete:
                self._nodes.give_back(connection, response.idle_timeout_s)
            else:
                connection.abort()
        self._attempt_failed(Failure.UNAVAILABLE, "the node answered 503 while it takes no new sessions", decision)
        return True

    def _finish_response(self) -> None:
        connection, response = self._connection, self._response
        self._connection = None
        if connection is not None and self._nodes is not None:
            if self._upload_complete:
                self._nodes.give_back(connection, response.idle_timeout_s if response else None)
            else:
                connection.close()
        self._done_with("--")
        self._client.exchange_over(keep_alive=not self._close, upload_complete=self._upload_complete)

    @property
    def is_stream(self) -> bool:
        """Whether it has no end of its own."""
        return self._stream is not None and not self._done

    def end_stream(self) -> None:
        """Its node is drained, or we stop: an event stream has no end of its own, and its client will come again."""
        if self._stream is not None and not self._done:
            self._drop_connection()
            self._break_off("KD")

    # Upgrades.

    def switched(self, response: ResponseHead, rest: bytes) -> None:
        """The node switched protocols; that is an answer only to a client that asked for it."""
        route, connection = self._route, self._connection
        if not self._request.upgrade or not self._upload_complete or route is None or connection is None:
            self._drop_connection()
            self._attempt_failed(Failure.BAD_RESPONSE, "the node switched protocols without being asked to")
            return
        self._response = response
        self.record.status = 101
        self._proxy.balancer.answered(route.node, 101)
        tunnel = Tunnel(self._proxy, self, connection, response, self._extras(route, response))
        self._stream = self._proxy.balancer.stream_opened(route.node, tunnel.close_politely, route.session)
        tunnel.open(self._client, rest)

    def tunnelled(self, data: bytes) -> None:
        """Never called: a connection that switched asks the tunnel."""

    def tunnel_ended(self) -> None:
        """Never called: a connection that switched asks the tunnel."""

    def tunnel_over(self, ended: str) -> None:
        """The tunnel is closed on both sides."""
        self._connection = None
        self._done_with(ended)

    # Failures.

    def node_failed(self, failure: Failure, detail: str) -> None:
        """There will be no response, or no more of it."""
        self._connection = None
        if self._done:
            return
        if self._response is None:
            self._attempt_failed(failure, detail)
            return
        assert self._attempt is not None  # noqa: S101 - a response has an attempt
        self._attempt.failure = failure
        if self._route is not None:
            self._proxy.balancer.failed(self._route.node, failure)
        self._break_off("sD" if failure is Failure.NO_RESPONSE else "SD")

    def give_up(self, by: str) -> None:
        """Nobody wants the response any more: the client left, or takes nothing, or we stop.

        ``by`` is HAProxy's letter for that: C, c, or K.
        """
        if self._done:
            return
        self._drop_connection()
        if self._leave_queue is not None:
            self._leave_queue()
            self._leave_queue = None
            phase = "Q"
        elif self._response is not None:
            phase = "D"
        elif not self._upload_complete:
            phase = "R"
        else:
            phase = "H"
        self._done_with(by + phase)

    def _attempt_failed(self, failure: Failure, detail: str, decision: Again | None = None) -> None:
        proxy, route, attempt = self._proxy, self._route, self._attempt
        assert route is not None  # noqa: S101 - there was an attempt
        assert attempt is not None  # noqa: S101
        self._connection = None
        attempt.failure = failure
        attempt.response_ms = (proxy.now() - self._sent_at_s) * 1000
        self._route = None
        proxy.balancer.end(route)
        proxy.balancer.failed(route.node, failure)
        again = decision or self._decide(failure)
        if again is Again.FRESH_CONNECTION and proxy.connections.get(route.node) is not self._nodes:
            again = Again.ANOTHER_NODE  # the configuration was read again, and the node is gone or elsewhere
        if again is Again.FRESH_CONNECTION:
            self._fresh = True
            if self._nodes is not None:
                self._nodes.purge()
            self._go(route)
        elif again is Again.ANOTHER_NODE:
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
            "no-usable-node",
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
        self._done_with(ended)
        self._client.exchange_over(keep_alive=keep_alive, upload_complete=self._upload_complete)

    def _break_off(self, ended: str) -> None:
        """The response has begun and will not end: the client must see that something is missing."""
        self._done_with(ended)
        self._client.abort()

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    def _done_with(self, ended: str) -> None:
        """It is over: told to the balancer and to those who count, once."""
        self._done = True
        self._upload_paused = False
        proxy, record = self._proxy, self.record
        record.ended = ended
        record.ta_ms = (proxy.now() - record.received_s) * 1000
        if self._stream is not None:
            proxy.balancer.stream_closed(self._stream)
            self._stream = None
        route, self._route = self._route, None
        if route is not None:
            header = proxy.move_header
            response = self._response
            safe = bool(header and response and any(line.lower().startswith(header) for line in response.fields))
            proxy.balancer.end(route, safe_to_move=safe)
        proxy.observe(record)


_FOREVER_S = float("inf")

_ENDED = {
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
