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
of its own.
"""

import asyncio
import os
import re
import socket
import struct
from enum import Enum
from typing import Protocol, cast

from lb.http.chunked import BadChunkError, ChunkedBody
from lb.http.fields import BARE_LINE_END
from lb.http.request import CHUNKED, Refusal, RequestHead
from lb.proxy.context import Proxy
from lb.proxy.exchange import Exchange
from lb.proxy.forward import Peer
from lb.proxy.own_answer import own_answer
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


_HEAD, _UPLOAD, _BUSY, _TUNNEL, _LINGER, _CLOSING, _CLOSED = Mode  # asked for on every call


class Owner(Protocol):
    """Who keeps all clients' connections: the data path."""

    def welcome(self, connection: "ClientConnection", transport: asyncio.Transport) -> Peer | None:
        """Who this is; None if there are too many connections already."""
        ...

    def lost(self, connection: "ClientConnection") -> None:
        """The connection is no more."""
        ...


class ClientConnection(asyncio.Protocol):
    """One client's connection; see the module."""

    __slots__ = (
        "_advancing",
        "_blocked",
        "_chunks",
        "_exchange",
        "_half_closed",
        "_head_began_s",
        "_input",
        "_left",
        "_lingered_bytes",
        "_owner",
        "_paused_at_s",
        "_proxy",
        "_reading",
        "_transport",
        "_tunnel",
        "_upload_began_s",
        "deadline_s",
        "mode",
        "peer",
    )

    def __init__(self, proxy: Proxy, owner: Owner) -> None:
        self._proxy = proxy
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self.peer = _NOBODY
        self.mode = _HEAD
        self.deadline_s = _NEVER_S
        self._input = b""
        self._head_began_s = _NEVER_S
        self._exchange: Exchange | None = None
        self._chunks: ChunkedBody | None = None
        self._left = 0
        self._upload_began_s = 0.0
        self._paused_at_s = 0.0
        self._tunnel: Tunnel | None = None
        self._reading = True
        self._half_closed = False
        self._advancing = False
        self._lingered_bytes = 0
        self._blocked = False

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
            self.close()
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
        exchange = self._exchange
        if self.mode is _TUNNEL:
            assert self._tunnel is not None  # noqa: S101 - the mode says so
            self._tunnel.client_ended()
            return True
        if exchange is None:
            return False
        if self.mode is _UPLOAD:
            exchange.upload_failed(400, "the request's body ended before it was complete", ended="CR")
        elif self._proxy.balancer.config.abortonclose:
            exchange.give_up("C")
        else:
            self._half_closed = True
            return True
        return self.mode is _LINGER

    def connection_lost(self, _exc: Exception | None) -> None:
        """The connection is no more."""
        self._transport = None
        if self.mode is _HEAD and self._input:
            self._observe(0, ended="CR", own="")
        self.mode = _CLOSED
        self.deadline_s = _NEVER_S
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
        self.deadline_s = self._proxy.now() + self._proxy.timeouts.client
        self._tell_blocked()

    def resume_writing(self) -> None:
        """The client takes data again."""
        self._blocked = False
        self.deadline_s = _NEVER_S
        if self.mode is _HEAD:
            self.deadline_s = self._proxy.now() + self._proxy.timeouts.client_keep_alive
        self._tell_blocked()

    def _tell_blocked(self) -> None:
        if self._tunnel is not None:
            self._tunnel.client_blocked(blocked=self._blocked)
        elif self._exchange is not None:
            self._exchange.download_blocked(blocked=self._blocked)

    # Time.

    def expire(self) -> None:
        """The deadline is over."""
        self.deadline_s = _NEVER_S
        exchange = self._exchange
        if self._blocked or self.mode in {_TUNNEL, _CLOSING}:
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
            while self.mode is _HEAD and self._input and self._next_request():
                pass
        finally:
            self._advancing = False
        if self.mode is _HEAD:
            if self._half_closed:
                self.close()
            elif not self._reading:
                self._resume()

    def _next_request(self) -> bool:
        """Begin to serve the next request; False if its head is not complete."""
        data = self._input
        end = data.find(b"\r\n\r\n")
        now_s = self._proxy.now()
        if end <= 0:
            return self._without_head(data, now_s)
        proxy = self._proxy
        tq_s = now_s - self._head_began_s if self._head_began_s != _NEVER_S else 0.0
        self._head_began_s = _NEVER_S
        try:
            if end > proxy.limits.header_bytes:
                raise self._too_long(data)
            request = proxy.request_scanner.scan(data[data.startswith(b"\r\n") * 2 : end])
            _unserved(request, proxy.via)
        except Refusal as refusal:
            self._refuse(refusal)
            return False
        self._input = b""
        record = RequestRecord(
            client=self.peer.address,
            method=request.method.decode("ascii"),
            target=request.target.decode("ascii"),
            received_s=now_s,
            version="1.1" if request.http11 else "1.0",
            tq_ms=tq_s * 1000,
        )
        self._exchange = exchange = Exchange(proxy, self, request, record)
        rest = data[end + 4 :]
        self.deadline_s = _NEVER_S
        if not request.length:
            self.mode = _BUSY
            self._input = rest
            exchange.start()
            return True
        self.mode = _UPLOAD
        self._left = request.length
        self._chunks = ChunkedBody(proxy.limits.header_bytes) if request.length == CHUNKED else None
        self._upload_began_s = now_s
        self.deadline_s = now_s + proxy.timeouts.client
        if rest:
            self._upload(rest)
        if self._exchange is exchange:
            exchange.start()
        return True

    def _without_head(self, data: bytes, now_s: float) -> bool:
        """The head is not complete, or begins with the empty lines that RFC 9112 2.2 wants ignored."""
        if data[:2] == b"\r\n":
            self._input = _EMPTY_LINES.sub(b"", data)
            return bool(self._input)
        if len(data) > self._proxy.limits.header_bytes + 3:  # three bytes of the empty line may be there
            self._refuse(self._too_long(data))
        elif BARE_LINE_END.search(data):
            self._refuse(Refusal(400, "a line of the request's head does not end with CR LF"))
        elif self._head_began_s == _NEVER_S:
            self._head_began_s = now_s
            self.deadline_s = now_s + self._proxy.timeouts.http_request
        return False

    def _too_long(self, data: bytes) -> Refusal:
        """Which limit a head is over that is too long as a whole."""
        line = data.lstrip(b"\r\n").partition(b"\r\n")[0]
        return _TARGET_TOO_LONG if len(line) > self._proxy.limits.target_bytes else _TOO_LONG

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
            self.deadline_s = _NEVER_S
        else:
            took_s = now_s - self._upload_began_s
            received_bytes = exchange.record.received_bytes + len(data)
            grace_s = min(_RATE_GRACE_S, self._proxy.timeouts.client)
            if took_s > grace_s and received_bytes < took_s * self._proxy.limits.body_rate:
                exchange.upload_failed(408, "the request's body comes too slowly", ended="cR")
                return
            if self._reading:
                self.deadline_s = now_s + self._proxy.timeouts.client
        exchange.upload(pieces, complete=complete, trailers=trailers)

    # What the exchange does with it.

    def write(self, data: bytes) -> None:
        """Send a part of the response."""
        if self._transport is not None:
            self._transport.write(data)

    def write_eof(self) -> None:
        """Say that nothing more comes from us."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    def abort(self) -> None:
        """Break the connection off with a reset: a mere close can be taken for a response's end."""
        transport = self._transport
        if transport is None:
            return
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def close(self) -> None:
        """Close in good order, after what was written has left; but not for ever."""
        if self._transport is not None and self.mode is not _CLOSED:
            self.mode = _CLOSING
            self.deadline_s = self._proxy.now() + self._proxy.timeouts.client
            self._transport.close()

    def exchange_over(self, *, keep_alive: bool, upload_complete: bool) -> None:
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
        times = self._proxy.timeouts
        self.deadline_s = self._proxy.now() + (times.client if self._blocked else times.client_keep_alive)
        if self._input or self._half_closed or not self._reading:
            self._advance()

    def pause_upload(self) -> None:
        """Read no more of the request for now; the client is not to blame for the time."""
        if self.mode is _UPLOAD and self._reading:
            self._paused_at_s = self._proxy.now()
            self.deadline_s = _NEVER_S
            self._pause()

    def resume_upload(self) -> None:
        """Read the request again."""
        if self.mode is _UPLOAD and not self._reading:
            now_s = self._proxy.now()
            self._upload_began_s += now_s - self._paused_at_s
            self.deadline_s = now_s + self._proxy.timeouts.client
            self._resume()

    def start_tunnel(self, tunnel: Tunnel) -> None:
        """From here on the connection speaks another protocol."""
        self._tunnel = tunnel
        self.mode = _TUNNEL
        self.deadline_s = _NEVER_S
        waiting, self._input = self._input, b""
        if waiting:
            tunnel.from_client(waiting)
        self._resume()

    def pause(self) -> None:
        """Read no more: the node of a tunnel is slower than the client."""
        self._pause()

    def resume(self) -> None:
        """Read again."""
        self._resume()

    def _pause(self) -> None:
        if self._reading and self._transport is not None and not self._transport.is_closing():
            self._reading = False
            self._transport.pause_reading()

    def _resume(self) -> None:
        if not self._reading and self._transport is not None:
            self._reading = True
            if not self._transport.is_closing():
                self._transport.resume_reading()

    # Refusals.

    def _refuse(self, refusal: Refusal, ended: str = "PR") -> None:
        self._observe(refusal.status, ended=ended, own=refusal.reason)
        self._answer(refusal)
        self._linger()

    def _answer(self, refusal: Refusal, error: str = "") -> None:
        kind = error or ("http_request_error" if refusal.status != 405 else "http_request_denied")
        self.write(own_answer(refusal.status, refusal.text, error=kind, reason=refusal.reason, close=True))

    def _observe(self, status: int, *, ended: str, own: str) -> None:
        """Tell of a request that was none: what of its first line can be read."""
        words = self._input[:_SHOWN_BYTES].lstrip(b"\r\n").partition(b"\r\n")[0].decode("latin-1").split(" ")
        now_s = self._proxy.now()
        began_s = now_s if self._head_began_s == _NEVER_S else self._head_began_s
        self._proxy.observe(
            RequestRecord(
                request_id=self._proxy.new_id(),
                client=self.peer.address,
                method=words[0],
                target=words[1] if len(words) > 1 else "",
                received_s=now_s,
                status=status,
                ended=ended,
                own=own,
                tq_ms=(now_s - began_s) * 1000,
            )
        )

    def _linger(self) -> None:
        self.mode = _LINGER
        self._input = b""
        self.deadline_s = self._proxy.now() + _LINGER_S
        self._resume()
        if self._half_closed:
            self.close()
        else:
            self.write_eof()


def _unserved(request: RequestHead, via: bytes) -> None:
    """Raise Refusal for a request that is well formed, and still none for a node."""
    if request.method == b"TRACE":
        raise Refusal(405, "TRACE is not allowed", "unsupported-method")
    if request.via and via.partition(b" ")[2] in request.via:
        raise Refusal(508, "the request has been here already", "loop")
    if request.max_forwards == 0 and request.method == b"OPTIONS":
        raise Refusal(405, "Max-Forwards ends at the load balancer", "max-forwards")


_PIPELINED_BYTES = 64 * 1024
"""What a client may send ahead before it is read no more."""

_LINGER_S = 2.0
_LINGER_BYTES = 1024 * 1024
_RATE_GRACE_S = 5.0
"""A body's rate is judged after so long, or after ``timeouts.client`` if that is less: before that it is chance."""

_SHOWN_BYTES = 2048
_NEVER_S = float("inf")
_NOBODY = Peer.of("unknown", 0, b"", trusted=False)
_TOO_LONG = Refusal(431, "the request's head is too long", "header-bytes")
_TARGET_TOO_LONG = Refusal(414, "the target is too long", "target-length")
_EMPTY_LINES = re.compile(rb"\A(?:\r\n)+")
