"""What a proxy does to header fields: hop-by-hop removal, X-Forwarded-*, Via, and the sticky cookie.

Works on raw (name, value) pairs in their order, because order and repetition carry meaning (several Set-Cookie) and
because header fields are bytes, not text. Ours are added after the client's ``Connection`` list was obeyed, so that
``Connection: X-Forwarded-For`` cannot take away what we add.
"""

from collections.abc import Iterable
from dataclasses import dataclass

Header = tuple[bytes, bytes]
Headers = tuple[Header, ...]

VIA = b"1.1 zdu-lb"
"""How we name ourselves to the nodes (RFC 9110 7.6.3)."""

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""RFC 9110 7.6.1 and RFC 2616 13.5.1; Proxy-Connection is the browsers' old mistake. TE and Trailer go because
trailers are not forwarded."""

_NEVER_NAMED = frozenset({b"host", b"content-length", b"cookie", b"authorization", b"content-type"})
"""End-to-end fields that a Connection field must not take away: doing so would change what the message means."""


@dataclass(frozen=True)
class Peer:
    """The client's side of the connection a request came in on."""

    address: str
    scheme: str = "http"


def values(headers: Iterable[Header], name: bytes) -> list[bytes]:
    """All values of the field ``name`` (lower case), in order."""
    return [value for key, value in headers if key.lower() == name]


def strip_hop_by_hop(headers: Iterable[Header]) -> Headers:
    """``headers`` without those that are meant for one hop only, including all that ``Connection`` names."""
    kept = tuple(headers)
    named = {
        token.strip().lower() for value in values(kept, b"connection") for token in value.split(b",") if token.strip()
    }
    gone = HOP_BY_HOP | (named - _NEVER_NAMED)
    return tuple((name, value) for name, value in kept if name.lower() not in gone)


def sticky_node(headers: Iterable[Header], cookie: str) -> str | None:
    """The node named by our cookie (``ROUTEID=.node1`` is ``node1``, Apache's form); None without one."""
    wanted = cookie.encode("ascii")
    for value in values(headers, b"cookie"):
        for pair in value.split(b";"):
            name, _, node = pair.strip().partition(b"=")
            if name == wanted:
                return node.decode("latin-1").removeprefix(".")
    return None


def sticky_cookie(cookie: str, node: str) -> Header:
    """The Set-Cookie that binds a session to ``node``: a session cookie, out of reach of scripts."""
    return b"Set-Cookie", f"{cookie}=.{node}; Path=/; HttpOnly; SameSite=Lax".encode("ascii")


def without_cookie(headers: Iterable[Header], cookie: str) -> Headers:
    """``headers`` without our cookie; all other cookies stay byte for byte, an emptied Cookie field goes."""
    wanted = cookie.encode("ascii")
    result: list[Header] = []
    for name, value in headers:
        if name.lower() != b"cookie":
            result.append((name, value))
            continue
        pairs = value.split(b";")
        kept = [pair for pair in pairs if pair.strip().partition(b"=")[0] != wanted]
        if len(kept) == len(pairs):
            result.append((name, value))
        elif any(pair.strip() for pair in kept):
            result.append((name, b";".join(kept).strip()))
    return tuple(result)


def with_host(headers: Iterable[Header], authority: bytes | None) -> Headers:
    """``headers`` with ``authority`` for Host: an absolute target's overrules what Host says (RFC 9112 3.2.2)."""
    kept = tuple(headers)
    if authority is None:
        return kept
    return ((b"Host", authority), *(header for header in kept if header[0].lower() != b"host"))


def request_to_node(headers: Iterable[Header], peer: Peer, cookie: str) -> Headers:
    """The client's header fields as the node gets them. Expect is ours to answer, so it does not go on."""
    dropped = {b"expect", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"via"}
    received = tuple(headers)
    kept = without_cookie(strip_hop_by_hop(received), cookie)
    chain = [*values(received, b"x-forwarded-for"), peer.address.encode("ascii")]
    ours: list[Header] = [
        (b"X-Forwarded-For", b", ".join(chain)),
        (b"X-Forwarded-Proto", peer.scheme.encode("ascii")),
    ]
    host = values(received, b"host")
    if host:
        ours.append((b"X-Forwarded-Host", host[0]))
    ours.append((b"Via", b", ".join([*values(received, b"via"), VIA])))
    return (*(header for header in kept if header[0].lower() not in dropped), *ours)


def response_to_client(headers: Iterable[Header], ours: Iterable[Header] = ()) -> Headers:
    """The node's header fields as the client gets them, ``ours`` at the end."""
    return (*strip_hop_by_hop(headers), *ours)


def wants_websocket(headers: Iterable[Header]) -> bool:
    """True if the request asks to become a WebSocket (RFC 6455). Other upgrades may be ignored (RFC 9110 7.8)."""
    return b"websocket" in {value.strip().lower() for value in values(headers, b"upgrade")}
