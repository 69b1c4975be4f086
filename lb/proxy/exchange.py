"""One request and its response: sent, perhaps sent again, answered.

Theory of operation. An exchange is driven by calls, never by a task of its own. Where its request goes is
:mod:`lb.proxy.dispatch`; here are the bodies that pass. Once a node is asked an exchange is in one of these::

    sent        the request is on its way, its body perhaps still coming; nothing of a response is here
    responding  the response's head went to the client: from here on nothing can be taken back
    switched    the connection speaks another protocol, and a tunnel has taken over
    done

Until the response begins, what came of the request's body is kept within ``limits.replay_bytes``, so that the request
can go to another node; :mod:`lb.retry` says when it may.

Somebody is always waited for, and for a time that ends. Is it the node (it has the whole request, or takes no more of
it, or was asked whether it wants the body), then its connection has a deadline; see :meth:`Exchange._await_node`. Is
it the client (its body, or that it takes the response), then the client's connection has one.
"""

from collections.abc import Sequence
from typing import Final

from lb.http.chunked import chunk, last_chunk
from lb.http.response import ResponseHead
from lb.pool import Route
from lb.proxy.dispatch import SENT_AWAY, Dispatch
from lb.proxy.forward import interim_to_client, request_to_node, response_to_client
from lb.proxy.node_connection import NodeConnection
from lb.proxy.tunnel import Tunnel
from lb.retry import Again, Failure


class Exchange(Dispatch):
    """Serves one request; see the module."""

    __slots__ = ()

    def connected(self, connection: NodeConnection, *, reused: bool) -> None:
        """Here is a connection to the node: send what there is of the request."""
        if self._done:
            connection.reusable = True
            if self._nodes is not None:
                self._nodes.give_back(connection, None, self._proxy.now())
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
        upload = self._upload
        if upload is None:
            connection.send(self, request.method, self._head)
            self._await_node(self._sent_at_s)
        else:
            was_paused, self._upload_paused = self._upload_paused, False
            connection.send(self, request.method, self._head + upload.from_start())  # may tell that the node is slow
            self._await_node(self._sent_at_s)
            if was_paused and not self._upload_paused:
                self._client.resume_upload()
        if self._download_blocked:
            connection.pause()

    # The request's body.

    def upload(self, pieces: Sequence[bytes], *, complete: bool, trailers: Sequence[bytes] = ()) -> None:
        """More of the request's body came from the client."""
        upload = self._upload
        assert upload is not None  # noqa: S101 - a request without a body gets none
        for piece in pieces:
            self.record.received_bytes += len(piece)
        upload.add(pieces, complete=complete, trailers=trailers)
        self._upload_complete = complete
        self._awaits_go_on = False
        if self._done:
            return
        connection = self._connection
        if connection is not None:
            upload.forget_if_full()
            connection.write(upload.framed(pieces))
            self._await_node(self._proxy.now())
        elif upload.is_full and not complete:
            self._upload_paused = True
            self._client.pause_upload()

    def upload_blocked(self, *, blocked: bool) -> None:
        """The node takes no more of the request for now, or takes it again."""
        if self._done or self._upload_complete:
            return
        self._upload_paused = blocked
        if blocked:
            self._client.pause_upload()
        else:
            self._client.resume_upload()
        self._await_node(self._proxy.now())

    def upload_failed(self, status: int, text: str, *, ended: str) -> None:
        """The request's body is none, or does not come: no node is to blame, and none may take it for whole."""
        if self._done:
            return
        self._abandon()
        if self._response is not None:
            self._break_off(ended)
            return
        self._fail(status, text, "http_request_error", "bad-request-body", ended=ended, keep_alive=False)

    def _await_node(self, now_s: float) -> None:
        """Set until when the node has to do something; for ever while it is the client that is waited for."""
        connection, times = self._connection, self._proxy.timeouts
        if connection is None:
            return
        if self._download_blocked:
            limit_s = _FOREVER_S
        elif self._stream is not None:
            limit_s = times.tunnel
        elif self._upload_complete or self._upload_paused or self._awaits_go_on or self._response is not None:
            limit_s = times.server
        else:
            limit_s = _FOREVER_S
        connection.deadline_s = now_s + limit_s

    # The response.

    def interim(self, response: ResponseHead) -> None:
        """RFC 9110 15.2: passed on, but not to those who cannot know it (HTTP/1.0) or did not ask (100)."""
        wanted = self._request.expects_continue if response.status == 100 else True
        if self._request.http11 and wanted and not self._done:
            self._client.write(interim_to_client(response))
            if response.status == 100 and self._awaits_go_on:
                self._awaits_go_on = False
                self._client.await_upload()
            self._await_node(self._proxy.now())

    def respond(self, response: ResponseHead, pieces: Sequence[bytes], *, complete: bool) -> None:
        """The response's head is here, with what of its body came with it."""
        proxy, request, route, attempt = self._proxy, self._request, self._route, self._attempt
        assert route is not None  # noqa: S101 - it was sent to a node
        assert attempt is not None  # noqa: S101 - a route is there for an attempt
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
            self._finish_response(now_s)
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
        now_s = self._proxy.now()
        if complete:
            self._finish_response(now_s)
        else:
            self._await_node(now_s)

    def download_blocked(self, *, blocked: bool) -> None:
        """The client takes no more of the response for now, or takes it again."""
        self._download_blocked = blocked
        connection = self._connection
        if connection is None:
            return
        if blocked:
            connection.pause()
        else:
            connection.resume()
        self._await_node(self._proxy.now())

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
            if complete and self._sent_whole(connection):
                self._nodes.give_back(connection, response.idle_timeout_s, self._proxy.now())
            else:
                connection.abort()
        self._attempt_failed(Failure.UNAVAILABLE, "the node answered 503 while it takes no new sessions", decision)
        return True

    def _finish_response(self, now_s: float) -> None:
        connection, response = self._connection, self._response
        self._connection = None
        if connection is not None and self._nodes is not None:
            if self._upload is None or self._sent_whole(connection):
                self._nodes.give_back(connection, response.idle_timeout_s if response else None, now_s)
            else:
                connection.abort()
        self._done_with("--", now_s)
        self._client.exchange_over(now_s, keep_alive=not self._close, upload_complete=self._upload_complete)

    def _sent_whole(self, connection: NodeConnection) -> bool:
        """Whether the next thing that the node reads on ``connection`` would be another request."""
        return self._upload_complete and connection.is_flushed

    @property
    def is_responding(self) -> bool:
        """Whether the client has got a part of the response, and not all of it."""
        return self._response is not None and not self._done

    @property
    def is_stream(self) -> bool:
        """Whether it has no end of its own."""
        return self._stream is not None and not self._done

    def end_stream(self) -> None:
        """Its node is drained, or we stop: an event stream has no end of its own, and its client will come again."""
        if self._stream is not None and not self._done:
            self._abandon()
            self._break_off(SENT_AWAY)

    # Upgrades.

    def switched(self, response: ResponseHead, rest: bytes) -> None:
        """The node switched protocols; that is an answer only to a client that asked for it."""
        route, connection = self._route, self._connection
        if not self._request.upgrade or not self._upload_complete or route is None or connection is None:
            self._abandon()
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
        if not self._done:
            self._done_with(ended, self._proxy.now())

    # The end.

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
        if not self._done:  # the node may have been taken out for it, and its streams closed: this may be one
            self._break_off("sD" if failure is Failure.NO_RESPONSE else "SD")

    def give_up(self, by: str) -> None:
        """Nobody wants the response any more: the client left, or takes nothing, or we stop.

        ``by`` is HAProxy's letter for that: C, c, or K.
        """
        if self._done:
            return
        if self._leave_queue is not None:
            phase = "Q"
        elif self._response is not None:
            phase = "D"
        elif not self._upload_complete:
            phase = "R"
        else:
            phase = "H"
        self._abandon()
        self._done_with(by + phase, self._proxy.now())

    def _break_off(self, ended: str) -> None:
        """The response has begun and will not end: the client must see that something is missing."""
        self._done_with(ended, self._proxy.now())
        self._client.abort()


_FOREVER_S: Final = float("inf")
