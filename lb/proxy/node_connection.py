"""One connection to a node: requests out, responses in, one at a time.

Theory of operation. A connection is *busy* from :meth:`NodeConnection.send` until the response is over or the
exchange lets go of it; then it goes back to its home, the node's :class:`.NodeConnections`, if both
sides agree that it may carry another request. Whatever comes on an idle connection (bytes nobody asked for, an end)
ends it. What a response does is told to the exchange in three words: ``respond`` once, with the head and what of the
body came with it, ``more`` for the rest, ``node_failed`` for the end of it all.
"""

import asyncio
import select
from contextlib import suppress
from typing import Final, Protocol, cast

from lb.config import Timeouts
from lb.http.chunked import BadChunkError, ChunkedBody
from lb.http.fields import BARE_LINE_END
from lb.http.response import UNTIL_CLOSE, BadResponseError, ResponseHead, ResponseScanner
from lb.proxy.roles import Asker
from lb.retry import Failure


class Home(Protocol):
    """Where a connection comes from and where it goes back to."""

    scanner: ResponseScanner
    timeouts: Timeouts

    def attached(self, connection: "NodeConnection") -> None:
        """The connection stands."""
        ...

    def lost(self, connection: "NodeConnection") -> None:
        """The connection is no more."""
        ...

    def now(self) -> float:
        """Monotonic seconds."""
        ...


class NodeConnection:
    """One connection to a node. ``generation`` is its home's when it was made; it dies with it.

    To the event loop it is a protocol (:class:`asyncio.Protocol`) in all but name; see :mod:`lb.proxy`.
    """

    __slots__ = (
        "_chunks",
        "_home",
        "_input",
        "_left",
        "_method",
        "_poll",
        "_reading",
        "_response",
        "_tunnel",
        "_until_close",
        "asker",
        "deadline_s",
        "generation",
        "idle_deadline_s",
        "idle_since_s",
        "reusable",
        "served",
        "transport",
    )

    def __init__(self, home: Home, generation: int) -> None:
        self._home = home
        self.generation = generation
        self.transport: asyncio.Transport | None = None
        self.asker: Asker | None = None
        self.served = 0
        self.idle_since_s = 0.0
        self.idle_deadline_s = 0.0
        self.deadline_s = _NEVER_S
        self.reusable = False
        self._method = b""
        self._input = b""
        self._response: ResponseHead | None = None
        self._left = 0
        self._until_close = False
        self._chunks: ChunkedBody | None = None
        self._tunnel = False
        self._reading = True
        self._poll: select.poll | None = None

    def __repr__(self) -> str:
        return f"<NodeConnection served={self.served} {'busy' if self.asker else 'idle'}>"

    # What the exchange does with it.

    def send(self, asker: Asker, method: bytes, data: bytes) -> None:
        """Send a request's head, and what of its body is there."""
        assert self.transport is not None  # noqa: S101 - nobody gets a connection that does not stand
        self.asker = asker
        self._method = method
        self._response = None
        self.reusable = False
        self.transport.write(data)

    def write(self, data: bytes) -> None:
        """Send more of the request."""
        if self.transport is not None:
            self.transport.write(data)

    def write_eof(self) -> None:
        """Send no more: the client of a tunnel has said its last word."""
        if self.transport is not None and not self.transport.is_closing():
            with suppress(OSError):  # it was reset, which nobody has read yet
                self.transport.write_eof()

    def pause(self) -> None:
        """Read no more until :meth:`resume`: the client is slower than the node."""
        if self._reading and self.transport is not None and not self.transport.is_closing():
            self._reading = False
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if not self._reading and self.transport is not None:
            self._reading = True
            if not self.transport.is_closing():
                self.transport.resume_reading()

    def let_go(self) -> None:
        """The exchange has done with it, in the middle of things or at their end."""
        self.asker = None
        self.deadline_s = _NEVER_S
        if not self._reading:
            self.resume()

    def abort(self) -> None:
        """Drop it at once."""
        self.let_go()
        if self.transport is not None:
            self.transport.abort()

    def close(self) -> None:
        """Close it in good order, after what was written has left; but not for ever."""
        self.let_go()
        if self.transport is not None:
            if not self.is_flushed:
                self.deadline_s = self._home.now() + self._home.timeouts.server
            self.transport.close()

    @property
    def is_flushed(self) -> bool:
        """Whether all that was written has left us."""
        return self.transport is None or not self.transport.get_write_buffer_size()

    def is_stale(self) -> bool:
        """Whether an idle connection has anything to read: bytes nobody asked for, or, far more often, its end."""
        if self.transport is None or self.transport.is_closing():
            return True
        return self._poll is not None and bool(self._poll.poll(0))

    # What the event loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self.transport = transport = cast(asyncio.Transport, transport)  # uvloop does not inherit from it
        sock = transport.get_extra_info("socket")
        if sock is not None:
            self._poll = select.poll()
            self._poll.register(sock.fileno(), select.POLLIN)
        self._home.attached(self)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        asker = self.asker
        if asker is None:  # nobody asked: what is next would be taken for the answer to another's request
            self._home.lost(self)
            self.abort()
        elif self._tunnel:
            asker.tunnelled(data)
        elif self._response is not None:
            self._on_body(asker, data)
        else:
            self._on_head(asker, self._input + data if self._input else data)

    def eof_received(self) -> bool:
        """The node will send no more; a tunnel may go on in the other direction."""
        if self._tunnel and self.asker is not None:
            self.asker.tunnel_ended()
            return True
        if self.asker is None:
            self._home.lost(self)  # and not only when it is closed: until then it could be taken
        elif not self.is_flushed and self.transport is not None:
            self.transport.abort()  # else it would stand until the node has read what it may never read
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is no more."""
        self.transport = None
        self._poll = None
        self._home.lost(self)
        asker, self.asker = self.asker, None
        if asker is None:
            return
        if self._tunnel:
            asker.tunnel_ended()
        elif self._response is not None and self._until_close and exc is None:
            asker.more((), complete=True)
        elif self._response is not None:
            asker.node_failed(Failure.BAD_RESPONSE, "the response broke off")
        elif self._input:
            asker.node_failed(Failure.BAD_RESPONSE, "the connection ended in the middle of the response's head")
        else:
            failure = Failure.CLOSED_REUSED if self.served or self.idle_since_s else Failure.CLOSED_FRESH
            asker.node_failed(failure, str(exc) if exc else "the connection was closed without a response")

    def pause_writing(self) -> None:
        """The node is slower than the client."""
        if self.asker is not None:
            self.asker.upload_blocked(blocked=True)

    def resume_writing(self) -> None:
        """The node takes data again."""
        if self.asker is not None:
            self.asker.upload_blocked(blocked=False)

    # Responses.

    def _on_head(self, asker: Asker, data: bytes) -> None:
        while True:
            try:
                response = self._home.scanner.first(data, self._method)
            except BadResponseError as error:
                self._fail(str(error))
                return
            if response is None:
                self._without_head(data)
                return
            data = data[response.size :]
            self._input = b""
            if response.status >= 200:
                break
            if response.status == 101:
                self._switch(asker, response, data)
                return
            asker.interim(response)
            if self.asker is not asker:
                return
            if not data:
                return
        self._begin(asker, response, data)

    def _without_head(self, data: bytes) -> None:
        """The head is not complete."""
        if data[:5] != b"HTTP/"[: len(data)]:
            self._fail("what came is no HTTP response")
        elif BARE_LINE_END.search(data):
            self._fail("a line of the response's head does not end with CR LF")
        else:
            self._input = data

    def _begin(self, asker: Asker, response: ResponseHead, data: bytes) -> None:
        self._response = response
        self.reusable = response.keep_alive
        length = response.length
        if length >= 0:
            self._left = length - len(data)
            if self._left <= 0:
                if self._left < 0:
                    data = data[:length]
                    self.reusable = False  # there is more than a response: the node and we do not agree on its end
                self._over()
                asker.respond(response, (data,) if data else (), complete=True)
                return
            asker.respond(response, (data,) if data else (), complete=False)
        elif length == UNTIL_CLOSE:
            self._until_close = True
            asker.respond(response, (data,) if data else (), complete=False)
        else:
            self._chunks = ChunkedBody(self._home.scanner.limits.header_bytes)
            asker.respond(response, (), complete=False)
            if data and self.asker is asker:
                self._on_body(asker, data)

    def _on_body(self, asker: Asker, data: bytes) -> None:
        if self._chunks is not None:
            self._on_chunks(asker, self._chunks, data)
        elif self._until_close:
            asker.more((data,), complete=False)
        else:
            self._left -= len(data)
            if self._left > 0:
                asker.more((data,), complete=False)
                return
            if self._left < 0:
                data = data[: self._left]
                self.reusable = False
            self._over()
            asker.more((data,), complete=True)

    def _on_chunks(self, asker: Asker, chunks: ChunkedBody, data: bytes) -> None:
        try:
            pieces = chunks.feed(data)
        except BadChunkError as error:
            self._fail(str(error))
            return
        if chunks.complete:
            self.reusable = self.reusable and not chunks.rest
            self._over()
            asker.more(pieces, complete=True, trailers=chunks.trailers)
        elif pieces:
            asker.more(pieces, complete=False)

    def _over(self) -> None:
        """The response is complete; the exchange decides what becomes of the connection."""
        self.served += 1
        self._response = None
        self._chunks = None
        self.deadline_s = _NEVER_S

    def _switch(self, asker: Asker, response: ResponseHead, rest: bytes) -> None:
        self._tunnel = True
        self._response = response
        asker.switched(response, rest)

    def _fail(self, detail: str) -> None:
        asker = self.asker
        self.abort()
        if asker is not None:
            asker.node_failed(Failure.BAD_RESPONSE, detail)


_NEVER_S: Final = float("inf")
