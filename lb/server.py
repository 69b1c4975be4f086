"""The load balancer as a whole: makes all parts, opens both ports, and stops in good order."""

import asyncio
import errno
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass

from lb.admin.api import Reload
from lb.admin.site import AdminSite
from lb.balancer import Balancer
from lb.checker import Checker
from lb.config import BalancerConfig
from lb.journal import Journal
from lb.proxy.http_path import HttpDataPath
from lb.telemetry.access_log import AccessLog
from lb.telemetry.telemetry import Telemetry
from zdu.clock import Clock, Entropy
from zdu.errors import ZduError


@dataclass(frozen=True)
class Addresses:
    """Where the load balancer listens."""

    url: str
    admin_url: str


class LoadBalancer:
    """One load balancer: use :meth:`start`, then :meth:`stop`, both in the task group that owns its tasks."""

    def __init__(self, config: BalancerConfig, clock: Clock, tasks: asyncio.TaskGroup) -> None:
        self._config = config
        self._tasks = tasks
        self._owned: list[asyncio.Task[None]] = []
        entropy = Entropy(config.seed)
        self.balancer = Balancer(
            config, Journal(), clock.monotonic_s, wall_s=lambda: clock.wall_ms() / 1000, rng=entropy.rng
        )
        names = [node.name for node in config.nodes]
        self.telemetry = Telemetry(names, AccessLog(config.access_log_file), self.balancer.journal, clock)
        self._path = HttpDataPath(self.balancer, self.telemetry, tasks, entropy)
        self._admin = AdminSite(self.balancer, self.telemetry)
        self._checker = Checker(self.balancer, entropy)
        self.telemetry.idle_of = self._path.idle_connections
        self.balancer.on_purge(self._path.purge)

    def on_reload(self, reload: Reload) -> None:
        """Let the admin port's ``POST /reload`` call ``reload``."""
        self._admin.on_reload(reload)

    async def start(self) -> Addresses:
        """Open both ports and begin to check. Raises ZduError if a port is taken."""
        config = self._config
        try:
            port = await _bound(self._path.open(), config.host, config.port)
            url = f"http://{_in_url(config.host)}:{port}"
            self._admin.data_url = url
            admin_port = await _bound(
                self._admin.open(config.admin_host, config.admin_port), config.admin_host, config.admin_port
            )
        except ZduError:
            await self.stop()
            raise
        self._owned = self._checker.start(self._tasks)
        self._owned.append(self._tasks.create_task(self._keep_deadlines(), name="lb-drain-deadlines"))
        self._owned.append(self._tasks.create_task(self.telemetry.keep_ticking(), name="lb-telemetry"))
        return Addresses(url, f"http://{_in_url(config.admin_host)}:{admin_port}")

    async def stop(self) -> bool:
        """Accept no more, finish what is in flight, hard stop at ``timeouts.shutdown``. True if all finished."""
        finished = await self._path.close(self._config.timeouts.shutdown)
        for task in self._owned:
            task.cancel()
        await asyncio.gather(*self._owned, return_exceptions=True)
        await self._admin.close()
        self.telemetry.close()
        return finished

    async def _keep_deadlines(self) -> None:
        """Make deadlines take effect when they are over, and look again whenever one has come nearer."""
        nearer = asyncio.Event()
        self.balancer.on_earlier_deadline(nearer.set)
        while True:
            nearer.clear()
            self.balancer.tick()
            due_s = self.balancer.next_deadline_s()
            wait_s = _IDLE_S if due_s is None else min(_IDLE_S, due_s - self.balancer.now() + _AFTER_DEADLINE_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, wait_s)):
                    await nearer.wait()


_IDLE_S = 60.0
_AFTER_DEADLINE_S = 0.001


async def _bound(opening: Awaitable[int], host: str, port: int) -> int:
    """The port that was opened; an address that cannot be had becomes one clear message."""
    try:
        return await opening
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ZduError(
                f"port {port} on {host} is taken by another process",
                hint=f"Stop that process (ss -ltnp 'sport = :{port}' shows it), or choose another port; 0 takes any.",
            ) from error
        raise ZduError(
            f"cannot listen on {host} port {port}: {error.strerror or error}",
            hint="host and admin_host must be addresses of this machine, such as 127.0.0.1 or ::1.",
        ) from error


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
