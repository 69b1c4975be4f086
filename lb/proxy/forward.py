"""Heads written anew: a client's request as its node gets it, a node's response as its client gets it.

Ours are added after the other side's ``Connection`` was obeyed, so that ``Connection: X-Forwarded-For`` cannot take
away what we add.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lb.http.fields import TOKEN
from lb.http.request import CHUNKED, RequestHead
from lb.http.response import CHUNKED as RESPONSE_CHUNKED
from lb.http.response import ResponseHead

NAME: Final = "zdu-lb"
"""How we name ourselves in Via and Proxy-Status (RFC 9110 7.6.3, RFC 9209)."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a client's connection, and what is said of it to the nodes.

    ``introduction`` is all that can be said beforehand, as the beginning of lines that end with the host that the
    client asked for: they are said of a client that is not ``trusted`` to say them itself.
    """

    address: str
    encoded: bytes
    trusted: bool
    facts: bytes
    introduction: bytes

    @classmethod
    def of(cls, address: str, port: int, via: bytes, *, trusted: bool) -> "Peer":
        """The peer at ``address`` that came in at our ``port``; ``via`` is our own name."""
        encoded = address.encode("ascii", "replace")
        facts = b"X-Forwarded-Proto: http\r\nX-Forwarded-Port: %d" % port
        lines = (b"X-Forwarded-For: " + encoded, facts, b"Via: " + via, b"X-Forwarded-Host: ")
        return cls(address, encoded, trusted, facts, b"\r\n".join(lines))


def request_id_of(request: RequestHead, peer: Peer) -> bytes:
    """The request's identifier as a trusted peer gave it; empty if it gave none, or none that is fit for logs."""
    given = request.request_id
    fit = peer.trusted and len(given) <= _MAX_ID_BYTES and not given.translate(None, TOKEN)
    return given if fit else b""


def request_to_node(request: RequestHead, peer: Peer, cookies: bytes, request_id: bytes, via: bytes) -> bytes:
    """The request's head for a node, empty line included. ``cookies`` are the client's without ours."""
    host = request.host
    lines = [request.method + b" " + request.target + b" HTTP/1.1\r\nHost: " + host + request.block]
    if cookies:
        lines.append(b"Cookie: " + cookies)
    if request.chain or request.via or (request.forwarded and peer.trusted):
        _add_route(lines, request, peer, via)
    else:
        lines.append(peer.introduction + host)
    lines.append(b"X-Request-Id: " + request_id)
    if request.length:
        _add_request_framing(lines, request)
    elif request.lengths:
        lines.append(b"Content-Length: 0")  # of a POST some want to hear even that (RFC 9110 8.6)
    if request.upgrade or request.te_trailers:
        _add_connection(lines, request)
    if request.max_forwards >= 0:
        left = request.max_forwards - 1 if request.method == b"OPTIONS" else request.max_forwards
        lines.append(b"Max-Forwards: %d" % left)
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


def _add_route(lines: list[bytes], request: RequestHead, peer: Peer, via: bytes) -> None:
    """Say which way the request has come, if it has passed others before us."""
    chain = request.chain + b", " + peer.encoded if request.chain else peer.encoded
    lines.append(b"X-Forwarded-For: " + chain)
    lines.append(b"Via: " + (request.via + b", " + via if request.via else via))
    said: set[bytes] = set()
    if peer.trusted:
        lines += request.forwarded
        said = {line.partition(b":")[0] for line in request.forwarded}
    if b"X-Forwarded-Proto" not in said and b"X-Forwarded-Port" not in said:
        lines.append(peer.facts)  # both or none: our port does not go with another's scheme
    if b"X-Forwarded-Host" not in said:
        lines.append(b"X-Forwarded-Host: " + request.host)


def _add_connection(lines: list[bytes], request: RequestHead) -> None:
    connection = []
    if request.upgrade:
        connection.append(b"upgrade")
        lines.append(b"Upgrade: " + request.upgrade)
    if request.te_trailers:
        connection.append(b"te")
        lines.append(b"TE: trailers")
    lines.append(b"Connection: " + b", ".join(connection))


def _add_request_framing(lines: list[bytes], request: RequestHead) -> None:
    if request.length == CHUNKED:
        lines.append(b"Transfer-Encoding: chunked")
        if request.trailer:
            lines.append(b"Trailer: " + request.trailer)
    else:
        lines.append(b"Content-Length: %d" % request.length)
    if request.expects_continue:
        lines.append(b"Expect: 100-continue")


def response_to_client(
    response: ResponseHead,
    extras: Sequence[bytes],
    *,
    chunked: bool,
    close: bool,
    http11: bool,
    te_trailers: bool,
) -> bytes:
    """The response's head for the client, empty line included.

    ``extras`` are lines of ours, such as the sticky cookie's. A body of unknown length goes in chunks (``chunked``)
    to a client of HTTP/1.1, and until the close to one of 1.0 (RFC 9112 6.3).
    """
    lines = [b"HTTP/1.1 " + response.line + response.block]
    if chunked:
        lines.append(b"Transfer-Encoding: chunked")
        if response.trailer and te_trailers and response.length == RESPONSE_CHUNKED:
            lines.append(b"Trailer: " + response.trailer)
    if extras:
        lines += extras
    if close:
        lines.append(b"Connection: close")
    elif not http11:
        lines.append(b"Connection: keep-alive")
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


def interim_to_client(response: ResponseHead) -> bytes:
    """An informational response (RFC 9110 15.2) for the client, empty line included."""
    return b"\r\n".join((b"HTTP/1.1 " + response.line + response.block, b"\r\n"))


def switching_to_client(response: ResponseHead, extras: Sequence[bytes]) -> bytes:
    """A 101 for the client, empty line included: from here on the connection speaks another protocol."""
    upgrade = (b"Connection: upgrade", b"Upgrade: " + response.upgrade)
    return b"\r\n".join((b"HTTP/1.1 " + response.line + response.block, *extras, *upgrade, b"\r\n"))


_MAX_ID_BYTES: Final = 128
