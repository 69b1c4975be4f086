"""A request's body on its way to a node: passed on as it comes, and kept while it is small, to be sent again."""

from collections.abc import Sequence

from lb.http.chunked import chunk, last_chunk
from lb.http.request import CHUNKED


class Upload:
    """What came of a request's body so far. ``length`` is the request's, ``limit_bytes`` how much of it is kept."""

    __slots__ = ("_chunked", "_kept", "_kept_bytes", "_limit_bytes", "_trailers", "complete")

    def __init__(self, length: int, limit_bytes: int) -> None:
        self.complete = not length
        self._chunked = length == CHUNKED
        self._limit_bytes = limit_bytes
        self._kept: list[bytes] | None = []
        self._kept_bytes = 0
        self._trailers: Sequence[bytes] = ()

    @property
    def replayable(self) -> bool:
        """Whether it can be sent from the start."""
        return self._kept is not None

    @property
    def is_full(self) -> bool:
        """Whether more is kept than is to be: from now on it must flow, or wait."""
        return self._kept_bytes > self._limit_bytes

    def add(self, pieces: Sequence[bytes], *, complete: bool, trailers: Sequence[bytes]) -> None:
        """More of it came."""
        self.complete = complete
        self._trailers = trailers
        if self._kept is not None:
            self._kept += pieces
            self._kept_bytes += sum(map(len, pieces))

    def from_start(self) -> bytes:
        """All that came so far, framed for a node. It is kept for another one only if it is small enough."""
        data = self.framed(self._kept or ())
        self.forget_if_full()
        return data

    def framed(self, pieces: Sequence[bytes]) -> bytes:
        """``pieces``, the last that came, as a node gets them."""
        if not self._chunked:
            return b"".join(pieces)
        chunks = [chunk(piece) for piece in pieces]
        if self.complete:
            chunks.append(last_chunk(list(self._trailers)))
        return b"".join(chunks)

    def forget_if_full(self) -> None:
        """Keep no more of a body that is too big."""
        if self.is_full:
            self.forget()

    def forget(self) -> None:
        """It will not be sent again."""
        self._kept = None
