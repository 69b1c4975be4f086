"""The data path: listens, keeps all clients' connections, looks at their deadlines, and ends in good order."""

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from lb.balancer import Balancer
from lb.listening import Listening
from lb.proxy.client_connection import ClientConnection
from lb.proxy.context import Proxy
from lb.proxy.forward import Peer
from lb.telemetry.telemetry import Telemetry
from zdu.clock import Entropy

_log = logging.getLogger("lb")

Heir = Callable[[Sequence[socket.socket]], Awaitable[bool]]
"""Takes clients' connections on which nothing is asked, and serves them from here on, in another process.

True if they were sent there; the sockets themselves remain their owner's. False: there is nobody any more.
"""


class HttpDataPath:
    """Moves requests and responses; every decision comes from the balancer."""

    def __init__(
        self,
        balancer: Balancer,
        telemetry: Telemetry,
        tasks: asyncio.TaskGroup,
        entropy: Entropy,
    ) -> None:
        self._proxy = Proxy(balancer, telemetry.observe, tasks, entropy)
        self._tasks = tasks
        self._counted = telemetry.clients
        self._clients: dict[ClientConnection, None] = {}
        self._peers: dict[str, Peer] = {}
        self._listening: Listening | None = None
        self._port = 0
        self._sweeper: asyncio.Task[None] | None = None
        self._all_gone = asyncio.Event()

    def __repr__(self) -> str:
        return f"<HttpDataPath port={self._port} clients={len(self._clients)}>"

    def idle_connections(self, node: str) -> int:
        """How many idle connections to ``node`` are kept."""
        connections = self._proxy.connections.get(node)
        return connections.idle if connections is not None else 0

    async def open(self, listeners: Sequence[socket.socket] = ()) -> int:
        """Listen, and return the port. ``listeners`` are sockets that listen already: another process gave them.

        Raises OSError if the address is taken or not ours.
        """
        config = self._proxy.balancer.config
        self._listening = await Listening.on(config.host, config.port, self._connection, listeners)
        self._port = self._listening.port
        self._sweeper = self._tasks.create_task(self._sweep(), name="lb-deadlines")
        return self._port

    def listeners(self) -> list[int]:
        """The file descriptors of the sockets that listen."""
        return self._listening.descriptors() if self._listening is not None else []

    def stop_listening(self) -> None:
        """Accept no more."""
        if self._listening is not None:
            self._listening.close()

    async def adopt(self, clients: Sequence[socket.socket]) -> None:
        """Serve clients whose connections another process gave away."""
        loop = asyncio.get_running_loop()
        for client in clients:
            try:
                await loop.connect_accepted_socket(self._connection, client)
            except OSError as error:
                _log.info("a client was gone when its connection was handed over: %s", error)
                client.close()

    def apply_config(self) -> None:
        """Take over what the balancer's configuration says now. Requests in flight end as they began."""
        self._peers.clear()
        self._proxy.apply_config()

    def purge(self, node: str) -> None:
        """Never use the connections to ``node`` that exist now for another request."""
        connections = self._proxy.connections.get(node)
        if connections is not None:
            connections.purge()

    async def close(self, deadline_s: float, heir: Heir | None = None) -> bool:
        """Accept no more, tell clients to close, and finish what is in flight within ``deadline_s`` seconds.

        True if all of it was finished; what was not is broken off. Idle connections are kept for a moment: a request
        may be on its way, and gets its answer and ``Connection: close`` instead of a reset. With an ``heir`` they
        are not closed at all but go there, as soon as nothing is asked on them, and streams are closed one after the
        other, the last of them that moment before the deadline.
        """
        ends_s = self._proxy.now() + deadline_s
        grace_s = min(self._proxy.timeouts.close_grace, deadline_s)
        for _ in range(_TURNS if heir is None else 0):
            await asyncio.sleep(0)  # who waits to be accepted when a socket is closed gets a reset: accept them first
        self.stop_listening()
        if heir is not None:
            heir = await self._hand_on(heir, self._proxy.now() + grace_s)
        self._proxy.closing = True
        if heir is not None:
            heir = await self._hand_on(heir, ends_s - grace_s, end_streams=True)
        if heir is None:
            await self._until_gone(min(grace_s, ends_s - self._proxy.now()))
        for client in list(self._clients):
            client.wind_up()
        finished = await self._until_gone(ends_s - self._proxy.now())
        for client in list(self._clients):
            client.kill()
        for connections in self._proxy.all_connections():
            connections.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        await self._until_gone(_AFTER_ABORT_S)
        return finished

    async def _hand_on(self, heir: Heir, until_s: float, *, end_streams: bool = False) -> Heir | None:
        """Give connections to ``heir`` whenever nothing is asked on them; None if there is no heir any more."""
        rng, now = self._proxy.entropy.rng, self._proxy.now
        while self._clients and now() < until_s:
            idle = [sock for client in list(self._clients) if (sock := client.detach()) is not None]
            try:
                if idle and not await heir(idle):
                    return None
            finally:
                for sock in idle:
                    sock.close()
            if end_streams:
                share = _HAND_ON_EVERY_S / max(_HAND_ON_EVERY_S, until_s - now())
                for client in [client for client in self._clients if client.is_stream]:
                    if rng.random() < share:  # each ends at a time of its own: no herd of clients comes again at once
                        client.wind_up()
            await self._until_gone(min(_HAND_ON_EVERY_S, until_s - now()))
        return heir

    def welcome(self, connection: ClientConnection, transport: asyncio.Transport) -> Peer | None:
        """Who a new client is; None if there are too many connections already."""
        self._clients[connection] = None
        self._all_gone.clear()
        self._counted.opened()
        if len(self._clients) > self._proxy.limits.maxconn:
            self._counted.refused += 1
            return None
        transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        address = str((transport.get_extra_info("peername") or ("unknown",))[0])
        peer = self._peers.get(address)
        if peer is None:
            if len(self._peers) >= _REMEMBERED_PEERS:
                self._peers.clear()
            peer = self._peers[address] = Peer.of(
                address, self._port, self._proxy.via, trusted=self._is_trusted(address)
            )
        return peer

    def lost(self, connection: ClientConnection) -> None:
        """A client's connection is no more."""
        self._clients.pop(connection, None)
        self._counted.closed()
        if not self._clients:
            self._all_gone.set()

    def _connection(self) -> asyncio.Protocol:
        return cast(asyncio.Protocol, ClientConnection(self._proxy, self))

    def _is_trusted(self, address: str) -> bool:
        networks = self._proxy.balancer.config.trusted_proxies
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(ip in network for network in networks)

    async def _until_gone(self, seconds: float) -> bool:
        if not self._clients:
            return True
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._all_gone.wait()
        except TimeoutError:
            return False
        return True

    async def _sweep(self) -> None:
        """Look at all deadlines again and again: cheaper than a timer for each, and late by a tenth at the most."""
        while True:
            await asyncio.sleep(self._sweep_every_s())
            now_s = self._proxy.now()
            for client in [client for client in self._clients if client.deadline_s <= now_s]:
                if client.deadline_s <= now_s:  # the end of one may be the beginning of another
                    client.expire()
            for connections in self._proxy.all_connections():
                connections.expire(now_s)

    def _sweep_every_s(self) -> float:
        times = self._proxy.timeouts
        shortest = min(times.server, times.client, times.http_request, times.client_keep_alive, times.tunnel)
        return min(_SWEEP_AT_MOST_S, max(_SWEEP_AT_LEAST_S, shortest / 10))


_SWEEP_AT_MOST_S = 0.5
_SWEEP_AT_LEAST_S = 0.01
_AFTER_ABORT_S = 1.0
_HAND_ON_EVERY_S = 0.01
_TURNS = 5
"""Turns of the event loop in which all connections are accepted that wait for it; asyncio's needs four for that."""
_WRITE_BUFFER_BYTES = 64 * 1024
_REMEMBERED_PEERS = 10_000
