"""What all connections of one data path share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from lb.balancer import Balancer
from lb.config import Limits, Timeouts
from lb.http.request import RequestScanner
from lb.http.response import ResponseScanner
from lb.proxy.forward import NAME
from lb.proxy.node_connections import NodeConnections
from lb.telemetry.record import RequestRecord
from zdu.clock import Entropy


@dataclass
class Proxy:
    """The parts that every exchange needs; ``closing`` says that clients are told to close their connections."""

    balancer: Balancer
    observe: Callable[[RequestRecord], None]
    tasks: asyncio.TaskGroup
    entropy: Entropy
    closing: bool = False
    connections: dict[str, NodeConnections] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now = self.balancer.now
        identity = self.entropy.token(4)
        self.via = f"1.1 {NAME}-{identity}".encode("ascii")
        self._id_prefix = identity + self.entropy.token(4)
        self._ids = 0
        self.apply_config()

    def apply_config(self) -> None:
        """Take over what the balancer's configuration says now: limits, times, and which nodes there are."""
        config = self.balancer.config
        self.limits: Limits = config.limits
        self.timeouts: Timeouts = config.timeouts
        self.request_scanner = RequestScanner(config.limits)
        self.response_scanner = ResponseScanner(config.limits)
        self.move_header = f"{config.drain.move_header}:".lower().encode("ascii") if config.drain.move_header else b""
        for name, address in self.balancer.addresses.items():
            known = self.connections.get(name)
            if known is None or known.address != address:
                if known is not None:
                    known.purge()
                self.connections[name] = NodeConnections(
                    address, config.timeouts, self.response_scanner, self.now, self.tasks
                )
            else:
                known.timeouts, known.scanner = config.timeouts, self.response_scanner
        for name in [name for name in self.connections if name not in self.balancer.addresses]:
            self.connections.pop(name).purge()

    def new_id(self) -> str:
        """An identifier for a request: this process's own prefix, and a number."""
        self._ids += 1
        return f"{self._id_prefix}{self._ids:08x}"
