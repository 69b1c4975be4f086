"""The node's side of WebSockets, by hand (RFC 6455), so that a test sees every frame that a proxy lets through."""

import base64
import hashlib
from collections import Counter
from dataclasses import dataclass, field

from tests.support.http_nodes import Connection, Request

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_value(key: str) -> str:
    """What ``Sec-WebSocket-Accept`` has to be for ``key``."""
    return base64.b64encode(hashlib.sha1(f"{key}{_GUID}".encode()).digest()).decode()


def frame(opcode: int, payload: bytes) -> bytes:
    """One unmasked frame that is a whole message."""
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 1 << 16:
        length = b"\x7e" + size.to_bytes(2, "big")
    else:
        length = b"\x7f" + size.to_bytes(8, "big")
    return bytes([0x80 | opcode]) + length + payload


@dataclass
class EchoSocket:
    """A behaviour that shakes hands and sends every message back; it counts the codes it was closed with."""

    opened: int = 0
    open: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    """Close codes received; 0 stands for a connection that ended without a close frame."""

    async def __call__(self, connection: Connection, request: Request) -> bool:
        key = request.get("Sec-WebSocket-Key")
        assert key is not None, "the proxy did not pass the key on"
        assert (request.get("Upgrade") or "").lower() == "websocket"
        assert (request.get("Connection") or "").lower() == "upgrade"
        await connection.send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_value(key)}\r\n\r\n"
        )
        self.opened += 1
        self.open += 1
        code = 0
        try:
            code = await self._echo(connection)
        finally:
            self.open -= 1
            self.codes[code] += 1
        return False

    async def _echo(self, connection: Connection) -> int:
        while True:
            opcode, payload = await self._read(connection)
            if opcode == CLOSE:
                await connection.send(frame(CLOSE, payload))
                return int.from_bytes(payload[:2], "big")
            await connection.send(frame(PONG if opcode == PING else opcode, payload))

    async def _read(self, connection: Connection) -> tuple[int, bytes]:
        first, second = await connection.reader.readexactly(2)
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(await connection.reader.readexactly(2 if size == 126 else 8), "big")
        assert second & 0x80, "a client's frames are masked (RFC 6455 5.3)"
        mask = await connection.reader.readexactly(4)
        payload = await connection.reader.readexactly(size)
        return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
