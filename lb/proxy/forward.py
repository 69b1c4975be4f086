"""Heads written anew: a client's request as its node gets it, a node's response as its client gets it.

Ours are added after the other side's ``Connection`` was obeyed, so that ``Connection: X-Forwarded-For`` cannot take
away what we add.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lb.http.request import CHUNKED, RequestHead
from lb.http.response import CHUNKED as RESPONSE_CHUNKED
from lb.http.response import ResponseHead

NAME = "zdu-lb"
"""How we name ourselves in Via and Proxy-Status (RFC 9110 7.6.3, RFC 9209)."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a client's connection, and what is said of it to the nodes.

    ``facts`` are the lines X-Forwarded-Proto and -Port, said of a client that is not ``trusted`` to say them itself.
    """

    address: str
    encoded: bytes
    trusted: bool
    facts: bytes

    @classmethod
    def of(cls, address: str, port: int, *, trusted: bool) -> "Peer":
        """The peer at ``address`` that came in at our ``port``."""
        facts = b"X-Forwarded-Proto: http\r\nX-Forwarded-Port: %d" % port
        return cls(address, address.encode("ascii", "replace"), trusted, facts)


def request_id_of(request: RequestHead, peer: Peer) -> bytes:
    """The request's identifier as a trusted peer gave it; empty if it gave none, or none that is fit for logs."""
    given = request.request_id
    return given if peer.trusted and 0 < len(given) <= _MAX_ID_BYTES and given.isalnum() else b""


def request_to_node(request: RequestHead, peer: Peer, cookies: bytes, request_id: bytes, via: bytes) -> bytes:
    """The request's head for a node, empty line included. ``cookies`` are the client's without ours."""
    lines = [b"%b %b HTTP/1.1\r\nHost: %b" % (request.method, request.target, request.host), *request.fields]
    if cookies:
        lines.append(b"Cookie: " + cookies)
    chain = request.chain + b", " + peer.encoded if request.chain else peer.encoded
    before = request.via + b", " + via if request.via else via
    if peer.trusted and request.forwarded:
        lines += request.forwarded
        lines.append(b"X-Forwarded-For: %b\r\nVia: %b\r\nX-Request-Id: %b" % (chain, before, request_id))
    else:
        lines.append(
            b"X-Forwarded-For: %b\r\n%b\r\nX-Forwarded-Host: %b\r\nVia: %b\r\nX-Request-Id: %b"
            % (chain, peer.facts, request.host, before, request_id)
        )
    if request.length:
        _add_request_framing(lines, request)
    connection = []
    if request.upgrade:
        connection.append(b"upgrade")
        lines.append(b"Upgrade: " + request.upgrade)
    if request.te_trailers:
        connection.append(b"te")
        lines.append(b"TE: trailers")
    if connection:
        lines.append(b"Connection: " + b", ".join(connection))
    if request.max_forwards >= 0:
        left = request.max_forwards - 1 if request.method == b"OPTIONS" else request.max_forwards
        lines.append(b"Max-Forwards: %d" % left)
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


def _add_request_framing(lines: list[bytes], request: RequestHead) -> None:
    if request.length == CHUNKED:
        lines.append(b"Transfer-Encoding: chunked")
        if request.trailer:
            lines.append(b"Trailer: " + request.trailer)
    else:
        lines.append(b"Content-Length: %d" % request.length)
    if request.expects_continue:
        lines.append(b"Expect: 100-continue")


@dataclass(frozen=True, slots=True)
class Framing:
    """How a response's body goes to the client: in chunks, or as it is; ``close`` if the connection ends after it."""

    chunked: bool
    close: bool


def framing_for(response: ResponseHead, *, http11: bool, keep_alive: bool) -> Framing:
    """RFC 9112 6.3: a body of unknown length goes in chunks to a client of 1.1, and until the close to one of 1.0."""
    unknown = response.length < 0
    return Framing(chunked=unknown and http11, close=not keep_alive or (unknown and not http11))


def response_to_client(
    response: ResponseHead, framing: Framing, extras: Sequence[bytes], *, http11: bool, te_trailers: bool
) -> bytes:
    """The response's head for the client, empty line included. ``extras`` are lines of ours, the sticky cookie say."""
    lines = [b"HTTP/1.1 %d %b" % (response.status, response.reason), *response.fields]
    if response.content_length >= 0 and response.status >= 200 and response.status != 204:
        lines.append(b"Content-Length: %d" % response.content_length)
    elif framing.chunked:
        lines.append(b"Transfer-Encoding: chunked")
        if response.trailer and te_trailers and response.length == RESPONSE_CHUNKED:
            lines.append(b"Trailer: " + response.trailer)
    if extras:
        lines += extras
    if framing.close:
        lines.append(b"Connection: close")
    elif not http11:
        lines.append(b"Connection: keep-alive")
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


def interim_to_client(response: ResponseHead) -> bytes:
    """An informational response (RFC 9110 15.2) for the client, empty line included."""
    return b"\r\n".join((b"HTTP/1.1 %d %b" % (response.status, response.reason), *response.fields, b"\r\n"))


def switching_to_client(response: ResponseHead, extras: Sequence[bytes]) -> bytes:
    """A 101 for the client, empty line included: from here on the connection speaks another protocol."""
    upgrade = (b"Connection: upgrade", b"Upgrade: " + response.upgrade)
    first = b"HTTP/1.1 101 %b" % (response.reason or b"Switching Protocols")
    return b"\r\n".join((first, *response.fields, *extras, *upgrade, b"\r\n"))


_MAX_ID_BYTES = 128
