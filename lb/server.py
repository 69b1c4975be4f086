"""The load balancer as a whole: makes all parts, opens both ports, and stops in good order."""

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lb.admin.api import Reload
from lb.admin.site import AdminSite
from lb.balancer import Balancer
from lb.checker import Checker
from lb.config import BalancerConfig
from lb.handover import Giver, Inheritance, Taker
from lb.handover_link import LinkLost
from lb.health import Operational
from lb.journal import Journal
from lb.memory import Memory
from lb.proxy.http_path import HttpDataPath
from lb.reload import differences, merged
from lb.telemetry.access_log import AccessLog
from lb.telemetry.telemetry import Telemetry
from zdu.clock import Clock, Entropy
from zdu.errors import ZduError

_log = logging.getLogger("lb")


@dataclass(frozen=True)
class Addresses:
    """Where the load balancer listens."""

    url: str
    admin_url: str


class LoadBalancer:
    """One load balancer: :meth:`start` or :meth:`take_over`, then :meth:`stop`; ``tasks`` owns its tasks."""

    def __init__(self, config: BalancerConfig, clock: Clock, tasks: asyncio.TaskGroup) -> None:
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
        self._giver: Giver | None = None
        self._taker: Taker | None = None
        self._taken_over: Callable[[int], None] = lambda _pid: None
        self.telemetry.idle_of = self._path.idle_connections
        self.balancer.on_purge(self._path.purge)

    @property
    def _config(self) -> BalancerConfig:
        return self.balancer.config

    # Beginning.

    async def start(self) -> Addresses:
        """Open both ports and begin to check. Raises ZduError if a port is taken."""
        config = self._config
        if config.handover:
            await Giver.refuse_second(Path(config.handover), config.timeouts.connect)
        try:
            addresses = await self._open()
            self._begin_to_give()
        except ZduError:
            await self.stop()
            raise
        self._begin()
        return addresses

    async def take_over(self) -> tuple[Addresses, int]:
        """Take the place of the load balancer that runs; returns where we listen, and its process's id.

        All that it has up is checked before anybody is served. Raises ZduError if that one does not hand over, or
        nothing of what it has up is up for us; it then goes on as if nothing had happened.
        """
        config = self._config
        left = await Inheritance.at(Path(config.handover), config.timeouts.connect)
        try:
            _check_addresses(config, left)
            self._begin()
            await self._checked(left.serving)
            memory = await left.memory()
            self.telemetry.tick()  # what the journal has is counted before its numbers jump
            self.balancer.recall(memory)
            addresses = await self._open(left)
            await left.confirmed()
        except BaseException:
            left.close()
            await self.stop()
            raise
        self._owned.append(self._tasks.create_task(self._inherit(left), name="lb-inherit"))
        try:
            self._begin_to_give()
        except ZduError as error:  # users are here already: serve them, whatever becomes of the next replacement
            _log.error("nobody will be able to take over from us: %s", error)
        return addresses, left.pid

    async def _open(self, left: Inheritance | None = None) -> Addresses:
        config = self._config
        data, admin = (left.data, left.admin) if left is not None else ((), ())
        port = await _bound(self._path.open(data), config.host, config.port)
        self._admin.data_url = url = f"http://{_in_url(config.host)}:{port}"
        opening = self._admin.open(config.admin_host, config.admin_port, admin)
        admin_port = await _bound(opening, config.admin_host, config.admin_port)
        if left is not None:
            left.data, left.admin = [], []
        return Addresses(url, f"http://{_in_url(config.admin_host)}:{admin_port}")

    def _begin(self) -> None:
        self._owned += self._checker.start(self._tasks)
        self._owned.append(self._tasks.create_task(self._keep_deadlines(), name="lb-drain-deadlines"))
        self._owned.append(self._tasks.create_task(self.telemetry.keep_ticking(), name="lb-telemetry"))

    async def _checked(self, serving: Sequence[str]) -> None:
        """Return when the nodes in ``serving``, as far as they are ours, have been checked."""
        health, journal = self.balancer.health, self.balancer.journal
        names = [name for name in serving if name in health]
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * self._config.health.timeout):  # a check takes half of that at the most
                while any(health[name].state is Operational.INIT for name in names):
                    await journal.wait_after(journal.last_seq, self._config.health.timeout)
        if serving and not any(
            view.takes_new_sessions or view.takes_bound_sessions for view in self.balancer.views()
        ):
            raise ZduError(
                f"none of the nodes is up; the load balancer that runs has {', '.join(serving)} and goes on",
                hint="Check the nodes and health settings of the new configuration.",
            )

    async def _inherit(self, left: Inheritance) -> None:
        """Take clients' connections, and what responses teach, until the old process has ended."""
        try:
            while True:
                message = await left.next_clients()
                if message.kind == "clients":
                    await self._path.adopt(message.sockets)
                else:
                    cookies = [str(value).encode("latin-1") for value in message.facts["set_cookies"]]
                    self.balancer.learn(str(message.facts["node"]), cookies)
        except LinkLost:
            _log.info("the load balancer that ran before us has ended")
        finally:
            left.close()

    # A new configuration.

    def on_reload(self, reload: Reload) -> None:
        """Let the admin port's ``POST /reload`` call ``reload``."""
        self._admin.on_reload(reload)

    async def reload(self, wanted: BalancerConfig) -> list[str]:
        """Go by another configuration; returns what changed and what could not, in words.

        Raises ZduError if that is not possible; nothing has changed then. Requests in flight, sessions, tunnels and
        the operator's wishes stay. The access log is opened again, so this is for log rotation, too.
        """
        before = self._config
        config, notes = merged(before, wanted)
        if config.access_log_file != before.access_log_file:
            self.telemetry.move_log(config.access_log_file)
        else:
            self.telemetry.reopen_log()
        self.balancer.reconfigure(config)
        self._path.apply_config()
        self._checker.sync()
        self.telemetry.meters.retain(self.balancer.addresses)
        return [*differences(before, config), *notes]

    # Handing over.

    def on_taken_over(self, tell: Callable[[int], None]) -> None:
        """Call ``tell`` with the id of the process that has taken over; then it is time to :meth:`stop`."""
        self._taken_over = tell

    def data_listeners(self) -> list[int]:
        """The sockets by which users come."""
        return self._path.listeners()

    def admin_listeners(self) -> list[int]:
        """The sockets by which operators come."""
        return self._admin.listeners()

    def serving(self) -> list[str]:
        """The nodes that are up."""
        return [view.name for view in self.balancer.views() if view.takes_new_sessions or view.takes_bound_sessions]

    def memory(self) -> Memory:
        """What the next process must know. From here on the operator's commands are refused."""
        self._admin.frozen = True
        return self.balancer.memory()

    def keep(self) -> None:
        """The next process did not come to anything."""
        self._admin.frozen = False

    def hand_over(self, taker: Taker, pid: int) -> None:
        """Process ``pid`` accepts connections: we need not any more."""
        self._taker = taker
        self.balancer.on_learned(taker.learned)
        self._path.stop_listening()
        self._admin.stop_listening()
        self._taken_over(pid)

    def _begin_to_give(self) -> None:
        config = self._config
        if not config.handover:
            return
        times = config.timeouts
        self._giver = Giver(Path(config.handover), self, answer_s=times.connect, checks_s=times.handover)
        self._giver.open()
        self._owned.append(self._tasks.create_task(self._giver.serve(), name="lb-handover"))

    # The end.

    async def stop(self) -> bool:
        """Accept no more, finish what is in flight, hard stop at ``timeouts.shutdown``. True if all finished.

        After a hand-over the hard stop is at ``timeouts.handover``, and idle connections go to the new process.
        """
        taker, times = self._taker, self._config.timeouts
        if taker is not None:
            await self._admin.close()  # its clients come back to the new process
            finished = await self._path.close(times.handover, taker.take)
            _log.info("handed over %d clients' connections", taker.given)
        else:
            finished = await self._path.close(times.shutdown)
        for task in self._owned:
            task.cancel()
        await asyncio.gather(*self._owned, return_exceptions=True)
        if self._giver is not None:
            self._giver.close()
        if taker is not None:
            taker.close()
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


def _check_addresses(config: BalancerConfig, left: Inheritance) -> None:
    """Raise ZduError if the sockets handed over are not where the configuration wants to listen."""
    for name, port, socks in (("port", config.port, left.data), ("admin_port", config.admin_port, left.admin)):
        there = [int(sock.getsockname()[1]) for sock in socks]
        if not there or (port and port not in there):
            raise ZduError(
                f"{name} is {port} in the configuration, and the load balancer that runs listens on {there}",
                hint="A socket that is handed over stays where it is; restart without --take-over to change that.",
            )


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
