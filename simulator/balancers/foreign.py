"""What the drivers of other people's load balancers share: ports, start, looks, orders in time, the audit."""

import asyncio
import signal
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import aiohttp

from simulator.balancers.audit import Inquiry, tell
from simulator.balancers.balancer import BALANCER, BalancerFailed, Place, Report, Started
from simulator.balancers.looks import Look, changes
from simulator.balancers.settings import Admin, Logged, Setup
from simulator.ports import ReservedPort
from simulator.supervisor import Child
from zdu.events import BalancerAudited

LOOK_EVERY_S = 0.1
ORDER_WITHIN_S = 5.0


class ForeignBalancer(ABC):
    """A program of somebody else, with a configuration of its own in the run's folder and no word of ours inside.

    It is drained as its administrator does it: ``drain`` keeps new sessions away but honours the cookies of old ones
    for ever, so after the scenario's deadline the node is set to ``maint``, which moves them.
    """

    title: str
    heeds_nodes = True
    has_administrator = True
    stop_signal = signal.SIGTERM
    untold: str
    """What its log does not tell, as the end of a sentence; empty if it tells of every attempt."""
    tells_retries: bool = True

    def __init__(self, place: Place) -> None:
        self._place = place
        host, port = place.part.listen_address
        self._ports = [ReservedPort(host, port), ReservedPort(*place.part.admin_address)]
        folder = place.folder.path / "balancer"
        folder.mkdir()
        self._admin = {node.name: Admin.READY for node in place.nodes}
        self._setup = Setup(
            folder=folder,
            host=host,
            port=self._ports[0].port,
            admin_port=self._ports[1].port,
            nodes=place.nodes,
            inter_s=place.part.inter,
            rise=place.part.rise,
            fall=place.part.fall,
            health=place.health,
            tuned=False,
        )
        self.child: Child | None = None
        self.url = f"http://{self._setup.listen}"
        self.admin_url = ""

    @abstractmethod
    def command(self) -> list[str]:
        """Write the configuration; how to start the program with it. Raises UsageError if it is absent."""

    @abstractmethod
    async def look(self) -> Mapping[str, Look]:
        """Every node as its admin interface tells of it now. Raises OSError, TimeoutError or BalancerFailed."""

    @abstractmethod
    async def set_state(self, node_id: str, admin: Admin) -> None:
        """Tell it what an administrator wants of a node. Raises OSError, TimeoutError or BalancerFailed."""

    @abstractmethod
    def requests(self, lines: Iterable[str]) -> Iterator[Logged]:
        """What its access log says."""

    async def start(self) -> Started:
        """Start it and wait until its admin interface answers. Raises StartFailed or UsageError."""
        log = self._place.folder.logs / f"{BALANCER}.log"
        child = await self._place.supervisor.start_program(
            BALANCER, self.command(), log, serves=self._serves, folder=self._setup.folder,
            output=self._output(), stop_signal=self.stop_signal,
        )  # fmt: skip
        return Started(child.pid, self.url, f"logs/{log.name}")

    async def follow(self, report: Report) -> None:
        """Look all the time, and tell what changed."""
        clock = self._place.clock
        before: Mapping[str, Look] = {}
        before_s = clock.monotonic_s()
        while True:
            now_s = clock.monotonic_s()
            with suppress(OSError, TimeoutError, aiohttp.ClientError, BalancerFailed):
                async with asyncio.timeout(ORDER_WITHIN_S):
                    now = await self.look()
                # "Out" may be told late and never early, "back" early and never late: docs in looks.py.
                for change in changes(before, now, before_s=before_s, now_s=clock.monotonic_s()):
                    report(change)
                before, before_s = now, now_s
            await asyncio.sleep(LOOK_EVERY_S)

    async def take_out(self, node_id: str, *, deadline_s: float) -> None:
        """Drain; the sessions that are still bound to the node after ``deadline_s`` move. Raises BalancerFailed."""
        await self._order(node_id, Admin.DRAIN)
        await asyncio.sleep(deadline_s)
        await self._order(node_id, Admin.MAINT)

    async def put_back(self, node_id: str) -> None:
        """READY again. Raises BalancerFailed."""
        await self._order(node_id, Admin.READY)

    async def set_nofailover(self, _on: bool, /) -> None:
        """Not while it runs. Raises BalancerFailed."""
        raise BalancerFailed(f"{self.title} cannot be told so while it runs: only our own load balancer can")

    async def refused_to_the_bound(self) -> int:
        """None: it always fails over."""
        return 0

    def audit(self, asked: Inquiry) -> BalancerAudited:
        """What its log says, and what it does not."""
        with ExitStack() as opened:
            lines: Iterable[str] = ()
            with suppress(FileNotFoundError):
                lines = opened.enter_context(self._setup.access_log.open(encoding="utf-8", errors="replace"))
            return tell(
                self.requests(lines),
                asked,
                asked.since_start_of_wall_s,
                who=self.title,
                untold=self.untold,
                tells_retries=self.tells_retries,
            )

    async def status(self) -> dict[str, Any] | None:
        """The last look at every node."""
        with suppress(OSError, TimeoutError, aiohttp.ClientError, BalancerFailed):
            async with asyncio.timeout(ORDER_WITHIN_S):
                looks = await self.look()
            return {"nodes": [{"name": name, **vars(look)} for name, look in looks.items()]}
        return None

    async def close(self) -> None:
        """Give the ports back."""
        for port in self._ports:
            port.close()

    def _output(self) -> Path | None:
        """Where its standard output goes, if that is its access log."""
        return None

    async def _serves(self, child: Child) -> bool:
        """Whether users and administrators get an answer."""
        self.child = child
        with suppress(OSError, TimeoutError, aiohttp.ClientError, BalancerFailed):
            async with asyncio.timeout(ORDER_WITHIN_S):
                _, writer = await asyncio.open_connection(self._setup.host, self._setup.port)
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
                await self.look()
            return True
        return False

    async def _order(self, node_id: str, admin: Admin) -> None:
        try:
            async with asyncio.timeout(ORDER_WITHIN_S):
                await self.set_state(node_id, admin)
        except (OSError, TimeoutError, aiohttp.ClientError) as error:
            reason = str(error) or type(error).__name__
            raise BalancerFailed(f"{self.title} did not set {node_id} to {admin}: {reason}") from error
        self._admin[node_id] = admin
