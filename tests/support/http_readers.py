"""HTTP/1.1 messages as three read them: we, h11 and httptools. The last two are as nodes and clients may be."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import h11
import httptools

from lb.config import Limits
from lb.http.chunked import BadChunkError, ChunkedBody, chunk, last_chunk
from lb.http.request import CHUNKED, Refusal, RequestHead, RequestScanner
from lb.http.response import UNTIL_CLOSE, BadResponseError, ResponseHead, ResponseScanner
from lb.proxy.forward import Peer, request_to_node, response_to_client

Fields = tuple[tuple[bytes, bytes], ...]

VIA = b"1.1 zdu-lb-test"
OUR_ID = b"id-of-ours"
STRANGER = Peer.of("192.0.2.7", 8080, VIA, trusted=False)
FRIEND = Peer.of("192.0.2.8", 8080, VIA, trusted=True)


class Nothing(Enum):
    """What becomes of bytes that are no message."""

    REFUSED = "refused"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True)
class Message:
    """One message. ``start`` is method and target, or the status; names are in lower case; ``rest`` came after it."""

    start: tuple[bytes, ...]
    fields: Fields
    body: bytes = b""
    trailers: Fields = ()
    rest: bytes = b""

    def values(self, name: bytes) -> list[bytes]:
        return [value for known, value in self.fields if known == name]


Outcome = Message | Nothing


# h11


def h11_request(data: bytes) -> Outcome:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1024 * 1024)
    return _h11(connection, data, ended=False)


def h11_response(data: bytes, method: bytes = b"GET", *, ended: bool = False) -> Outcome:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1024 * 1024)
    offer = [("Upgrade", "websocket"), ("Connection", "upgrade")]
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "a"), *offer]))
    connection.send(h11.EndOfMessage())
    return _h11(connection, data, ended=ended)


def _h11(connection: h11.Connection, data: bytes, *, ended: bool) -> Outcome:
    start: tuple[bytes, ...] = ()
    fields: Fields = ()
    body = b""
    try:
        connection.receive_data(data)
        if ended:
            connection.receive_data(b"")
        while True:
            match connection.next_event():
                case h11.Request() as head:
                    start, fields = (head.method, head.target), _normal(list(head.headers))
                case h11.Response() as head:
                    start, fields = (b"%d" % head.status_code,), _normal(list(head.headers))
                case h11.InformationalResponse(status_code=101) as head:
                    return Message((b"101",), _normal(list(head.headers)), rest=connection.trailing_data[0])
                case h11.Data() as part:
                    body += bytes(part.data)
                case h11.EndOfMessage() as end:
                    trailers = _normal(list(end.headers))
                    return Message(start, fields, body, trailers, connection.trailing_data[0])
                case h11.ConnectionClosed() | h11.NEED_DATA | h11.PAUSED:
                    return Nothing.INCOMPLETE
    except h11.RemoteProtocolError:
        return Nothing.REFUSED


# httptools


class _Parser(Protocol):
    def feed_data(self, data: bytes) -> None: ...


class _Listener:
    def __init__(self) -> None:
        self.began = self.ended = 0
        self.url = self.body = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.trailers: list[tuple[bytes, bytes]] = []
        self.in_head = True

    def on_message_begin(self) -> None:
        self.began += 1

    def on_url(self, url: bytes) -> None:
        if self.began == 1:
            self.url += url

    def on_header(self, name: bytes, value: bytes | None) -> None:
        if self.began == 1:
            (self.fields if self.in_head else self.trailers).append((name, value or b""))

    def on_headers_complete(self) -> None:
        self.in_head = False

    def on_body(self, body: bytes) -> None:
        if self.began == 1:
            self.body += body

    def on_message_complete(self) -> None:
        self.ended += 1


def httptools_request(data: bytes) -> Outcome:
    listener = _Listener()
    parser = httptools.HttpRequestParser(listener)
    return _httptools(parser, listener, data, lambda: (parser.get_method(), listener.url), ended=False)


def httptools_response(data: bytes, *, ended: bool = False) -> Outcome:
    """Without a word about the request: httptools cannot be told of it. ``data`` has no informational responses."""
    listener = _Listener()
    parser = httptools.HttpResponseParser(listener)
    return _httptools(parser, listener, data, lambda: (b"%d" % parser.get_status_code(),), ended=ended)


def _httptools(
    parser: _Parser, listener: _Listener, data: bytes, start: Callable[[], tuple[bytes, ...]], *, ended: bool
) -> Outcome:
    """``rest`` of what it returns only says that there is one: httptools does not tell where a message ends."""
    rest = b""
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade as upgrade:
        rest = data[upgrade.args[0] :]
    except httptools.HttpParserError:
        if not listener.ended:
            return Nothing.REFUSED
        rest = b"(something that is no message)"
    if not listener.ended and not (ended and not listener.in_head):
        return Nothing.INCOMPLETE
    if listener.began > 1:
        rest = b"(another message)"
    return Message(start(), _normal(listener.fields), listener.body, _normal(listener.trailers), rest)


def _normal(fields: list[tuple[Any, Any]]) -> Fields:
    normal = []
    for name, value in fields:
        lower = bytes(name).lower()
        text = bytes(value).strip(b" \t")
        normal.append((lower, text.lower() if lower == b"transfer-encoding" else text))
    return tuple(normal)


# We


@dataclass
class OurRequest:
    """A request that was accepted, with what is left after it."""

    head: RequestHead
    pieces: list[bytes]
    trailers: list[bytes]
    consumed: int
    rest: bytes

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def to_node(self, peer: Peer = STRANGER) -> bytes:
        """What a node gets."""
        head = request_to_node(self.head, peer, self.head.cookies, OUR_ID, VIA)
        return head + _body(self.pieces, self.trailers, chunked=self.head.length == CHUNKED)


@dataclass
class OurResponse:
    """A response that was accepted, with what is left after it."""

    head: ResponseHead
    pieces: list[bytes]
    trailers: list[bytes]
    consumed: int
    rest: bytes

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def to_client(self, *, http11: bool = True, te_trailers: bool = True) -> bytes:
        """What a client gets; with HTTP/1.0 a body of unknown length ends with the connection."""
        chunked = self.head.length < 0 and http11
        head = response_to_client(self.head, (), chunked=chunked, close=False, http11=http11, te_trailers=te_trailers)
        return head + _body(self.pieces, self.trailers if te_trailers else [], chunked=chunked)


def our_request(
    data: bytes, scanner: RequestScanner | None = None, *, cuts: list[int] | None = None
) -> OurRequest | Nothing:
    """Read a request as a client's connection does; ``cuts`` are where its body is cut into what comes at once."""
    try:
        head = (scanner or RequestScanner(Limits())).first(data)
    except Refusal:
        return Nothing.REFUSED
    if head is None:
        return Nothing.INCOMPLETE
    body = _our_body(data[head.size :], head.length, cuts or [])
    if isinstance(body, Nothing):
        return body
    pieces, trailers, rest = body
    return OurRequest(head, pieces, trailers, len(data) - len(rest), rest)


def our_response(
    data: bytes, method: bytes = b"GET", scanner: ResponseScanner | None = None, *, cuts: list[int] | None = None
) -> OurResponse | Nothing:
    """Read a response as a node's connection does."""
    try:
        head = (scanner or ResponseScanner(Limits())).first(data, method)
    except BadResponseError:
        return Nothing.REFUSED
    if head is None:
        return Nothing.INCOMPLETE
    content = data[head.size :]
    if head.length == UNTIL_CLOSE:
        return OurResponse(head, [content] if content else [], [], len(data), b"")
    body = _our_body(content, head.length, cuts or [])
    if isinstance(body, Nothing):
        return body
    pieces, trailers, rest = body
    return OurResponse(head, pieces, trailers, len(data) - len(rest), rest)


def _our_body(data: bytes, length: int, cuts: list[int]) -> tuple[list[bytes], list[bytes], bytes] | Nothing:
    if length != CHUNKED:
        if len(data) < length:
            return Nothing.INCOMPLETE
        return [data[:length]] if length else [], [], data[length:]
    body = ChunkedBody(Limits().header_bytes)
    pieces: list[bytes] = []
    rest = b""
    for part in cut(data, cuts):
        if body.complete:
            rest += part
            continue
        try:
            pieces += body.feed(part)
        except BadChunkError:
            return Nothing.REFUSED
    if not body.complete:
        return Nothing.INCOMPLETE
    return pieces, body.trailers, body.rest + rest


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    """``data`` in pieces, cut at these places; those outside of it are taken around."""
    places = sorted({place % len(data) for place in cuts} - {0}) if data else []
    return [data[begin:end] for begin, end in zip([0, *places], [*places, len(data)], strict=True)]


def _body(pieces: list[bytes], trailers: list[bytes], *, chunked: bool) -> bytes:
    if not chunked:
        return b"".join(pieces)
    return b"".join(chunk(piece) for piece in pieces) + last_chunk(trailers)
