"""What the client gets: a status line, exactly our header fields, and a body in the framing that fits the client.

aiohttp's own response class adds Server, Date and Content-Type of its own to what it sends; a proxy must not put
words into a node's mouth, so this one writes through the request's writer itself.
"""

import socket
import struct
from collections.abc import Iterable

from aiohttp import HttpVersion10, web
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

from lb.headers import Header, Headers, values

_BODILESS_STATUSES = frozenset({204, 304})


class Answer(web.StreamResponse):
    """One response. Framing: none, Content-Length as given, chunked, or (HTTP/1.0) until the connection closes."""

    def __init__(self, status: int, reason: str, headers: Headers, *, close: bool = False) -> None:
        super().__init__(status=status, reason=reason)
        self._fields = headers
        self._close = close
        self._request: web.BaseRequest | None = None
        self._writer: AbstractStreamWriter | None = None
        self._finished = False
        self.sent_bytes = 0
        self.bodiless = False
        self._until_close = False

    @property
    def keep_alive(self) -> bool:
        """Whether the client's connection may be used for another request."""
        return not self._close

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Send the head, once."""
        if self._writer is not None:
            return self._writer
        self._request = request
        self._writer = writer = request.writer
        fields = CIMultiDict((name.decode(), value.decode()) for name, value in self._framed(request, writer))
        self._close = self._close or not request.keep_alive or self._until_close
        if self._close:
            fields["Connection"] = "close"
        elif request.version == HttpVersion10:
            fields["Connection"] = "keep-alive"
        await writer.write_headers(f"HTTP/1.1 {self.status} {self.reason}", fields)
        writer.send_headers()
        return writer

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send a piece of the body; returns when there is room for more."""
        assert self._writer is not None, "prepare() comes first"  # noqa: S101 - a contract with our own caller
        if data and not self.bodiless:
            self.sent_bytes += len(data)
            await self._writer.write(data)

    async def write_eof(self, data: bytes = b"") -> None:
        """Say that the body is complete, once."""
        if self._finished or self._writer is None:
            return
        self._finished = True
        await self._writer.write_eof(data)

    def break_off(self) -> None:
        """Close the client's connection in such a way that the response cannot be taken for complete."""
        self._close = self._finished = True
        transport = self._request.transport if self._request is not None else None
        if transport is None:
            return
        if self._until_close:
            # Closing is this framing's normal end; only a reset tells that something is missing.
            sock: socket.socket = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        else:
            transport.close()

    def _framed(self, request: web.BaseRequest, writer: AbstractStreamWriter) -> Iterable[Header]:
        """The header fields with the framing that RFC 9112 6 asks for; sets the writer to it."""
        self.bodiless = request.method == "HEAD" or self.status in _BODILESS_STATUSES
        has_length = bool(values(self._fields, b"content-length"))
        if self.bodiless:
            dropped = b"content-length" if self.status == 204 else b""
            return [header for header in self._fields if header[0].lower() != dropped]
        if has_length:
            return self._fields
        if request.version == HttpVersion10:
            self._until_close = True
            return self._fields
        writer.enable_chunking()
        return [*self._fields, (b"Transfer-Encoding", b"chunked")]


def own_answer(
    status: int, text: str, *, error: str, reason: str, retry_after_s: int | None = None, close: bool = False
) -> Answer:
    """An answer of the load balancer's own: small, plain, and marked as such (RFC 9209's Proxy-Status)."""
    body = f"{status} {web.Response(status=status).reason}\n{text}\n".encode()
    printable = "".join(char if " " <= char <= "~" else "?" for char in text)
    details = printable.replace("\\", "\\\\").replace('"', '\\"').encode("ascii")
    headers: list[Header] = [
        (b"Content-Type", b"text/plain; charset=utf-8"),
        (b"Content-Length", str(len(body)).encode("ascii")),
        (b"Cache-Control", b"no-store"),
        (b"Proxy-Status", b'zdu-lb; error=%b; details="%b"' % (error.encode("ascii"), details)),
        (b"X-LB-Error", reason.encode("ascii", "replace")),
    ]
    if retry_after_s is not None:
        headers.append((b"Retry-After", str(retry_after_s).encode("ascii")))
    return OwnAnswer(status, "", tuple(headers), body, close=close)


class OwnAnswer(Answer):
    """An :class:`Answer` that brings its own body."""

    def __init__(self, status: int, reason: str, headers: Headers, body: bytes, *, close: bool) -> None:
        super().__init__(status, reason or (web.Response(status=status).reason or ""), headers, close=close)
        self._own_body = body

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the body."""
        if not self._finished and not self.bodiless:
            self.sent_bytes = len(self._own_body)
            data = self._own_body
        await super().write_eof(data)
