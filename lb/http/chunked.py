"""The chunked transfer coding (RFC 9112 7.1): decoded strictly, coded anew.

Chunk extensions are meant for one hop and are dropped after their grammar was checked. Lines end with CR LF and with
nothing else: a bare LF is how two readers come to see two different bodies.
"""

import re
from typing import Final

from lb.http.fields import BadFieldError, trailer_fields

LAST_CHUNK: Final = b"0\r\n\r\n"
"""The end of a chunked body that has no trailers."""


class BadChunkError(Exception):
    """The body is not chunked as it should be; the text says why, for people."""


class ChunkedBody:
    """Takes a chunked body apart as it comes.

    ``complete`` becomes true with its last byte; then ``rest`` is what came after it, and ``trailers`` the trailer
    fields that may be passed on.
    """

    __slots__ = ("_left", "_line", "_max_trailer_bytes", "_state", "_trailers", "complete", "rest", "trailers")

    def __init__(self, max_trailer_bytes: int) -> None:
        self.complete = False
        self.rest = b""
        self.trailers: list[bytes] = []
        self._max_trailer_bytes = max_trailer_bytes
        self._state = _SIZE
        self._left = 0
        self._line = b""
        self._trailers: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces of content in ``data``, in their order. Raises BadChunkError."""
        pieces: list[bytes] = []
        position = 0
        if self._line:
            data, self._line = self._line + data, b""
        while not self.complete:
            if self._state == _DATA:
                piece = data[position : position + self._left]
                if not piece:
                    break
                pieces.append(piece)
                position += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._state = _DATA_END
                continue
            end = data.find(b"\r\n", position)
            if end < 0:
                if position < len(data):
                    self._keep(data[position:])
                return pieces
            self._on_line(data[position:end])
            position = end + 2
        self.rest = data[position:] if self.complete else b""
        return pieces

    def _keep(self, line: bytes) -> None:
        """A line whose end has not come yet: kept, within bounds, and judged already where that is possible."""
        limit = self._max_trailer_bytes if self._state == _TRAILERS else _MAX_SIZE_LINE
        if self._state == _DATA_END and line[:1] not in {b"", b"\r"}:
            raise BadChunkError("a chunk is longer than it says")
        if len(line) > limit + line.endswith(b"\r"):  # which may be half of the line's end
            raise BadChunkError("a line in the chunked body is too long")
        if b"\n" in line or b"\r" in line[:-1]:
            raise BadChunkError("a line in the chunked body does not end with CR LF")
        self._line = line

    def _on_line(self, line: bytes) -> None:
        if self._state == _SIZE:
            self._on_size(line)
        elif self._state == _DATA_END:
            if line:
                raise BadChunkError("a chunk is longer than it says")
            self._state = _SIZE
        elif line:
            self._max_trailer_bytes -= len(line)
            if self._max_trailer_bytes < 0:
                raise BadChunkError("the trailers are too long")
            self._trailers.append(line)
        else:
            try:
                self.trailers = trailer_fields(self._trailers)
            except BadFieldError as error:
                raise BadChunkError(f"a bad trailer: {error}") from None
            self.complete = True

    def _on_size(self, line: bytes) -> None:
        parts = _SIZE_LINE.fullmatch(line) if len(line) <= _MAX_SIZE_LINE else None
        if parts is None:
            raise BadChunkError("a chunk does not begin with its size")
        self._left = int(parts[1], 16)
        self._state = _DATA if self._left else _TRAILERS


def chunk(data: bytes) -> bytes:
    """``data``, which is not empty, as one chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def last_chunk(trailers: list[bytes]) -> bytes:
    """The end of a chunked body with these trailer fields."""
    return b"".join((b"0\r\n", *(line + b"\r\n" for line in trailers), b"\r\n")) if trailers else LAST_CHUNK


_SIZE, _DATA, _DATA_END, _TRAILERS = range(4)
_MAX_SIZE_LINE: Final = 1024
_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED: Final = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_SIZE_LINE: Final = re.compile(
    rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[ \t]*" + _TOKEN + rb"(?:[ \t]*=[ \t]*(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?)*"
)
"""RFC 9112 7.1 and 7.1.1. Fifteen digits are more than any disk and less than any integer's end."""
