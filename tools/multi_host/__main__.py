"""``make multi-host``: nodes, database and load balancer on hosts of their own, upgraded under load, then cut apart.

Everything is real but the cables: each host is a network namespace (:mod:`tools.multi_host.hosts`), each process one
of zdu's own commands. What is expected is checked, and what users met is counted from the requests of the simulator's
own virtual users. Exit codes: 0 all as expected, 1 not, 64 it cannot run here.
"""

import asyncio
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from simulator.clients.jira_admin import AdminRequestFailed, JiraAdmin
from simulator.load.load import Load
from simulator.record.recorder import Recorder
from simulator.scenario.model import LoadPart
from tests.support.postgres import NoServer, Place, find_programs, postgres
from tools.multi_host.cluster import Cluster, NotStarted
from tools.multi_host.hosts import CannotMakeHosts, Hosts
from zdu.clock import SystemClock

NODES = ("node1", "node2", "node3")
OLD, NEW = "7.3.0", "7.3.2"
USERS = 12
WITHIN_S = 60.0
LOOK_EVERY_S = 0.2
CALM_S = 2.0
SETTLE_S = 8.0
"""After the cut is mended: every request that hung in it has an outcome."""
NOT_ALIVE_AFTER_S = 5.0
"""Jira's five minutes without a heartbeat, sixty times as fast."""


class NotAsExpected(Exception):
    """The cluster did something else than it should; the message says what."""


def say(text: str) -> None:
    """One line of the story."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@dataclass
class Story:
    """The cluster, those who look at it, and those who work on it."""

    cluster: Cluster
    recorder: Recorder
    admins: dict[str, JiraAdmin]

    async def play(self) -> None:
        """Upgrade all nodes under load, then cut node2 off from the database and mend it. Raises NotAsExpected."""
        load = Load(
            LoadPart(users=USERS, probe_rate=5),
            self.cluster.users_url,
            self.recorder,
            remember_me=True,
            common_issues=("ZDU-1", "ZDU-2", "ZDU-3"),
            seed=7,
        )
        try:
            async with asyncio.TaskGroup() as working:
                load.start(working)
                try:
                    await self._upgrade()
                    await self._cut_off("node2")
                finally:
                    load.stop()
        finally:
            for admin in self.admins.values():
                await admin.close()

    async def _upgrade(self) -> None:
        with self._counted("a rolling upgrade over the network") as failed:
            await asyncio.sleep(CALM_S)
            await self.admins["node1"].start_upgrade()
            say("   Jira is in upgrade mode")
            for node in NODES:
                await _in_thread(partial(self._upgrade_one, node))
                await self._until(f"{node} is RUNNING", partial(self._runs, node))
                await _in_thread(partial(self.cluster.ready, node))
                say(f"   {node} runs {NEW} and takes its share again; the cluster is {await self._state()}")
            await self._until("READY_TO_RUN_UPGRADE_TASKS", self._is("READY_TO_RUN_UPGRADE_TASKS"))
            await self.admins["node1"].approve()
            await self._until("the cluster is STABLE", self._is("STABLE"))
            say("   finalised: the cluster is STABLE")
            await asyncio.sleep(CALM_S)
        _expect(not failed, f"no request fails in the upgrade, and {sum(failed.values())} did: {dict(failed)}")

    def _upgrade_one(self, node: str) -> None:
        self.cluster.drain(node)
        code = self.cluster.stop(node)
        _expect(code == 0, f"{node} stops in good order, and it ended with {code}")
        self.cluster.start_node(node, NEW)

    async def _cut_off(self, node: str) -> None:
        hosts = self.cluster.hosts
        with self._counted(f"nothing gets through between {node} and the database") as failed:
            hosts.cut(node, "database")
            try:
                await self._until(f"the others see {node} as not alive", lambda: self._alive(node, expected=False))
                say(f"   node1 shows {node} as not alive; its process runs on")
                _expect(node in self.cluster.running, f"{node} runs on")
            finally:
                hosts.mend(node, "database")
            await self._until(f"{node} is alive again", lambda: self._alive(node, expected=True))
            say(f"   mended: node1 shows {node} as alive again, without a restart")
            await asyncio.sleep(SETTLE_S)
        _expect(bool(failed), f"users of {node} notice: it says RUNNING and cannot read a page")
        elsewhere = {which: count for which, count in failed.items() if which[0] not in {node, ""}}
        _expect(not elsewhere, f"users of the other nodes notice nothing, and some did: {elsewhere}")

    @contextmanager
    def _counted(self, what: str) -> Iterator[Counter[tuple[str, str]]]:
        """Count the requests that began in the block and failed, by node and outcome; filled in at its end."""
        say(f"\n{what}")
        begun_s = self.recorder.now_s()
        failed: Counter[tuple[str, str]] = Counter()
        yield failed
        requests = [request for request in self.recorder.requests if request.intended_s >= begun_s]
        failed.update((request.node, request.outcome) for request in requests if request.failed)
        said = ", ".join(f"{count} × {outcome} at {node or '?'}" for (node, outcome), count in failed.items())
        say(f"   {len(requests)} requests, {sum(failed.values())} failed{': ' + said if said else ''}")

    async def _until(self, what: str, holds: Callable[[], Awaitable[bool]]) -> None:
        try:
            async with asyncio.timeout(WITHIN_S):
                while not await holds():  # noqa: ASYNC110 - on another host nobody sets an event
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            raise NotAsExpected(f"within {WITHIN_S:g} s: {what}") from None

    async def _runs(self, node: str) -> bool:
        said = await self.admins[node].status()
        return said is not None and said.state == "RUNNING"

    async def _state(self) -> str:
        return await self.admins["node1"].cluster_state() or "?"

    def _is(self, state: str) -> Callable[[], Awaitable[bool]]:
        async def holds() -> bool:
            return await self._state() == state

        return holds

    async def _alive(self, node: str, *, expected: bool) -> bool:
        try:
            members = await self.admins["node1"].get("/rest/api/2/cluster/nodes")
        except AdminRequestFailed:
            return False
        return any(member["nodeId"] == node and member["alive"] is expected for member in members)


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise NotAsExpected(what)


async def _in_thread(work: Callable[[], None]) -> None:
    """Commands that block; a tool may use a thread where the product would not."""
    await asyncio.get_running_loop().run_in_executor(None, work)


def main() -> int:
    """Make the hosts, play the story on them, take all of it away again."""
    programs = find_programs()
    if os.geteuid() != 0:
        return _cannot("network namespaces need root: sudo make multi-host")
    if programs is None:
        return _cannot("PostgreSQL is not installed: apt-get install postgresql")
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zdu-multi-host-")))
            hosts = stack.enter_context(Hosts(["client", "lb", *NODES, "database"]).made())
            place = Place(hosts.address("database"), 5432, tuple(hosts.command("database")))
            hosts.move_to("client")
            cluster = Cluster(hosts, NODES, folder, stack.enter_context(postgres(programs, place)))
            stack.callback(cluster.stop_all)
            _start(cluster)
            asyncio.run(_play(cluster))
    except (CannotMakeHosts, NoServer) as error:
        return _cannot(str(error))
    except (NotStarted, NotAsExpected) as error:
        say(f"\nNot as expected: {error}")
        return 1
    say("\nAll as expected.")
    return 0


def _start(cluster: Cluster) -> None:
    say("hosts, each a network namespace of its own:")
    for name in ("client", "lb", *NODES, "database"):
        say(f"   {name:<9} {cluster.hosts.address(name)}")
    cluster.set_up(OLD)
    cluster.start_lb()
    for node in NODES:
        cluster.start_node(node, OLD)
    for node in NODES:
        cluster.ready(node)
    say(f"   PostgreSQL, the load balancer and three nodes of {OLD} serve")


async def _play(cluster: Cluster) -> None:
    record = cluster.folder / "record"
    record.mkdir()
    recorder = Recorder(record, SystemClock())
    admins = {node: JiraAdmin(cluster.url(node)) for node in NODES}
    try:
        await Story(cluster, recorder, admins).play()
    finally:
        recorder.close()


def _cannot(why: str) -> int:
    sys.stderr.write(f"make multi-host: {why}\n")
    return 64


if __name__ == "__main__":
    sys.exit(main())
