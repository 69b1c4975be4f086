"""All connections to one node: which idle one is used again, when a new one is made, and when they must go."""

from collections.abc import Callable
from typing import Final

from lb.config import NodeAddress, Timeouts
from lb.http.response import ResponseScanner
from lb.proxy.connecting import Connecting
from lb.proxy.node_connection import NodeConnection
from lb.proxy.roles import Waiter
from lb.retry import Failure


class NodeConnections:
    """The connections to one node.

    The idle connection used last is used first, so that those not needed grow old and go. One is kept for less time
    than the node itself says it keeps it, and looked at before it is used: most of the requests that other proxies
    lose are written into a connection that the node was just closing.
    """

    def __init__(
        self,
        address: NodeAddress,
        timeouts: Timeouts,
        scanner: ResponseScanner,
        now: Callable[[], float],
        connecting: Connecting,
    ) -> None:
        self.address = address
        self.timeouts = timeouts
        self.scanner = scanner
        self.now = now
        self._connecting = connecting
        self._generation = 0
        self._idle: list[NodeConnection] = []
        self._all: dict[NodeConnection, None] = {}

    def __repr__(self) -> str:
        return f"<NodeConnections {self.address.name} idle={len(self._idle)} all={len(self._all)}>"

    def __len__(self) -> int:
        return len(self._all)

    @property
    def idle(self) -> int:
        """How many wait to be used again."""
        return len(self._idle)

    @property
    def in_use(self) -> bool:
        """Whether there are any, or will be."""
        return bool(self._all or self._connecting)

    def leads_to(self, address: NodeAddress) -> bool:
        """Whether these are connections to ``address``, whatever else is said of the node."""
        return (self.address.host, self.address.port) == (address.host, address.port)

    def take(self, now_s: float, *, risky: bool) -> NodeConnection | None:
        """An idle connection that is fit for use; None if there is none.

        A ``risky`` request must not be lost to the keep-alive race, because it cannot be repeated: it gets only a
        connection that was used a moment ago.
        """
        idle = self._idle
        while idle:
            connection = idle.pop()
            idle_s = now_s - connection.idle_since_s
            if risky and idle_s > _YOUNG_S:
                idle.append(connection)
                return None
            if connection.idle_deadline_s > now_s and not ((risky or idle_s > _WARM_S) and connection.is_stale()):
                return connection
            connection.close()
        return None

    def give_back(self, connection: NodeConnection, idle_timeout_s: float | None, now_s: float) -> None:
        """A response is over: keep the connection for the next request, or close it."""
        connection.let_go()
        if not connection.reusable or connection.generation != self._generation:
            connection.close()
            return
        keep_s = self.timeouts.server_keep_alive
        if idle_timeout_s is not None:
            keep_s = min(keep_s, idle_timeout_s * _SHARE_OF_ADVERTISED)
        connection.idle_since_s = now_s
        connection.idle_deadline_s = now_s + keep_s
        self._idle.append(connection)

    def connect(self, waiter: Waiter) -> None:
        """Make a new connection for ``waiter``."""
        self._connecting.begin(self, waiter)

    def unconnected(self) -> NodeConnection:
        """A connection that does not stand yet: to be given to a transport."""
        return NodeConnection(self, self._generation)

    def purge(self) -> None:
        """Close the idle ones, and those in use as soon as their response is over."""
        self._generation += 1
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def expire(self, now_s: float) -> None:
        """Close what was idle for too long, and give up what waits for too long."""
        if self._idle and self._idle[0].idle_deadline_s <= now_s:
            old = [connection for connection in self._idle if connection.idle_deadline_s <= now_s]
            self._idle = [connection for connection in self._idle if connection.idle_deadline_s > now_s]
            for connection in old:
                connection.close()
        for connection in [busy for busy in self._all if busy.deadline_s <= now_s]:
            asker = connection.asker
            connection.abort()
            if asker is not None:
                asker.node_failed(Failure.NO_RESPONSE, f"nothing came for {self.timeouts.server:g} s")

    def close(self) -> None:
        """Drop them all."""
        self._generation += 1
        self._idle = []
        self._connecting.give_up()
        for connection in list(self._all):
            connection.abort()

    def attached(self, connection: NodeConnection) -> None:
        """A connection stands."""
        self._all[connection] = None

    def lost(self, connection: NodeConnection) -> None:
        """A connection is no more."""
        self._all.pop(connection, None)
        if connection in self._idle:
            self._idle.remove(connection)


_YOUNG_S: Final = 1.0
"""A connection used so recently is hardly ever the one that the node closes now: servers count in seconds."""

_WARM_S: Final = 0.005
"""One used just now need not even be looked at for a request that could be repeated."""

_SHARE_OF_ADVERTISED: Final = 0.8
"""Of the time a node says it keeps an idle connection; the rest is for clocks, and for the way there."""
