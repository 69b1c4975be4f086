"""nginx: drained by writing ``down`` into its configuration and reloading, the only way its open-source 1.22 has."""

import asyncio
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from simulator.balancers.balancer import NO_CHECK, BalancerFailed, Place
from simulator.balancers.foreign import LOOK_EVERY_S, ForeignBalancer
from simulator.balancers.looks import Look
from simulator.balancers.nginx_config import configuration, read_line
from simulator.balancers.programs import program
from simulator.balancers.settings import Admin, Logged


class Nginx(ForeignBalancer):
    """Debian's ``nginx``. It checks nobody: what it says of a node is what its configuration says.

    Requests in flight it does not tell either. But after a reload its old worker lives until it has answered its last
    request; when that process has ended, nothing is awaited any more of a node that the new configuration has down.
    """

    title = "nginx"
    heeds_nodes = False
    untold = ""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._going: set[int] = set()
        """Workers that go on with a configuration of before."""

    def command(self) -> list[str]:
        """In the foreground; nothing of the system's own configuration is read."""
        self._write(self._admin)
        return [program("nginx"), "-c", str(self._config), "-p", str(self._setup.folder)]

    async def look(self) -> Mapping[str, Look]:
        """What the configuration says, and whether a worker of before still answers requests."""
        self._going &= self._workers()
        return {
            node: Look(admin.upper(), NO_CHECK, admin is Admin.READY, len(self._going))
            for node, admin in self._admin.items()
        }

    async def set_state(self, node_id: str, admin: Admin) -> None:
        """Write it and reload: new workers have it, old ones finish what they have begun."""
        self._write({**self._admin, node_id: admin})
        assert self.child is not None  # noqa: S101 - only once it is started
        before = self._workers()
        self.child.send(signal.SIGHUP)
        while not self._workers() - before:  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(LOOK_EVERY_S)
        self._going |= before
        self._admin[node_id] = admin  # not earlier: until now the old configuration was all there was

    async def take_out(self, node_id: str, *, deadline_s: float) -> None:  # noqa: ARG002 - none
        """At once: it has no drain that keeps old sessions, so ``deadline_s`` is none. Raises BalancerFailed."""
        await self._order(node_id, Admin.MAINT)

    def requests(self, lines: Iterable[str]) -> Iterator[Logged]:
        """Its log names every attempt, by the node's address."""
        names = {node.address: node.name for node in self._setup.nodes}
        return filter(None, map(partial(read_line, names=names), lines))

    @property
    def _config(self) -> Path:
        return self._setup.folder / "nginx.conf"

    def _write(self, admin: Mapping[str, Admin]) -> None:
        nodes = tuple(replace(node, admin=admin[node.name]) for node in self._setup.nodes)
        draft = self._config.with_suffix(".new")
        draft.write_text(configuration(replace(self._setup, nodes=nodes)), encoding="utf-8")
        draft.replace(self._config)

    def _workers(self) -> set[int]:
        """The process ids of its children (proc(5)); empty once it has ended."""
        if self.child is None:
            raise BalancerFailed("nginx is not started yet")
        pid = self.child.pid
        with suppress(OSError):
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
            return set(map(int, children.split()))
        return set()
