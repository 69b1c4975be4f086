"""As much of WebSocket (RFC 6455) as it takes to end a tunnel politely: between two frames, with a close frame.

Bytes are passed on as they are; here they are only counted. A frame is (RFC 6455 5.2)::

    FIN RSV opcode | MASK length | none, 16 or 64 bits more of length | masking key, 4 bytes if MASK | payload

A close frame that lands inside another frame would be taken for its payload, so it is sent only when the bytes of its
direction are at a frame's end. It may come between the fragments of a message (RFC 6455 5.4: control frames may be
injected there), so fragmentation does not matter; nor does it matter what the frames mean.
"""

GOING_AWAY = 1001
"""The close code for a server that goes down or a page that is left (RFC 6455 7.4.1): clients connect again."""


class FrameTracker:
    """Follows the frame boundaries in the bytes of one direction, in whatever pieces they come."""

    __slots__ = ("_header", "_left")

    def __init__(self) -> None:
        self._header = b""
        self._left = 0

    def __repr__(self) -> str:
        return f"<FrameTracker {'at a boundary' if self.at_boundary else 'inside a frame'}>"

    @property
    def at_boundary(self) -> bool:
        """Whether the next byte begins a frame."""
        return not self._left and not self._header

    def feed(self, data: bytes) -> None:
        """These bytes went by. Takes time by the number of frames, not of bytes, and keeps at most a header."""
        position = self._left
        if position > len(data):
            self._left = position - len(data)
            return
        self._left = 0
        if self._header and position < len(data):
            data, self._header = self._header + data, b""
        end = len(data)
        while position < end:
            header = _header_bytes(data, position, end)
            if position + header > end:
                self._header = data[position:]
                return
            position += header + _payload_bytes(data, position)
        self._left = position - end


def close_frame(code: int = GOING_AWAY, mask: bytes = b"") -> bytes:
    """A whole close frame with this code and no reason.

    Towards a node it has to be masked with four bytes that nobody can foresee (RFC 6455 5.3), towards a client it
    must not be. Raises ValueError if ``mask`` is neither empty nor four bytes, or if the code is none to send.
    """
    if len(mask) not in {0, 4}:
        raise ValueError("a mask has four bytes")
    if not 1000 <= code <= 4999 or code in _NEVER_SENT:
        raise ValueError(f"{code} is no code that a close frame can have")
    payload = code.to_bytes(2, "big")
    if not mask:
        return b"\x88\x02" + payload
    return b"\x88\x82" + mask + bytes([payload[0] ^ mask[0], payload[1] ^ mask[1]])


_NEVER_SENT = frozenset({1004, 1005, 1006, 1015})
"""RFC 6455 7.4.1: reserved, or for what happened without a close frame."""
_FIXED_BYTES = 2


def _header_bytes(data: bytes, start: int, end: int) -> int:
    """How long the header is that begins at ``start``, as far as that is known: at least as many as are missing."""
    if end - start < _FIXED_BYTES:
        return _FIXED_BYTES
    second = data[start + 1]
    length = second & 0x7F
    return _FIXED_BYTES + (2 if length == 126 else 8 if length == 127 else 0) + (4 if second & 0x80 else 0)


def _payload_bytes(data: bytes, start: int) -> int:
    """How long the payload is after the whole header that begins at ``start``."""
    length = data[start + 1] & 0x7F
    if length == 126:
        return int.from_bytes(data[start + 2 : start + 4], "big")
    if length == 127:
        return int.from_bytes(data[start + 2 : start + 10], "big")
    return length
