"""The whole data path without sockets, loop or time: bytes go in at the client's end and at the nodes', by hand."""

import asyncio
from collections.abc import Callable

import h11

from lb.proxy.client_connection import ClientConnection
from lb.proxy.connecting import Connecting
from lb.proxy.context import Proxy
from lb.proxy.forward import Peer
from lb.proxy.node_connection import NodeConnection
from lb.proxy.node_connections import NodeConnections
from lb.proxy.roles import Waiter
from lb.telemetry.record import RequestRecord
from tests.support.pools import ManualBalancer
from zdu.clock import Entropy

Answer = Callable[[h11.Request, bytes], bytes]
"""What a node answers to a request with this content."""


class HandTransport(asyncio.Transport):
    """Keeps what is written; whoever holds it says when it is closed at last."""

    def __init__(self, on_write: Callable[[bytes], None] = lambda _data: None) -> None:
        super().__init__()
        self.written = b""
        self.closing = self.aborted = self.told = False
        self.reading = True
        self._on_write = on_write

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if data and not self.closing:
            self.written += bytes(data)
            self._on_write(bytes(data))

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True

    def write_eof(self) -> None:
        pass

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class HandNode:
    """A node's end of one connection: reads strictly, with h11, and answers when it is told to."""

    def __init__(self, connection: NodeConnection, answer: Answer) -> None:
        self.connection = connection
        self.transport = HandTransport(self._requested)
        self.outbox = b""
        self._answer = answer
        self._reader = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = b""
        connection.connection_made(self.transport)

    def _requested(self, data: bytes) -> None:
        self._reader.receive_data(data)
        while True:
            match self._reader.next_event():
                case h11.Request() as head:
                    self._head, self._body = head, b""
                    if self._reader.they_are_waiting_for_100_continue:
                        self.outbox += b"HTTP/1.1 100 Continue\r\n\r\n"
                case h11.Data() as part:
                    self._body += bytes(part.data)
                case h11.EndOfMessage():
                    assert self._head is not None
                    self.outbox += self._answer(self._head, self._body)
                    rest, _ = self._reader.trailing_data
                    assert not rest, "nothing is sent ahead to a node"
                    self._reader = h11.Connection(h11.SERVER)
                case _:
                    return

    def deliver(self, size: int) -> None:
        """Let so many bytes of the answer arrive."""
        data, self.outbox = self.outbox[:size], self.outbox[size:]
        if self.transport.reading:
            self.connection.data_received(data)
        else:
            self.outbox = data + self.outbox

    def end(self) -> None:
        """The connection is no more."""
        if not self.transport.told:
            self.transport.closing = self.transport.told = True
            self.connection.connection_lost(None)


class _AtOnce(Connecting):
    """Connections stand as soon as they are asked for."""

    def __init__(self, nodes: list[HandNode], answer: Answer) -> None:
        super().__init__(asyncio.TaskGroup())
        self._nodes = nodes
        self._answer = answer

    def begin(self, connections: NodeConnections, waiter: Waiter) -> None:
        connection = connections.unconnected()
        self._nodes.append(HandNode(connection, self._answer))
        waiter.connected(connection, reused=False)


class WirelessProxy:
    """One client's connection to a balancer with two nodes that answer with ``answer``."""

    def __init__(self, answer: Answer) -> None:
        lb = ManualBalancer("a", "b")
        self.nodes: list[HandNode] = []
        self.records: list[RequestRecord] = []

        def hand(_tasks: asyncio.TaskGroup) -> Connecting:
            return _AtOnce(self.nodes, answer)

        self._proxy = Proxy(lb.balancer, self.records.append, asyncio.TaskGroup(), Entropy(1), hand)
        self.transport = HandTransport()
        self.client = ClientConnection(self._proxy, self)
        self.client.connection_made(self.transport)

    # What a client's connection asks of its owner.

    def welcome(self, connection: ClientConnection, transport: asyncio.Transport) -> Peer | None:
        return Peer.of("192.0.2.7", 8080, self._proxy.via, trusted=False)

    def lost(self, connection: ClientConnection) -> None:
        pass

    # By hand.

    @property
    def received(self) -> bytes:
        """What the client got."""
        return self.transport.written

    @property
    def open(self) -> bool:
        """Whether the client may still send."""
        return not self.transport.closing

    def send(self, data: bytes) -> None:
        """Let bytes of the client's arrive, now or when they are wanted."""
        while not self.transport.reading and self.step():
            pass
        if self.open:
            assert self.transport.reading
            self.client.data_received(data)

    def step(self, size: int = 1 << 20) -> bool:
        """Let something of a node's answer arrive, or the news of a connection's end; False if there is nothing."""
        for node in self.nodes:
            if node.transport.closing and not node.transport.told:
                node.end()
                return True
            if node.outbox and node.transport.reading and not node.transport.closing:
                node.deliver(size)
                return True
        return False

    def finish(self) -> None:
        """Let everything arrive."""
        while self.step():
            pass
