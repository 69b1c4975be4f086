"""``zdu lb`` with SO_REUSEPORT, to compare: each process has listening sockets of its own, on the same ports.

The product hands its listening sockets over instead (docs/decisions/0007-handing-the-listener-over.md). This is the
same code with other sockets: ``python -m bench.proxies.reuseport_lb --config FILE``.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence

from lb.cli import lb
from lb.listening import Listening

_listen_on = Listening.on


async def _listen_beside_others(
    host: str, port: int, factory: Callable[[], asyncio.BaseProtocol], given: Sequence[socket.socket] = ()
) -> Listening:
    assert not given, "there is nobody who could give any"
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((host, port))
    return await _listen_on(host, port, factory, [sock])


if __name__ == "__main__":
    Listening.on = staticmethod(_listen_beside_others)  # type: ignore[method-assign]  # that is the experiment
    lb.main()
