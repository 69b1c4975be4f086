"""One client's connection: requests taken out of it one after the other, each served by an exchange.

Theory of operation. A connection is in one of these modes::

    HEAD     nothing is asked; the next request's head is awaited, or has begun to come
    UPLOAD   a request is being served, and its body still comes
    BUSY     a request is being served and was read to its end; what comes is the next one, and waits
    TUNNEL   the connection was upgraded: what comes belongs to another protocol
    LINGER   the last response was sent and our side closed; what comes is thrown away, for a while, so that the
             client can read the response before a reset would take it away (RFC 9112 9.6)
    CLOSING  the connection closes as soon as the client has taken what was written
    CLOSED   it is over

Each mode has a deadline; :meth:`ClientConnection.expire` is called soon after it. A request has no timers
of its own. In any mode the client may be *blocked*: it takes no more of what was written. Then the deadline is for
that alone, the node is not read, and no request that was sent ahead is served: who does not read is written nothing.
"""

import asyncio
import os
import re
import socket
from enum import Enum
from typing import Final, cast

from lb.http.chunked import BadChunkError, ChunkedBody
from lb.http.fields import BARE_LINE_END
from lb.http.request import CHUNKED, Refusal, too_long
from lb.proxy.client_transport import NEVER_S, ClientTransport
from lb.proxy.context import Proxy
from lb.proxy.exchange import Exchange
from lb.proxy.forward import Peer
from lb.proxy.own_answer import own_answer
from lb.proxy.refusals import check_served, record_of
from lb.proxy.roles import ClientOwner
from lb.proxy.tunnel import Tunnel
from lb.telemetry.record import RequestRecord


class Mode(Enum):
    """What the connection is about; see the module."""

    HEAD = 0
    UPLOAD = 1
    BUSY = 2
    TUNNEL = 3
    LINGER = 4
    CLOSING = 5
    CLOSED = 6


_HEAD: Final = Mode.HEAD
_UPLOAD: Final = Mode.UPLOAD
_BUSY: Final = Mode.BUSY
_TUNNEL: Final = Mode.TUNNEL
_LINGER: Final = Mode.LINGER
_CLOSING: Final = Mode.CLOSING
_CLOSED: Final = Mode.CLOSED


class ClientConnection(ClientTransport):
    """One client's connection; see the module."""

    __slots__ = (
        "_advancing",
        "_chunks",
        "_exchange",
        "_half_closed",
        "_head_began_s",
        "_input",
        "_left",
        "_lingered_bytes",
        "_owner",
        "_paused_at_s",
        "_tunnel",
        "_upload_began_s",
        "mode",
        "peer",
    )

    def __init__(self, proxy: Proxy, owner: ClientOwner) -> None:
        super().__init__(proxy)
        self._owner = owner
        self.peer = _NOBODY
        self.mode = _HEAD
        self._input = b""
        self._head_began_s = NEVER_S
        self._exchange: Exchange | None = None
        self._chunks: ChunkedBody | None = None
        self._left = 0
        self._upload_began_s = 0.0
        self._paused_at_s = 0.0
        self._tunnel: Tunnel | None = None
        self._half_closed = False
        self._advancing = False
        self._lingered_bytes = 0

    def __repr__(self) -> str:
        return f"<ClientConnection {self.peer.address} {self.mode.name}>"

    # What the event loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        self._transport = transport = cast(asyncio.Transport, transport)  # uvloop does not inherit from it
        self.deadline_s = self._proxy.now() + self._proxy.timeouts.client_keep_alive
        peer = self._owner.welcome(self, transport)
        if peer is None:
            self._answer(Refusal(503, "too many connections", "maxconn"), error="connection_limit_reached")
            self._linger()
        else:
            self.peer = peer

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        mode = self.mode
        if mode is _HEAD:
            self._input = self._input + data if self._input else data
            self._advance()
        elif mode is _UPLOAD:
            self._upload(data)
        elif mode is _BUSY:
            self._input += data
            if len(self._input) > _PIPELINED_BYTES:
                self._pause()
        elif mode is _TUNNEL:
            assert self._tunnel is not None  # noqa: S101 - the mode says so
            self._tunnel.from_client(data)
        elif mode is _LINGER:
            self._lingered_bytes += len(data)
            if self._lingered_bytes > _LINGER_BYTES:
                self.abort()

    def eof_received(self) -> bool:
        """The client will send no more. True keeps our side open."""
        mode, exchange = self.mode, self._exchange
        if mode is _TUNNEL:
            assert self._tunnel is not None  # noqa: S101 - the mode says so
            self._tunnel.client_ended()
            return True
        self._half_closed = True
        if mode is _UPLOAD and exchange is not None:
            exchange.upload_failed(400, "the request's body ended before it was complete", ended="CR")
            return True
        waits = mode is _BUSY or (mode is _HEAD and self._blocked)
        if waits and not self._proxy.balancer.config.abortonclose:
            return True
        if mode is _BUSY and exchange is not None:
            is_responding = exchange.is_responding
            exchange.give_up("C")
            if is_responding:
                self.abort()  # a mere close could be taken for the end of the response
                return False
        elif mode is _HEAD and self._input:
            self._observe(0, ended="CR", own="")
        self.close()  # which takes as long as the client takes to read what was written, but not for ever
        return False

    def connection_lost(self, _exc: Exception | None) -> None:
        """The connection is no more."""
        self._transport = None
        if self.mode is _HEAD and self._input:
            self._observe(0, ended="CR", own="")
        self.mode = _CLOSED
        self.deadline_s = NEVER_S
        exchange, self._exchange = self._exchange, None
        tunnel, self._tunnel = self._tunnel, None
        if tunnel is not None:
            tunnel.client_lost()
        elif exchange is not None:
            exchange.give_up("C")
        self._owner.lost(self)

    def pause_writing(self) -> None:
        """The client is slower than its node."""
        self._blocked = True
        self._watch_unsent()
        self._tell_blocked()

    def resume_writing(self) -> None:
        """The client takes data again."""
        self._blocked = False
        now_s, times, mode = self._proxy.now(), self._proxy.timeouts, self.mode
        self.deadline_s = NEVER_S
        if mode is _HEAD:
            self.deadline_s = now_s + times.client_keep_alive
            self._advance()
        elif mode is _CLOSING:
            self._watch_unsent()
        elif mode is _LINGER:
            self.deadline_s = now_s + _LINGER_S
        elif mode is _UPLOAD and self._reading:
            self.deadline_s = now_s + times.client
        self._tell_blocked()

    def _tell_blocked(self) -> None:
        if self._tunnel is not None:
            self._tunnel.client_blocked(blocked=self._blocked)
        elif self._exchange is not None:
            self._exchange.download_blocked(blocked=self._blocked)

    # Time.

    def expire(self) -> None:
        """The deadline is over."""
        self.deadline_s = NEVER_S
        exchange = self._exchange
        if self._blocked or self.mode is _CLOSING:
            if self._takes_enough():
                self._watch_unsent()
                return
            if exchange is not None:
                exchange.give_up("c")  # the response is there and the client does not take it
            self.abort()
        elif self.mode is _HEAD and self._input:
            self._refuse(Refusal(408, "the request's head did not come in time", "head-timeout"), ended="cR")
        elif self.mode is _UPLOAD and exchange is not None:
            exchange.upload_failed(408, "the request's body did not come in time", ended="cR")
        else:
            self.close()

    def kill(self) -> None:
        """We stop, and the time for stopping is over."""
        if self._exchange is not None:
            self._exchange.give_up("K")
        self.abort()

    @property
    def is_stream(self) -> bool:
        """Whether it is in use for something that has no end of its own: a tunnel, an event stream."""
        return self._tunnel is not None or (self._exchange is not None and self._exchange.is_stream)

    def detach(self) -> socket.socket | None:
        """Let go of the connection without closing it, if nothing is asked on it and nothing left to send.

        What is returned is the same connection, for another process; None if it is in use. A request that comes at
        this moment waits in the socket: nothing of it was read here.
        """
        transport = self._transport
        if transport is None or self.mode is not _HEAD or self._input or self._half_closed:
            return None
        if transport.is_closing() or transport.get_write_buffer_size():
            return None
        sock: socket.socket = transport.get_extra_info("socket")
        try:
            copy = socket.socket(fileno=os.dup(sock.fileno()))
        except OSError:  # too many open files: it is closed in good order instead
            return None
        self.mode = _CLOSED
        self._pause()
        transport.abort()
        return copy

    def wind_up(self) -> None:
        """We stop: end what would not end by itself. What is asked for is still answered."""
        if self.mode is _HEAD and not self._input:
            self.close()
        elif self._tunnel is not None:
            self._tunnel.close_politely()
        elif self._exchange is not None:
            self._exchange.end_stream()

    # Requests.

    def _advance(self) -> None:
        """Serve what has come, one request after the other."""
        if self._advancing:
            return  # a request was answered at once: the loop below goes on with the next
        self._advancing = True
        try:
            while self.mode is _HEAD and self._input and not self._blocked and self._next_request():
                pass
        finally:
            self._advancing = False
        if self.mode is _HEAD:
            if self._blocked:
                if len(self._input) > _PIPELINED_BYTES:
                    self._pause()
            elif self._half_closed:
                self.close()
            elif not self._reading:
                self._resume()

    def _next_request(self) -> bool:
        """Begin to serve the next request; False if its head is not complete."""
        data, proxy = self._input, self._proxy
        now_s = proxy.now()
        try:
            request = proxy.request_scanner.first(data)
            if request is None:
                return self._without_head(data, now_s)
            check_served(request, proxy.via)
        except Refusal as refusal:
            self._refuse(refusal)
            return False
        tq_s = now_s - self._head_began_s if self._head_began_s != NEVER_S else 0.0
        self._head_began_s = NEVER_S
        self._input = b""
        record = RequestRecord(
            "",
            self.peer.address,
            request.method.decode("ascii"),
            request.target.decode("ascii"),
            now_s,
            "1.1" if request.http11 else "1.0",
        )
        if tq_s:
            record.tq_ms = tq_s * 1000
        self._exchange = exchange = Exchange(proxy, self, request, record)
        rest = data[request.size :]
        self.deadline_s = NEVER_S
        if not request.length:
            self.mode = _BUSY
            self._input = rest
            exchange.start()
            return True
        self.mode = _UPLOAD
        self._left = request.length
        self._chunks = ChunkedBody(proxy.limits.header_bytes) if request.length == CHUNKED else None
        if request.expects_continue and not rest:
            self._upload_began_s = NEVER_S  # it waits to be told to go on: see await_upload
        else:
            self._upload_began_s = now_s
            self.deadline_s = now_s + proxy.timeouts.client
        self._resume()
        if rest:
            self._upload(rest)
        if self._is_serving(exchange):
            exchange.start()
        return True

    def _is_serving(self, exchange: Exchange) -> bool:
        """Whether it is still served; asked in place, mypyc believes what it was before the last call."""
        return self._exchange is exchange

    def _without_head(self, data: bytes, now_s: float) -> bool:
        """The head is not complete, or begins with the empty lines that RFC 9112 2.2 wants ignored."""
        if data[:2] == b"\r\n":
            self._input = _EMPTY_LINES.sub(b"", data)
            return bool(self._input)
        if len(data) > self._proxy.limits.header_bytes + _HALF_AN_END_BYTES:
            self._refuse(too_long(data, self._proxy.limits))
        elif BARE_LINE_END.search(data):
            self._refuse(Refusal(400, "a line of the request's head does not end with CR LF"))
        elif self._head_began_s == NEVER_S:
            self._head_began_s = now_s
            self.deadline_s = now_s + self._proxy.timeouts.http_request
        return False

    def _upload(self, data: bytes) -> None:
        exchange = self._exchange
        assert exchange is not None  # noqa: S101 - the mode says so
        chunks = self._chunks
        now_s = self._proxy.now()
        try:
            if chunks is not None:
                pieces = chunks.feed(data)
                complete, rest, trailers = chunks.complete, chunks.rest, chunks.trailers
            else:
                self._left -= len(data)
                complete, trailers = self._left <= 0, []
                rest = data[self._left :] if self._left < 0 else b""
                pieces = [data[: self._left] if self._left < 0 else data]
        except BadChunkError as error:
            exchange.upload_failed(400, str(error), ended="PR")
            return
        if complete:
            self.mode = _BUSY
            self._input = rest
            self._chunks = None
            if not self._blocked:
                self.deadline_s = NEVER_S
        else:
            self._upload_began_s = min(self._upload_began_s, now_s)
            took_s = now_s - self._upload_began_s
            received_bytes = exchange.record.received_bytes + len(data)
            grace_s = min(_RATE_GRACE_S, self._proxy.timeouts.client)
            if took_s > grace_s and received_bytes < took_s * self._proxy.limits.body_rate:
                exchange.upload_failed(408, "the request's body comes too slowly", ended="cR")
                return
            if self._reading and not self._blocked:
                self.deadline_s = now_s + self._proxy.timeouts.client
        exchange.upload(pieces, complete=complete, trailers=trailers)

    # What the exchange does with it.

    def close(self) -> None:
        """Close in good order, after what was written has left; but not for ever."""
        if self._transport is not None and self.mode is not _CLOSED:
            self.mode = _CLOSING
            self._watch_unsent()
            self._transport.close()

    def exchange_over(self, now_s: float, *, keep_alive: bool, upload_complete: bool) -> None:
        """The response is sent; the connection may be used for another request, or ends."""
        self._exchange = None
        if self._transport is None or self.mode is _CLOSED:
            return
        if not keep_alive:
            if upload_complete and not self._input:
                self.close()
            else:
                self._linger()
            return
        self.mode = _HEAD
        if not self._blocked:
            self.deadline_s = now_s + self._proxy.timeouts.client_keep_alive
        if self._input or self._half_closed or not self._reading:
            self._advance()

    def pause_upload(self) -> None:
        """Read no more of the request for now; the client is not to blame for the time."""
        if self.mode is _UPLOAD and self._reading:
            self._paused_at_s = self._proxy.now()
            if not self._blocked:
                self.deadline_s = NEVER_S
            self._pause()

    def resume_upload(self) -> None:
        """Read the request again."""
        if self.mode is _UPLOAD and not self._reading:
            now_s = self._proxy.now()
            self._upload_began_s += now_s - self._paused_at_s
            if not self._blocked:
                self.deadline_s = now_s + self._proxy.timeouts.client
            self._resume()

    def await_upload(self) -> None:
        """The client was told to go on: from now on it is to blame if its request's body does not come."""
        if self.mode is _UPLOAD:
            self._upload_began_s = self._proxy.now()
            if not self._blocked:
                self.deadline_s = self._upload_began_s + self._proxy.timeouts.client

    def start_tunnel(self, tunnel: Tunnel) -> None:
        """From here on the connection speaks another protocol."""
        self._tunnel = tunnel
        self.mode = _TUNNEL
        if self._blocked:
            tunnel.client_blocked(blocked=True)
        else:
            self.deadline_s = NEVER_S
        self._resume()
        waiting, self._input = self._input, b""
        if waiting:
            tunnel.from_client(waiting)  # which may tell at once to read no more

    # Refusals.

    def _refuse(self, refusal: Refusal, ended: str = "PR") -> None:
        self._observe(refusal.status, ended=ended, own=refusal.reason)
        self._answer(refusal)
        self._linger()

    def _answer(self, refusal: Refusal, error: str = "") -> None:
        kind = error or ("http_request_error" if refusal.status != 405 else "http_request_denied")
        self.write(own_answer(refusal.status, refusal.text, error=kind, reason=refusal.reason, close=True))

    def _observe(self, status: int, *, ended: str, own: str) -> None:
        """Tell of a request that was none."""
        proxy = self._proxy
        record = record_of(self._input, self.peer.address, proxy.new_id(), self._head_began_s, proxy.now())
        record.status, record.ended, record.own = status, ended, own
        proxy.observe(record)

    def _linger(self) -> None:
        self.mode = _LINGER
        self._input = b""
        if not self._blocked:
            self.deadline_s = self._proxy.now() + _LINGER_S
        self._resume()
        if self._half_closed:
            self.close()
        else:
            self.write_eof()


_PIPELINED_BYTES: Final = 64 * 1024
"""What a client may send ahead before it is read no more."""

_LINGER_S: Final = 2.0
_LINGER_BYTES: Final = 1024 * 1024
_RATE_GRACE_S: Final = 5.0
"""A body's rate is judged after so long, or after ``timeouts.client`` if that is less: before that it is chance."""

_NOBODY: Final = Peer.of("unknown", 0, b"", trusted=False)
_HALF_AN_END_BYTES: Final = 3
"""What can have come of the empty line that ends a head, while the head itself is just as long as it may be."""

_EMPTY_LINES: Final = re.compile(rb"\A(?:\r\n)+")
