"""Ports that stay ours while nobody listens on them.

A node that is being upgraded must come back on the port the load balancer knows. While it is away, the system could
hand that port to any outgoing connection. So the simulator keeps a bound socket on it that never listens: with
SO_REUSEADDR on both sides the node can bind and listen beside it, but the system gives the port to nobody else.
"""

import socket
from types import TracebackType

from zdu.errors import UsageError


class ReservedPort:
    """One loopback port, held until it is closed."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Reserve ``port``, or any free one for 0. Raises UsageError when another process has it."""
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((host, port))
            _refuse_a_busy_one(host, self._socket.getsockname()[1])
        except OSError as error:
            self._socket.close()
            raise UsageError(
                f"port {port} on {host} cannot be used: {error.strerror}",
                hint="Another process has it, most likely. Name another port, or 0 for any free one.",
            ) from error
        self.host = host
        self.port: int = self._socket.getsockname()[1]

    def close(self) -> None:
        """Give the port back to the system."""
        self._socket.close()

    def __enter__(self) -> "ReservedPort":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _refuse_a_busy_one(host: str, port: int) -> None:
    """Binding beside another process's reservation succeeds; only listening tells whether somebody serves there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind((host, port))
        trial.listen(1)
