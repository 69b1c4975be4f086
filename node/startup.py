"""How a node starts: from a database connection to a member of the cluster.

The order is what makes an upgrade safe. First the version check, before anything is touched. Then, one node at a
time, the new release's shared files and schema are laid beside the old ones' (expanded: the old nodes go on working).
Last the node's row, written in the very transaction that checks the version once more against the cluster as it is
then: while the node was starting, somebody may have cancelled the upgrade.
"""

import asyncio
from collections.abc import Awaitable, Callable

from node.bad_release import BadRelease
from node.cluster_lock import ClusterLock
from node.cluster_upgrade import ClusterUpgrade, seen
from node.contraction import VERSION_PATCHED
from node.finalise import UpgradeTasks
from node.logs import CLUSTER_MANAGER, LAUNCHER, SHARED_HOME, UPGRADE_SERVICE, VERSION_CHECK
from node.parts import NodeParts
from node.shared_files import expand_shared_home
from node.upgrade_state import state_of
from node.version_rules import Join, Refuse, Wait, decide_join
from shared_db import ClusterNode, ClusterSnapshot, Database, StepFailed
from zdu.errors import ZduError

STARTUP_LOCK = "com.atlassian.jira.start.upgrade.lock"

_POLLS_PER_WAIT = 50
"""A wait looks that many times: often enough to lose no time, seldom enough to cost nothing."""

CACHE_LISTENER_PORT = 40001
"""``ehcache.listener.port``, Jira's default. Nothing listens there yet."""


class NotSetUp(ZduError):
    """The database has no tables or no data: nobody has run the set-up."""


class NodeRefused(ZduError):
    """The version check keeps this node out of the cluster."""


CANNOT_START = (NodeRefused, StepFailed)
"""What a start ends with that will not go better a moment later, and that Jira shows as ERROR on ``/status``."""


class _NotYet(Exception):
    """The version check wants to look again later."""


class Startup:
    """One start of one node."""

    def __init__(self, parts: NodeParts, database: Database, upgrade: ClusterUpgrade, tasks: UpgradeTasks) -> None:
        self._parts = parts
        self._database = database
        self._upgrade = upgrade
        self._tasks = tasks
        self._bad = BadRelease(parts, database)
        self._began_s = asyncio.get_running_loop().time()
        self._data_to_upgrade: int | None = None
        self.joined = False
        """Whether this node's row says ACTIVE because of this start, or may: a stop can come when the row is written
        and nobody has heard of it yet."""

    async def run(self) -> None:
        """Become a member. Raises NodeRefused, StepFailed or another ZduError; nothing is left behind then."""
        self._tell_versions(await self._database.nodes.get(self._parts.node_id))
        self._tell_cluster(await self._upgrade.snapshot())
        await self._until_allowed(self._check)
        async with ClusterLock(self._parts, self._database, STARTUP_LOCK).held("which is starting"):
            await self._expand()
        self._bad.crash_at_start()
        await self._rest_of_start_duration()
        await self._until_allowed(self._join)

    async def upgrade_data(self) -> None:
        """Bring the data to this release, if the node joined with that duty. It must be heard to live meanwhile.

        Otherwise it would count as dead after a while, and a node of the old release would join beside it.
        """
        if self._data_to_upgrade is not None:
            self._parts.log.logger(UPGRADE_SERVICE).info(
                "No other node is alive and the data is of build %d: upgrading it", self._data_to_upgrade
            )
            await self._tasks.run_at_start()

    async def check_set_up(self) -> None:
        """Raise NotSetUp while there are no tables or no data."""
        if not await self._database.schema.is_set_up() or await self._data_build() is None:
            raise NotSetUp(
                f"{self._database.name} has not been set up",
                hint="Set it up first: zdu db setup --url URL --version 7.3.0",
            )

    def _tell_versions(self, former: ClusterNode | None) -> None:
        node_id, release = self._parts.node_id, self._parts.release
        log = self._parts.log.logger(LAUNCHER)
        now = f"{release.version} (build {release.build})"
        if former is None:
            log.info("Node %s starts for the first time, with %s", node_id, now)
        elif former.build_number == release.build:
            log.info("Node %s starts again, with %s", node_id, now)
        else:
            verb = "Upgrading" if former.build_number < release.build else "Rolling back"
            log.info("%s node %s from %s (build %d) to %s", verb, node_id, former.version, former.build_number, now)

    def _tell_cluster(self, snapshot: ClusterSnapshot) -> None:
        self._parts.log.logger(VERSION_CHECK).info(
            "Checking whether %s may join: the cluster is %s, %s",
            *(self._parts.release.version, state_of(snapshot), seen(snapshot)),
        )

    async def _data_build(self) -> int | None:
        text = await self._database.properties.get(VERSION_PATCHED)
        return int(text) if text is not None and text.isdecimal() else None

    async def _until_allowed(self, attempt: Callable[[float], Awaitable[None]]) -> None:
        """Try until the version check says yes. Raises NodeRefused once it says no."""
        log = self._parts.log.logger(VERSION_CHECK)
        limit_s = self._parts.intervals.version_check_wait
        loop = asyncio.get_running_loop()
        began_s, told = loop.time(), ""
        while True:
            try:
                await attempt(loop.time() - began_s)
            except _NotYet as not_yet:
                if str(not_yet) != told:
                    told = str(not_yet)
                    log.warning(told)
                await self._pause(limit_s)
            else:
                return

    async def _check(self, waited_s: float) -> None:
        self._admit(await self._upgrade.snapshot(), await self._data_build(), waited_s)
        self._parts.log.logger(VERSION_CHECK).info(
            "Version check passed: %s may join this cluster", self._parts.release.version
        )

    async def _join(self, waited_s: float) -> None:
        data_build = await self._data_build()
        upgrades_data = False

        def admit(snapshot: ClusterSnapshot) -> bool:
            nonlocal upgrades_data
            upgrades_data = self._admit(snapshot, data_build, waited_s).upgrades_data
            return upgrades_data

        release = self._parts.release
        self.joined = True
        try:
            await self._database.nodes.join(
                self._parts.node_id,
                self._parts.config.host,
                CACHE_LISTENER_PORT,
                release.build,
                release.version,
                admit=admit,
                dead_after_s=self._parts.intervals.dead_after,
            )
        except (NodeRefused, _NotYet):
            self.joined = False
            raise
        self._data_to_upgrade = data_build if upgrades_data else None
        self._parts.log.logger(CLUSTER_MANAGER).info(
            "Node %s joined the cluster with %s (build %d)", self._parts.node_id, release.version, release.build
        )

    def _admit(self, snapshot: ClusterSnapshot, data_build: int | None, waited_s: float) -> Join:
        decision = decide_join(
            self._parts.release,
            self._parts.node_id,
            snapshot,
            data_build,
            waited_s=waited_s,
            wait_limit_s=self._parts.intervals.version_check_wait,
        )
        match decision:
            case Refuse(message):
                raise NodeRefused(message)
            case Wait(message):
                raise _NotYet(message)
            case Join():
                return decision

    async def _expand(self) -> None:
        release = self._parts.release
        new = expand_shared_home(self._parts.config.shared_home, release, self._parts.boot_id)
        self._parts.log.logger(SHARED_HOME).info(
            "Shared home %s the files of %s", "was given" if new else "has", release.version
        )
        log = self._parts.log.logger(UPGRADE_SERVICE)
        for line in release.log_lines:
            log.info("%s: %s", release.version, line)
        began_s = asyncio.get_running_loop().time()
        applied = await self._database.schema.expand(release.expand_steps)
        for step in applied:
            log.info("Expanded the schema: %s", step)
        if applied:
            took_ms = (asyncio.get_running_loop().time() - began_s) * 1000
            log.info("The schema is expanded for %s, in %d ms", release.version, took_ms)
        else:
            log.info("The schema needs no expansion for %s", release.version)

    async def _rest_of_start_duration(self) -> None:
        left_s = self._began_s + self._bad.start_duration_s - asyncio.get_running_loop().time()
        if left_s > 0:
            await asyncio.sleep(left_s)

    async def _pause(self, wait_s: float) -> None:
        await asyncio.sleep(wait_s / _POLLS_PER_WAIT * self._parts.entropy.rng.uniform(0.5, 1.0))
