"""A client's connection as bytes: read or not for now, written, closed or broken off."""

import asyncio
import fcntl
import socket
import struct
import termios
from contextlib import suppress
from typing import Final

from lb.proxy.context import Proxy


class ClientTransport:
    """What a client's connection does with its transport. ``deadline_s`` is when something has to have happened.

    To the event loop it is a protocol (:class:`asyncio.Protocol`) in all but name; see :mod:`lb.proxy`.
    """

    __slots__ = ("_blocked", "_proxy", "_reading", "_transport", "_unsent_bytes", "deadline_s")

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._transport: asyncio.Transport | None = None
        self.deadline_s = NEVER_S
        self._reading = True
        self._blocked = False
        self._unsent_bytes = 0

    def write(self, data: bytes) -> None:
        """Send a part of the response."""
        if self._transport is not None:
            self._transport.write(data)

    def write_eof(self) -> None:
        """Say that nothing more comes from us."""
        if self._transport is not None and not self._transport.is_closing():
            with suppress(OSError):  # it was reset, which nobody has read yet
                self._transport.write_eof()

    def abort(self) -> None:
        """Break the connection off with a reset: a mere close can be taken for a response's end."""
        transport = self._transport
        if transport is None:
            return
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None:
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def pause(self) -> None:
        """Read no more: the node of a tunnel is slower than the client."""
        self._pause()

    def resume(self) -> None:
        """Read again."""
        self._resume()

    def _pause(self) -> None:
        if self._reading and self._transport is not None and not self._transport.is_closing():
            self._reading = False
            self._transport.pause_reading()

    def _resume(self) -> None:
        if not self._reading and self._transport is not None:
            self._reading = True
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def _watch_unsent(self) -> None:
        """Give the client time to take what was written, or a good part of it."""
        if self._transport is not None:
            self._unsent_bytes = unsent_bytes(self._transport)
            self.deadline_s = self._proxy.now() + self._proxy.timeouts.client

    def _takes_enough(self) -> bool:
        """Whether the client took enough of it since: at the rate at which it would have to send an upload."""
        if self._transport is None:
            return False
        taken_bytes = self._unsent_bytes - unsent_bytes(self._transport)
        return taken_bytes >= max(1, self._proxy.limits.body_rate * self._proxy.timeouts.client)


def unsent_bytes(transport: asyncio.Transport) -> int:
    """What waits in our memory, and what waits in the kernel or is on its way (tcp(7), SIOCOUTQ).

    The kernel takes megabytes, and takes more only when a third of that is free again: by our own buffer alone, who
    reads slowly and who does not read at all look the same for minutes.
    """
    waiting = transport.get_write_buffer_size()
    sock = transport.get_extra_info("socket")
    try:
        return waiting + int(struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)))[0])
    except (AttributeError, OSError):  # there is no socket, or none any more
        return waiting


NEVER_S: Final = float("inf")
