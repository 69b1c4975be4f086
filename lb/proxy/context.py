"""What all connections of one data path share."""

import asyncio
from collections.abc import Callable
from typing import Final

from lb.balancer import Balancer
from lb.config import Limits, Timeouts
from lb.http.request import RequestScanner
from lb.http.response import ResponseScanner
from lb.proxy.connecting import Connecting
from lb.proxy.forward import NAME
from lb.proxy.node_connections import NodeConnections
from lb.telemetry.record import RequestRecord
from zdu.clock import Entropy


class Proxy:
    """The parts that every exchange needs; ``closing`` says that clients are told to close their connections."""

    def __init__(
        self,
        balancer: Balancer,
        observe: Callable[[RequestRecord], None],
        tasks: asyncio.TaskGroup,
        entropy: Entropy,
        connecting: Callable[[asyncio.TaskGroup], Connecting] = Connecting,
    ) -> None:
        self.balancer = balancer
        self.observe = observe
        self.tasks = tasks
        self.entropy = entropy
        self._connecting = connecting
        self.closing = False
        self.connections: dict[str, NodeConnections] = {}
        self.leaving: list[NodeConnections] = []
        """Those of nodes that are not configured any more; their requests in flight still end."""
        self.now = balancer.now
        identity = self.entropy.token(4)
        self.via = f"1.1 {NAME}-{identity}".encode("ascii")
        self._ids = RequestIds(identity + self.entropy.token(4))
        self.apply_config()

    def apply_config(self) -> None:
        """Take over what the balancer's configuration says now: limits, times, and which nodes there are."""
        config = self.balancer.config
        self.limits: Limits = config.limits
        self.timeouts: Timeouts = config.timeouts
        self.request_scanner = RequestScanner(config.limits)
        self.response_scanner = ResponseScanner(config.limits)
        safe = config.drain.move_header.lower().encode("ascii")
        self.move_header = b"\r\n" + safe + b":" if safe else b""
        """How the line begins that says that a session may move, within a head in lower case."""
        for name, address in self.balancer.addresses.items():
            known = self.connections.get(name)
            if known is not None and known.leads_to(address):
                known.address, known.timeouts, known.scanner = address, config.timeouts, self.response_scanner
                continue
            self._let_go(name)
            self.connections[name] = NodeConnections(
                address, config.timeouts, self.response_scanner, self.now, self._connecting(self.tasks)
            )
        for name in [name for name in self.connections if name not in self.balancer.addresses]:
            self._let_go(name)

    def all_connections(self) -> list[NodeConnections]:
        """Those to all nodes, the ones that are gone included as long as anything is left of them."""
        self.leaving = [connections for connections in self.leaving if connections.in_use]
        return [*self.connections.values(), *self.leaving]

    def _let_go(self, name: str) -> None:
        known = self.connections.pop(name, None)
        if known is not None:
            known.purge()
            self.leaving.append(known)

    def new_id(self) -> str:
        """An identifier for a request: this process's own prefix, and a number."""
        return self._ids.next()


class RequestIds:
    """Identifiers for requests: ``prefix`` and a number of eight hexadecimal digits, from 1 on.

    One is needed for every request, and most of each is that of the one before.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._stem = f"{prefix}{0:06x}"
        self._last = 0

    def next(self) -> str:
        """One that was never given before."""
        self._last = number = self._last + 1
        if not number % 256:
            self._stem = f"{self._prefix}{number // 256:06x}"
        return self._stem + _LAST_DIGITS[number % 256]


_LAST_DIGITS: Final = [f"{number:02x}" for number in range(256)]
