"""Listening on an address, by sockets of our own or by those that another process handed over."""

import asyncio
import socket
from collections.abc import Callable, Sequence

BACKLOG = 4096
"""How many connections may wait to be accepted; the system's own limit (somaxconn) may be lower."""


class Listening:
    """The sockets of one address; a name such as ``localhost`` may stand for several."""

    def __init__(self, servers: Sequence[asyncio.Server]) -> None:
        self._servers = servers

    @staticmethod
    async def on(
        host: str, port: int, factory: Callable[[], asyncio.BaseProtocol], given: Sequence[socket.socket] = ()
    ) -> "Listening":
        """Accept connections from now on; by the sockets ``given`` if there are any, which are ours from here on.

        Raises OSError if the address is taken or not ours.
        """
        loop = asyncio.get_running_loop()
        if not given:
            return Listening([await loop.create_server(factory, host, port, backlog=BACKLOG)])
        return Listening([await loop.create_server(factory, sock=sock, backlog=BACKLOG) for sock in given])

    @property
    def port(self) -> int:
        """The port, of the first of them if they are several."""
        return int(self._servers[0].sockets[0].getsockname()[1])

    def descriptors(self) -> list[int]:
        """The file descriptors of all sockets, which stay ours."""
        return [sock.fileno() for server in self._servers for sock in server.sockets]

    def close(self) -> None:
        """Accept no more. The sockets are closed; in another process that has them, they are not."""
        for server in self._servers:
            server.close()
