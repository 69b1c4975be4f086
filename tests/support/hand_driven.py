"""Nodes whose clock is the test's: the real parts of a node on a real database, but nothing goes on by itself.

A test says when a node writes its heartbeat and looks at the cluster, and lets time pass by making everything in the
database older. So a story of many days takes a blink, and the same one is the same each time.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import update

from node.cluster_upgrade import ClusterUpgrade
from node.config import DatabaseConfig, JiraIntervals, MixedWhen, NodeConfig
from node.finalise import UpgradeTasks
from node.heartbeat import Heartbeat
from node.logs import NodeLog
from node.member_rules import may_be_removed, may_be_set_offline
from node.parts import NodeParts
from node.releases import find_release
from node.services import NotAllowed, UpgradeAction
from node.setup import SetupPlan, set_up
from node.stale_nodes import StaleNodes
from node.startup import Startup
from node.upgrade_state import UpgradeState, state_in
from node.upgrade_watch import UpgradeWatch
from shared_db import ClusterNode, Database, UpgradeStateRow
from shared_db.tables import clusterlockstatus, clusternode, clusternodeheartbeat
from tests.support.databases import DatabaseTarget
from zdu.clock import Entropy, SystemClock

INTERVALS = JiraIntervals.model_construct(
    heartbeat=1.0,
    dead_after=10_000.0,
    offline_after=100_000.0,
    removed_after=100_000.0,
    version_check_wait=0.0,
    lock_expiry=10_000.0,
    upgrade_state_poll=1.0,
)
"""So long that the time which the test itself takes counts for nothing, on a busy machine either. The version check
does not wait, because nothing would change meanwhile."""

BROKEN_TASK = "73012-no-such-task"


@dataclass
class HandDrivenNode:
    """One life of one node, from its start on."""

    parts: NodeParts
    database: Database
    upgrade: ClusterUpgrade
    tasks: UpgradeTasks
    startup: Startup
    heartbeat: Heartbeat
    watch: UpgradeWatch

    @property
    def version(self) -> str:
        return self.parts.release.version

    async def look(self) -> None:
        """What a node does by itself again and again, once; a look that fails fails the test."""
        await self.watch._look()


@dataclass
class HandDrivenCluster:
    """The nodes of one story, on one database. ``nodes`` are those whose process runs."""

    target: DatabaseTarget
    folder: Path
    database: Database
    log: NodeLog
    mixed_when: MixedWhen = "rejoined"
    nodes: dict[str, HandDrivenNode] = field(default_factory=dict)
    found_offline: list[str] = field(default_factory=list)

    @classmethod
    async def open(
        cls, target: DatabaseTarget, folder: Path, mixed_when: MixedWhen = "rejoined"
    ) -> "HandDrivenCluster":
        """A cluster of 7.3.0 without a node, set up."""
        database = await target.open()
        await set_up(database, SetupPlan(find_release("7.3.0"), users=0, issues=1, password_cost=4), Entropy(1))
        return cls(target, folder, database, NodeLog(SystemClock(), folder / "nodes.log"), mixed_when)

    async def close(self) -> None:
        """Close everything, and drop the database."""
        for node in self.nodes.values():
            await node.database.close()
        self.log.close()
        await self.database.schema.drop()
        await self.database.close()

    async def start(self, node_id: str, version: str, *, tasks_fail: bool = False) -> None:
        """Start a node. Raises NodeRefused, and it is as if nothing had been started."""
        node = await self._make(node_id, version, tasks_fail=tasks_fail)
        try:
            await node.startup.run()
            self.nodes[node_id] = node
            await node.startup.upgrade_data()
            await node.look()
        except BaseException:
            self.nodes.pop(node_id, None)
            await node.database.close()
            raise

    async def stop(self, node_id: str) -> None:
        """Stop a node in an orderly way: it leaves, and writes what its leaving changes."""
        node = self.nodes.pop(node_id)
        await node.database.nodes.go_offline(node_id)
        await node.upgrade.observe()
        await node.database.close()

    async def kill(self, node_id: str) -> None:
        """End a node without a word."""
        await self.nodes.pop(node_id).database.close()

    async def act(self, node_id: str, action: UpgradeAction) -> None:
        """An administrator's wish on that node; upgrade tasks have ended when this returns. Raises NotAllowed."""
        node = self.nodes[node_id]
        if action is not UpgradeAction.APPROVE:
            await node.upgrade.act(action, "admin")
            return
        refused: NotAllowed | None = None
        async with asyncio.TaskGroup() as owner:
            try:
                await node.tasks.approve("admin", owner)
            except NotAllowed as error:
                refused = error  # which the group would wrap
        if refused:
            raise refused

    async def approve_and_die(self, node_id: str) -> None:
        """The node is killed when it has begun the upgrade tasks: it keeps their lock. Raises NotAllowed."""
        node = self.nodes[node_id]
        await node.tasks._take_lock()
        try:
            await node.upgrade.act(UpgradeAction.APPROVE, "admin")
        except BaseException:
            await node.tasks._lock.release()
            raise
        await self.kill(node_id)

    async def set_offline(self, node_id: str) -> None:
        """Raises NoSuchNode or NodeChangeRefused."""
        await self.database.nodes.set_offline(
            node_id, allow=lambda row: may_be_set_offline(node_id, row), dead_after_s=INTERVALS.dead_after
        )

    async def remove(self, node_id: str) -> None:
        """Raises NoSuchNode or NodeChangeRefused."""
        await self.database.nodes.remove(
            node_id, allow=lambda row: may_be_removed(node_id, row), dead_after_s=INTERVALS.dead_after
        )

    async def time_passes(self, seconds: float, *, asleep: Iterable[str] = ()) -> None:
        """Let time pass. All running nodes but those that are ``asleep`` go on beating and looking."""
        await self._make_older(seconds)
        awake = [node_id for node_id in self.nodes if node_id not in set(asleep)]
        for node_id in awake:
            await self.beat(node_id)
        for node_id in awake:
            if node_id in self.nodes:
                await self.nodes[node_id].look()

    async def beat(self, node_id: str) -> None:
        """One heartbeat; a node that finds itself OFFLINE shuts itself down."""
        if not await self.nodes[node_id].heartbeat.beat():
            self.found_offline.append(node_id)
            await self.stop(node_id)

    async def members(self) -> dict[str, ClusterNode]:
        """All rows of ``clusternode``, by id."""
        return {node.node_id: node for node in await self.database.nodes.members(INTERVALS.dead_after)}

    async def state(self) -> UpgradeState:
        """The cluster's upgrade state."""
        return state_in(await self.database.upgrade_state.current())

    async def history(self) -> list[UpgradeStateRow]:
        """Every row of ``clusterupgradestate``."""
        return await self.database.upgrade_state.history()

    async def _make(self, node_id: str, version: str, *, tasks_fail: bool) -> HandDrivenNode:
        release = find_release(version)
        if tasks_fail:
            release = replace(release, upgrade_tasks=(*release.upgrade_tasks, BROKEN_TASK))
        config = NodeConfig(
            node_id=node_id,
            version=version,
            database=DatabaseConfig(url=self.target.url, namespace=self.target.namespace),
            shared_home=self.folder / "shared",
            local_home=self.folder / node_id,
            mixed_when=self.mixed_when,
        )
        config = config.model_copy(update={"intervals": INTERVALS})
        entropy = Entropy(sum(node_id.encode()))
        parts = NodeParts(config, release, SystemClock(), entropy, self.log, entropy.token(8))
        database = await self.target.open(release.features)
        upgrade = ClusterUpgrade(parts, database)
        tasks = UpgradeTasks(parts, database, upgrade)
        watch = UpgradeWatch(parts, upgrade, tasks, StaleNodes(parts, database), on_look=lambda _: None)
        heartbeat = Heartbeat(parts, database, on_offline=lambda: None)
        return HandDrivenNode(
            parts, database, upgrade, tasks, Startup(parts, database, upgrade, tasks), heartbeat, watch
        )

    async def _make_older(self, seconds: float) -> None:
        older_ms = round(seconds * 1000)
        async with self.database._transactions.write() as connection:
            beat, row, lock = clusternodeheartbeat.c, clusternode.c, clusterlockstatus.c
            await connection.execute(update(clusternodeheartbeat).values(database_time=beat.database_time - older_ms))
            await connection.execute(update(clusternode).values(timestamp=row.timestamp - older_ms))
            await connection.execute(update(clusterlockstatus).values(update_time=lock.update_time - older_ms))
