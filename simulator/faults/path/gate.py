"""The two ends of a path: a port for the load balancer, the address of the node, and all connections between them.

A load balancer can tell a node that refuses a connection from one that breaks it, and may send a request again only
after the first. So a path must not accept in the place of a node that is down: once the node refuses, the path
refuses, too, and looks every :data:`LOOK_EVERY_S` whether the node accepts again.
"""

import asyncio
import random
from contextlib import suppress

from simulator.faults.path.connection import Connection
from simulator.faults.path.rules import HEALTH_TARGET, Rule, Rules
from simulator.ports import ReservedPort

LOOPBACK = "127.0.0.1"
LOOK_EVERY_S = 0.05
CONNECT_WITHIN_S = 5.0


class Gate:
    """One path, from its own port to the node at ``host`` and ``port``."""

    def __init__(
        self,
        host: str,
        port: int,
        rng: random.Random,
        health_target: str = HEALTH_TARGET,
        *,
        http: bool = True,
    ) -> None:
        """``http`` is false for a path to a database, in whose words nothing is read."""
        self._host, self._node_port, self._http = host, port, http
        self._rules = Rules(rng, health_target=health_target)
        self._own_host = host if http else LOOPBACK
        self._reserved = ReservedPort(self._own_host)
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = self._reserved.port

    async def watch(self) -> None:
        """Accept connections while the node does, until cancelled."""
        try:
            while True:
                if self._server is None and await self._should_accept():
                    self._server = await asyncio.start_server(
                        self._accept, self._own_host, self.port, reuse_address=True, backlog=512
                    )
                elif self._server is not None and self._rules.find("partition"):
                    self._refuse()
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            self._refuse()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._reserved.close()

    def put_on(self, number: int, rule: Rule) -> None:
        """Let a rule hold from now on. A cut ends what is open, too."""
        self._rules.on[number] = rule
        if rule.kind == "partition":
            self._refuse()
            for connection in list(self._connections):
                rule.hit()
                connection.abort()

    def take_off(self, number: int) -> int:
        """End a rule; how often it took effect. A connection that has lost bytes is ended with it."""
        rule = self._rules.on.pop(number)
        for connection in list(self._connections):
            if connection.lost_bytes:
                connection.abort()
        return rule.count

    def counts(self) -> dict[int, int]:
        """How often each rule has taken effect."""
        return {number: rule.count for number, rule in self._rules.on.items()}

    async def _should_accept(self) -> bool:
        if self._rules.find("partition"):
            return False
        if self._rules.find("lies_ok"):
            return True
        node = await self._to_node()
        if node is None:
            return False
        node[1].close()
        return True

    def _refuse(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - start_server makes one
        self._tasks.add(task)
        connection = Connection(self._rules, reader, writer, http=self._http)
        self._connections.add(connection)
        try:
            node = await self._to_node()
            if node is None and not self._rules.find("lies_ok"):
                self._refuse()
                connection.abort()
            else:
                await connection.relay(node)
        finally:
            connection.close()
            self._connections.discard(connection)
            self._tasks.discard(task)

    async def _to_node(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """A connection to the node; None if it refuses."""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(CONNECT_WITHIN_S):
                return await asyncio.open_connection(self._host, self._node_port)
        return None
