"""Which messages may be passed on at all: those that mean the same to the node, or the client, as they mean here.

A message that two readers can read in two ways, or that would lose something on the way, is refused in words; nothing
is mended in silence. Header fields are bytes to HTTP but text to aiohttp, which writes them as UTF-8: others cannot
pass. What aiohttp's parser refuses by itself (two lengths, two Hosts, no Host, odd line ends) is not repeated here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lb.headers import Header, Headers, values


@dataclass(frozen=True)
class Unfit:
    """Why a request is not passed on: the answer's status, and why in words."""

    status: int
    text: str


@dataclass(frozen=True)
class Target:
    """A request target in origin form; ``authority`` is what an absolute one named, and overrules Host."""

    path: str
    authority: bytes | None = None


_HOST = rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)"
_AUTHORITY = re.compile(_HOST + rb"(?::[0-9]*)?")
"""``uri-host [ ":" port ]`` of RFC 9110 7.2, without user information. The host is not empty: 4.2.1 refuses that in
an http URI. The future forms of an IP-literal do not exist."""

_ABSOLUTE = re.compile(r"https?://([^/?]*)(.*)", re.IGNORECASE | re.DOTALL)


def unfit_request(target: str, headers: Headers) -> Unfit | None:
    """Why a request is not passed on, if so. ``target`` is the request line's."""
    undecodable = _undecodable(headers)
    if undecodable:
        return Unfit(400, f"the header field {undecodable} is not UTF-8")
    for host in values(headers, b"host"):
        if not _AUTHORITY.fullmatch(host):
            return Unfit(400, "Host is not a host with or without a port")
    if parse_target(target) is None:
        return Unfit(400, "unsupported request target")
    codings = _other_codings(headers)
    return Unfit(501, f"the transfer coding {codings} is not supported, only chunked") if codings else None


def unfit_response(headers: Headers) -> str:
    """Why a node's response is not passed on; empty if it is."""
    undecodable = _undecodable(headers)
    if undecodable:
        return f"the header field {undecodable} is not UTF-8"
    codings = _other_codings(headers)
    return f"the transfer coding {codings} is not supported, only chunked" if codings else ""


def parse_target(target: str) -> Target | None:
    """The target as a node gets it (RFC 9112 3.2): None if it is neither in origin nor in absolute http(s) form."""
    if "#" in target:
        return None
    if target.startswith("/"):
        return Target(target)
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        return None
    authority, rest = absolute[1].encode("utf-8", "surrogateescape"), absolute[2]
    if not _AUTHORITY.fullmatch(authority):
        return None
    return Target(rest if rest.startswith("/") else "/" + rest, authority)


def _undecodable(headers: Iterable[Header]) -> str:
    """The name of the first field that is not UTF-8; empty if all are."""
    for name, value in headers:
        try:
            (name + value).decode("utf-8")
        except UnicodeDecodeError:
            return name.decode("ascii", "replace")
    return ""


def _other_codings(headers: Headers) -> str:
    """The transfer codings, if they are any but chunked alone."""
    codings = b",".join(values(headers, b"transfer-encoding"))
    return "" if codings.strip().lower() in {b"", b"chunked"} else codings.decode("ascii", "replace")
