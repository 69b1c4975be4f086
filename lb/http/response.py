"""A response's head, and how its body is framed (RFC 9112 4 and 6.3).

A node's response that could be read in two ways is not mended either: the client gets 502 and no half of it.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from lb.config import Limits
from lb.http.fields import DROPPED, TEXT, BadFieldError, Connection, Lines, Rule, block, connection, lines_of, without

if TYPE_CHECKING:
    from lb.http._heads import ScannedResponse

CHUNKED: Final = -1
"""A body's length if it is chunked."""

UNTIL_CLOSE: Final = -2
"""A body's length if the end of the connection ends it."""


class BadResponseError(Exception):
    """A response that is not passed on; the text says why, for people."""


class ResponseHead:
    """What a response's head says."""

    __slots__ = (
        "block",
        "codings",
        "connection",
        "event_stream",
        "idle_timeout_s",
        "keep_alive",
        "length",
        "lengths",
        "line",
        "set_cookies",
        "size",
        "status",
        "trailer",
        "upgrade",
        "upgrades",
    )

    def __init__(self, status: int, line: bytes, keep_alive: bool) -> None:
        self.status = status
        self.line = line
        """Status and reason as they are written."""
        self.keep_alive = keep_alive
        self.size = 0
        """How many bytes it took, with the empty line."""
        self.block = b""
        """The lines that pass on, as they will be written, each after a line break."""
        self.length = UNTIL_CLOSE
        """Of the body that follows on this connection: bytes, CHUNKED or UNTIL_CLOSE."""
        self.idle_timeout_s: float | None = None
        self.event_stream = False
        self.set_cookies: tuple[bytes, ...] = ()
        self.trailer = b""
        self.upgrade = b""
        self.lengths: tuple[bytes, ...] = ()
        self.codings: tuple[bytes, ...] = ()
        self.connection: Connection | None = None
        self.upgrades: tuple[bytes, ...] = ()

    @property
    def fields(self) -> list[bytes]:
        """The lines that pass on."""
        return lines_of(self.block)

    def __repr__(self) -> str:
        return f"<ResponseHead {self.status} length={self.length}>"


class ResponseScanner:
    """Scans response heads within ``limits``; remembers the lines it has seen.

    ``in_c`` says that the scanner in C is to be used where it is there.
    """

    def __init__(self, limits: Limits, *, in_c: bool = True) -> None:
        self.limits = limits
        self._lines = Lines(_RULES, frozenset({b"set-cookie"}), underscores=True)
        self._heads = self._lines.heads(limits) if in_c else None
        self._status_lines: dict[bytes, tuple[int, bytes, bool]] = {}

    def first(self, data: bytes, method: bytes) -> ResponseHead | None:
        """Scan the first head in ``data``, of a response to a ``method`` request; None if it is not complete.

        Raises BadResponseError.
        """
        scanned = self._heads.response(data, False) if self._heads is not None else None
        if scanned is not None:
            return self._told(scanned, method)
        end = data.find(b"\r\n\r\n")
        limit = self.limits.header_bytes
        if end > limit or (end < 0 and len(data) > limit + _HALF_AN_END_BYTES):
            raise BadResponseError(f"the response's head is longer than {limit} bytes")
        if end < 0:
            return None
        response = self._scan(data[:end], method)
        response.size = end + 4
        return response

    def scan(self, head: bytes, method: bytes) -> ResponseHead:
        """Scan the head of a response to a ``method`` request, without the empty line that ends it.

        Raises BadResponseError.
        """
        scanned = self._heads.response(head, True) if self._heads is not None else None
        return self._scan(head, method) if scanned is None else self._told(scanned, method)

    def _told(self, scanned: "ScannedResponse", method: bytes) -> ResponseHead:
        """What the scanner in C found."""
        first, passing, told, size = scanned
        status, line, http11 = self._status_lines.get(first) or self._status_line(first)
        response = ResponseHead(status, line, http11)
        response.block = passing
        response.size = size
        self._lines.tell(response, told)
        _judge(response, method, http11)
        return response

    def _scan(self, head: bytes, method: bytes) -> ResponseHead:
        lines = head.split(b"\r\n")
        status, line, http11 = self._status_lines.get(lines[0]) or self._status_line(lines[0])
        if len(lines) > self.limits.header_count + 1:
            raise BadResponseError(f"more than {self.limits.header_count} header fields")
        response = ResponseHead(status, line, http11)
        written = list(map(self._lines.passing.get, lines))
        written[0] = None
        try:
            self._lines.take(response, written, lines)
        except BadFieldError as error:
            raise BadResponseError(str(error)) from None
        response.block = b"\r\n".join((b"", *filter(None, written)))
        _judge(response, method, http11)
        return response

    def _status_line(self, line: bytes) -> tuple[int, bytes, bool]:
        parts = _STATUS_LINE.fullmatch(line)
        if parts is None or (parts[3] or b"").translate(None, TEXT):
            raise BadResponseError("the first line is no status line")
        known = int(parts[2]), parts[2] + b" " + (parts[3] or b""), parts[1] == b"1"
        if len(self._status_lines) < _REMEMBERED_STATUS_LINES:
            self._status_lines[line] = known
        return known


def _judge(response: ResponseHead, method: bytes, http11: bool) -> None:
    """What its fields mean together."""
    if response.connection is not None:
        _obey_connection(response, response.connection)
    _frame(response, method, http11)


def _obey_connection(response: ResponseHead, asked: Connection) -> None:
    if asked.close:
        response.keep_alive = False
    elif asked.keep_alive:
        response.keep_alive = True
    if asked.upgrade and response.upgrades:
        response.upgrade = b", ".join(response.upgrades)
    if asked.others:
        response.block = block(without(response.fields, asked.others))


def _frame(response: ResponseHead, method: bytes, http11: bool) -> None:
    """RFC 9112 6.3, refusing what could be read in two ways."""
    codings, lengths = response.codings, response.lengths
    if codings:
        if lengths:
            raise BadResponseError("both Content-Length and Transfer-Encoding")
        if not http11:
            raise BadResponseError("Transfer-Encoding in an HTTP/1.0 response")
        if len(codings) > 1 or codings[0].lower() != b"chunked":
            raise BadResponseError("a transfer coding that is not chunked alone")
        response.length = CHUNKED
    elif lengths:
        if len(lengths) > 1:
            raise BadResponseError("more than one Content-Length")
        if not lengths[0].isdigit() or len(lengths[0]) > _MAX_DIGITS:
            raise BadResponseError("Content-Length is not a number of bytes")
        response.length = int(lengths[0])
        if response.status == 204 or response.status < 200:
            response.block = block(without(response.fields, (b"content-length",)))  # RFC 9110 8.6
    if method == b"HEAD" or response.status in _BODILESS or response.status < 200:
        response.length = 0
        if response.status == 101 and not response.upgrade:
            raise BadResponseError("it switches to another protocol and does not say to which")
    elif response.length == UNTIL_CLOSE:
        response.keep_alive = False


def _content_length(response: ResponseHead, value: bytes) -> None:
    response.lengths = (*response.lengths, value)


def _transfer_encoding(response: ResponseHead, value: bytes) -> None:
    response.codings = (*response.codings, value)


def _content_type(response: ResponseHead, value: bytes) -> None:
    response.event_stream = response.event_stream or value[:17].lower() == b"text/event-stream"


def _set_cookie(response: ResponseHead, value: bytes) -> None:
    response.set_cookies = (*response.set_cookies, value)


def _connection(response: ResponseHead, asked: Connection) -> None:
    response.connection = response.connection | asked if response.connection else asked


def _idle_timeout(value: bytes) -> float | None:
    timeout = _TIMEOUT.search(value)
    return float(timeout[1]) if timeout else None


def _keep_alive(response: ResponseHead, idle_timeout_s: float | None) -> None:
    known_s = response.idle_timeout_s
    if known_s is None or (idle_timeout_s is not None and idle_timeout_s < known_s):
        response.idle_timeout_s = idle_timeout_s


def _trailer(response: ResponseHead, value: bytes) -> None:
    response.trailer = response.trailer + b", " + value if response.trailer else value


def _upgrade(response: ResponseHead, value: bytes) -> None:
    response.upgrades = (*response.upgrades, value)


_RULES: Final[Mapping[bytes, Rule[ResponseHead]]] = {
    b"content-length": Rule(_content_length, passes=True),
    b"transfer-encoding": Rule(_transfer_encoding),
    b"content-type": Rule(_content_type, passes=True),
    b"set-cookie": Rule(_set_cookie, passes=True),
    b"connection": Rule(_connection, connection),
    b"keep-alive": Rule(_keep_alive, _idle_timeout),
    b"trailer": Rule(_trailer),
    b"upgrade": Rule(_upgrade),
    b"proxy-connection": DROPPED,
    b"proxy-authenticate": DROPPED,
    b"te": DROPPED,
}
"""RFC 9110 7.6.1, and what decides how the response is read or kept."""

_MAX_DIGITS: Final = 18
_HALF_AN_END_BYTES: Final = 3
"""What can have come of the empty line that ends a head, while the head itself is just as long as it may be."""

_REMEMBERED_STATUS_LINES: Final = 256
_BODILESS: Final = frozenset({204, 304})
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: (.*))?", re.DOTALL)
_TIMEOUT: Final = re.compile(rb"(?:^|[,\s])timeout[ \t]*=[ \t]*\"?([0-9]{1,9})", re.IGNORECASE)
