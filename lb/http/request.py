"""A request's head: scanned, judged, and taken apart into what passes on and what is for us.

The rules are those of RFC 9112 3, 5 and 6 and RFC 9110 7, on the strict side wherever they leave a choice. A refusal
names the status to answer with; after one the connection is closed, because nobody knows where the next request
begins.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from lb.config import Limits
from lb.http.fields import (
    DROPPED,
    TOKEN,
    VISIBLE,
    BadFieldError,
    Connection,
    Lines,
    Rule,
    block,
    connection,
    lines_of,
    listed,
    without,
)

if TYPE_CHECKING:
    from lb.http._heads import ScannedRequest

CHUNKED: Final = -1
"""A body's length if it is chunked."""

MAX_DIGITS: Final = 18
"""Of a Content-Length; more would not be a length but an attack on somebody's integers."""


class Refusal(Exception):
    """A request that is not passed on: the status to answer with, and why in words. Raised by the scanner only."""

    def __init__(self, status: int, text: str, reason: str = "bad-request") -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.reason = reason


class RequestHead:
    """What a request's head says."""

    __slots__ = (
        "block",
        "chain",
        "codings",
        "connection",
        "cookies",
        "expects_continue",
        "forwarded",
        "host",
        "hosts",
        "http11",
        "idempotency_key",
        "keep_alive",
        "length",
        "lengths",
        "max_forwards",
        "method",
        "request_id",
        "size",
        "target",
        "te_trailers",
        "trailer",
        "upgrade",
        "upgrades",
        "via",
    )

    def __init__(self, method: bytes, target: bytes, http11: bool) -> None:
        self.method = method
        self.target = target
        self.http11 = http11
        self.keep_alive = http11
        self.size = 0
        """How many bytes it took, with the empty line."""
        self.block = b""
        """The lines that pass on, as they will be written, each after a line break."""
        self.host = b""
        self.length = 0
        """Of the body in bytes, or CHUNKED."""
        self.cookies = b""
        """The values of all Cookie fields, as one."""
        self.expects_continue = False
        self.upgrade = b""
        """What the client offers to upgrade to; empty if it offers nothing, or not to us."""
        self.te_trailers = False
        self.trailer = b""
        self.chain = b""
        """X-Forwarded-For."""
        self.forwarded: tuple[bytes, ...] = ()
        """The lines X-Forwarded-Proto, -Host and -Port, and Forwarded."""
        self.via = b""
        self.request_id = b""
        self.max_forwards = -1
        self.idempotency_key = False
        self.hosts = 0
        self.lengths: tuple[bytes, ...] = ()
        self.codings: tuple[bytes, ...] = ()
        self.connection: Connection | None = None
        self.upgrades: tuple[bytes, ...] = ()

    @property
    def fields(self) -> list[bytes]:
        """The lines that pass on."""
        return lines_of(self.block)

    def __repr__(self) -> str:
        return f"<RequestHead {self.method!r} {self.target!r} length={self.length}>"


class RequestScanner:
    """Scans request heads within ``limits``; remembers the lines it has seen.

    ``in_c`` says that the scanner in C is to be used where it is there.
    """

    def __init__(self, limits: Limits, *, in_c: bool = True) -> None:
        self.limits = limits
        self._lines = Lines(_RULES, frozenset({b"cookie", b"referer", b"x-request-id"}))
        self._heads = self._lines.heads(limits) if in_c else None
        self._good_hosts: set[bytes] = set()

    def first(self, data: bytes) -> RequestHead | None:
        """Scan the first head in ``data``; None if it is not complete. Raises Refusal.

        One empty line before it is ignored (RFC 9112 2.2).
        """
        scanned = self._heads.request(data, False) if self._heads is not None else None
        if scanned is not None:
            return self._told(scanned)
        end = data.find(b"\r\n\r\n")
        if end <= 0:
            return None
        if end > self.limits.header_bytes:
            raise too_long(data, self.limits)
        request = self._scan(data[data.startswith(b"\r\n") * 2 : end])
        request.size = end + 4
        return request

    def scan(self, head: bytes) -> RequestHead:
        """Scan a head, given without the empty line that ends it. Raises Refusal."""
        scanned = self._heads.request(head, True) if self._heads is not None else None
        return self._scan(head) if scanned is None else self._told(scanned)

    def _told(self, scanned: "ScannedRequest") -> RequestHead:
        """What the scanner in C found."""
        method, target, http11, passing, told, size = scanned
        request = RequestHead(method, target, http11)
        request.block = passing
        request.size = size
        self._lines.tell(request, told)
        self._judge(request)
        return request

    def _scan(self, head: bytes) -> RequestHead:
        lines = head.split(b"\r\n")
        request = self._request_line(lines[0])
        if len(lines) > self.limits.header_count + 1:
            raise Refusal(431, f"more than {self.limits.header_count} header fields", "header-count")
        written = list(map(self._lines.passing.get, lines))
        written[0] = None
        try:
            self._lines.take(request, written, lines)
        except BadFieldError as error:
            raise Refusal(400, str(error)) from None
        request.block = b"\r\n".join((b"", *filter(None, written)))
        self._judge(request)
        return request

    def _judge(self, request: RequestHead) -> None:
        """What its fields mean together."""
        if request.lengths or request.codings:
            _frame(request)
        if not request.length:
            request.expects_continue = False  # without a body there is nothing to be asked for
        if request.connection is not None:
            _obey_connection(request, request.connection)
        self._address(request)

    def _request_line(self, line: bytes) -> RequestHead:
        parts = line.split(b" ")
        if len(parts) != 3:
            raise Refusal(400, "the request line is not a method, a target and a version with one space between")
        method, target, version = parts
        if version == b"HTTP/1.1":
            http11 = True
        elif version == b"HTTP/1.0":
            http11 = False
        elif _VERSION.fullmatch(version):
            raise Refusal(505, "only HTTP/1.1 and HTTP/1.0 are spoken here", "unsupported-version")
        else:
            raise Refusal(400, "the request line does not end with an HTTP version")
        if not method or method.translate(None, TOKEN):
            raise Refusal(400, "the method is not a token")
        if len(target) > self.limits.target_bytes:
            raise Refusal(414, f"the target is longer than {self.limits.target_bytes} bytes", "target-length")
        if not target or target.translate(None, VISIBLE) or b"#" in target:
            raise Refusal(400, "the target is empty or has characters that no target has")
        return RequestHead(method, target, http11)

    def _address(self, request: RequestHead) -> None:
        """Target and Host (RFC 9112 3.2): the target as a node gets it, and one host that is one."""
        if request.hosts > 1:
            raise Refusal(400, "more than one Host")
        if request.hosts:
            self._check_host(request.host)
        elif request.http11:
            raise Refusal(400, "no Host")
        method, target = request.method, request.target
        if method == b"CONNECT" or method == b"PRI":  # noqa: PLR1714 - a set costs twice as much, for every request
            # Whatever the target: to some readers what follows is no HTTP any more, but a tunnel's (RFC 9110 9.3.6),
            # or HTTP/2 (RFC 9113 3.4).
            raise Refusal(501, f"{method.decode('ascii')} is not supported", "unsupported-method")
        if target[:1] == b"/":
            return
        if target == b"*" and method == b"OPTIONS":
            return
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is None:
            raise Refusal(400, "the target is neither a path nor an http URI")
        self._check_host(absolute[1])
        request.host = absolute[1]
        rest = absolute[2]
        if not rest and method == b"OPTIONS":
            request.target = b"*"  # RFC 9112 3.2.4
        else:
            request.target = rest if rest[:1] == b"/" else b"/" + rest

    def _check_host(self, host: bytes) -> None:
        if host in self._good_hosts:
            return
        if not _AUTHORITY.fullmatch(host):
            raise Refusal(400, "Host is not a host with or without a port")
        if len(self._good_hosts) < _REMEMBERED_HOSTS:
            self._good_hosts.add(host)


def too_long(data: bytes, limits: Limits) -> Refusal:
    """Which limit a head is over that is too long as a whole; ``data`` is what has come of it."""
    line = data.lstrip(b"\r\n").partition(b"\r\n")[0]
    if len(line) > limits.target_bytes:
        return Refusal(414, "the target is too long", "target-length")
    return Refusal(431, "the request's head is too long", "header-bytes")


def _frame(request: RequestHead) -> None:
    """RFC 9112 6.3; where it allows a choice between refusing and guessing, refused."""
    codings, lengths = request.codings, request.lengths
    if codings:
        if lengths:
            raise Refusal(400, "both Content-Length and Transfer-Encoding", "ambiguous-framing")
        if not request.http11:
            raise Refusal(400, "Transfer-Encoding in an HTTP/1.0 request", "ambiguous-framing")
        if len(codings) > 1 or codings[0].lower() != b"chunked":
            if _OTHER_CODINGS.fullmatch(b", ".join(codings).lower()):
                raise Refusal(501, "no transfer coding but chunked alone is supported", "unsupported-coding")
            raise Refusal(400, "Transfer-Encoding is not chunked", "ambiguous-framing")
        request.length = CHUNKED
        return
    if len(lengths) > 1:
        raise Refusal(400, "more than one Content-Length", "ambiguous-framing")
    if not lengths[0].isdigit() or len(lengths[0]) > MAX_DIGITS:
        raise Refusal(400, "Content-Length is not a number of bytes", "ambiguous-framing")
    request.length = int(lengths[0])


def _obey_connection(request: RequestHead, asked: Connection) -> None:
    """RFC 9110 7.6.1: do what Connection says, and take away the fields it names."""
    if asked.close:
        request.keep_alive = False
    elif asked.keep_alive:
        request.keep_alive = True
    if asked.upgrade and request.upgrades and request.http11 and not request.length:
        # With a body no upgrade is offered: some readers take the body for the first bytes of the other protocol,
        # and, if they decline, for a request.
        offered = [name.strip(b" \t") for value in request.upgrades for name in value.split(b",")]
        fit = [name for name in offered if _PROTOCOL.fullmatch(name) and name.lower() not in _HTTP2]
        request.upgrade = b", ".join(fit)
    if asked.others:
        request.block = block(without(request.fields, asked.others))
        request.forwarded = tuple(without(request.forwarded, asked.others))
        if b"x-forwarded-for" in asked.others:
            request.chain = b""
        if b"x-request-id" in asked.others:
            request.request_id = b""
        if b"idempotency-key" in asked.others:
            request.idempotency_key = False


def _host(request: RequestHead, value: bytes) -> None:
    request.hosts += 1
    request.host = value


def _cookie(request: RequestHead, value: bytes) -> None:
    request.cookies = request.cookies + b"; " + value if request.cookies else value


def _connection(request: RequestHead, asked: Connection) -> None:
    request.connection = request.connection | asked if request.connection else asked


def _content_length(request: RequestHead, value: bytes) -> None:
    request.lengths = (*request.lengths, value)


def _transfer_encoding(request: RequestHead, value: bytes) -> None:
    request.codings = (*request.codings, value)


def _expect(request: RequestHead, value: bytes) -> None:
    if value.lower() != b"100-continue":
        raise Refusal(417, "the only expectation that can be met is 100-continue", "expectation")
    request.expects_continue = request.http11


def _upgrade(request: RequestHead, value: bytes) -> None:
    request.upgrades = (*request.upgrades, value)


def _te(request: RequestHead, value: bytes) -> None:
    request.te_trailers = request.te_trailers or b"trailers" in listed(value)


def _trailer(request: RequestHead, value: bytes) -> None:
    request.trailer = request.trailer + b", " + value if request.trailer else value


def _forwarded_for(request: RequestHead, value: bytes) -> None:
    request.chain = request.chain + b", " + value if request.chain else value


def _forwarded(name: bytes) -> Rule[RequestHead]:
    def apply(request: RequestHead, value: bytes) -> None:
        request.forwarded = (*request.forwarded, name + b": " + value)

    return Rule(apply)


def _via(request: RequestHead, value: bytes) -> None:
    request.via = request.via + b", " + value if request.via else value


def _request_id(request: RequestHead, value: bytes) -> None:
    request.request_id = value


def _max_forwards(request: RequestHead, value: bytes) -> None:
    if not value.isdigit() or len(value) > MAX_DIGITS:
        raise Refusal(400, "Max-Forwards is not a number")
    request.max_forwards = int(value)


def _idempotency_key(request: RequestHead, value: bytes) -> None:
    request.idempotency_key = bool(value)


_RULES: Final[Mapping[bytes, Rule[RequestHead]]] = {
    b"host": Rule(_host),
    b"cookie": Rule(_cookie),
    b"connection": Rule(_connection, connection),
    b"content-length": Rule(_content_length),
    b"transfer-encoding": Rule(_transfer_encoding),
    b"expect": Rule(_expect),
    b"upgrade": Rule(_upgrade),
    b"te": Rule(_te),
    b"trailer": Rule(_trailer),
    b"x-forwarded-for": Rule(_forwarded_for),
    b"x-forwarded-proto": _forwarded(b"X-Forwarded-Proto"),
    b"x-forwarded-host": _forwarded(b"X-Forwarded-Host"),
    b"x-forwarded-port": _forwarded(b"X-Forwarded-Port"),
    b"forwarded": _forwarded(b"Forwarded"),
    b"via": Rule(_via),
    b"x-request-id": Rule(_request_id),
    b"max-forwards": Rule(_max_forwards),
    b"idempotency-key": Rule(_idempotency_key, passes=True),
    b"keep-alive": DROPPED,
    b"proxy-connection": DROPPED,  # the browsers' old mistake
    b"proxy-authorization": DROPPED,
    b"http2-settings": DROPPED,  # belongs to an upgrade to HTTP/2, which we do not make
}
"""RFC 9110 7.6.1, and what we write ourselves."""

_REMEMBERED_HOSTS: Final = 256
_HTTP2: Final = frozenset({b"h2c", b"h2", b"http/2.0", b"http/2"})
"""Never offered to a node: inside such a tunnel there would be requests that nobody looks at."""

_PROTOCOL: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:/[!#$%&'*+.^_`|~0-9A-Za-z-]+)?")
"""RFC 9110 7.8."""

_VERSION: Final = re.compile(rb"HTTP/[0-9]\.[0-9]")
_ABSOLUTE: Final = re.compile(rb"http://([^/?]*)(.*)", re.IGNORECASE)
_OTHER_CODINGS: Final = re.compile(rb"(?:(?:gzip|x-gzip|deflate|compress|x-compress|br|zstd),[ \t]*)+chunked")
"""Real codings before the final chunked: not an attack, only more than we do."""

_HOST: Final = rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})+)"
_AUTHORITY: Final = re.compile(_HOST + rb"(?::[0-9]{0,5})?")
"""``uri-host [ ":" port ]`` of RFC 9110 7.2, without user information and without the comma of a list. The host is
not empty: 4.2.1 refuses that in an http URI. The future forms of an IP-literal do not exist."""
