"""New connections to a node, each made in a task of its own."""

import asyncio
from typing import TYPE_CHECKING, cast

from lb.proxy.roles import Waiter
from lb.retry import Failure

if TYPE_CHECKING:
    from lb.proxy.node_connections import NodeConnections


class Connecting:
    """The connections to one node that are being made; each waiter is told what became of its own."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._under_way: dict[asyncio.Task[None], None] = {}

    def __len__(self) -> int:
        return len(self._under_way)

    def begin(self, connections: "NodeConnections", waiter: Waiter) -> None:
        """Make one more of ``connections``, for ``waiter``."""
        name = f"lb-connect-{connections.address.name}"
        task = self._tasks.create_task(self._connect(connections, waiter), name=name)
        self._under_way[task] = None
        task.add_done_callback(self._done)

    def give_up(self) -> None:
        """Make none of them."""
        for task in list(self._under_way):
            task.cancel()

    async def _connect(self, connections: "NodeConnections", waiter: Waiter) -> None:
        loop = asyncio.get_running_loop()
        address, within_s = connections.address, connections.timeouts.connect
        connection = connections.unconnected()
        protocol = cast(asyncio.Protocol, connection)
        try:
            async with asyncio.timeout(within_s):
                await loop.create_connection(lambda: protocol, address.host, address.port)
        except TimeoutError:
            waiter.unreachable(Failure.CONNECT_TIMEOUT, f"no connection within {within_s:g} s")
        except OSError as error:
            waiter.unreachable(Failure.REFUSED, error.strerror or str(error))
        else:
            if connection.transport is None or connection.transport.is_closing():
                waiter.unreachable(Failure.NOT_SENT, "the connection was closed as soon as it stood")
            else:
                waiter.connected(connection, reused=False)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.pop(task, None)
