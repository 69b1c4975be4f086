"""Several nodes of one cluster in one process, without a web side: started, stopped and killed by a test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.pool import QueuePool

from node.config import DatabaseConfig, JiraIntervals, NodeConfig
from node.logs import NodeLog
from node.parts import NodeParts
from node.releases import Release, find_release
from node.runtime import NodeRuntime
from node.services import ApplicationState
from node.setup import SetupPlan, set_up
from node.stopping import StopWish
from shared_db import ClusterNode, Database
from tests.support.databases import DatabaseTarget
from tests.support.waiting import LIMIT_S, eventually, until
from zdu.clock import Entropy, SystemClock

INTERVALS = JiraIntervals.model_construct(
    heartbeat=0.05,
    dead_after=1.2,
    offline_after=60.0,
    removed_after=60.0,
    version_check_wait=2.5,
    lock_expiry=0.8,
    upgrade_state_poll=0.03,
    index_replay=0.03,
    cluster_messages=0.03,
    index_snapshot_wait=0.5,
)


@dataclass
class Living:
    """One node and the task it lives in."""

    runtime: NodeRuntime
    task: asyncio.Task[None]
    log_file: Path
    databases: list[Database]

    @property
    def log(self) -> str:
        """What the node has logged."""
        return self.log_file.read_text(encoding="utf-8")


@dataclass
class RuntimeCluster:
    """The nodes of one test, on one database."""

    target: DatabaseTarget
    folder: Path
    database: Database
    options: dict[str, Any] = field(default_factory=dict)
    nodes: dict[str, Living] = field(default_factory=dict)

    def begin(
        self,
        node_id: str,
        version: str = "7.3.0",
        *,
        release: Release | None = None,
        on_stopping: Callable[[StopWish], Awaitable[None]] | None = None,
        **options: Any,
    ) -> Living:
        """Start a node and do not wait for it."""
        log_file = self.folder / f"{node_id}.log"
        config = NodeConfig.model_construct(
            **{
                **NodeConfig(
                    node_id=node_id,
                    version=version,
                    database=DatabaseConfig(url=self.target.url, namespace=self.target.namespace),
                    shared_home=self.folder / "shared",
                    local_home=self.folder / node_id,
                    node_upgrade_mode=True,
                ).__dict__,
                "intervals": INTERVALS,
                **self.options,
                **options,
            }
        )
        entropy = Entropy(hash_of(node_id))
        clock = SystemClock()
        parts = NodeParts(
            config, release or find_release(version), clock, entropy, NodeLog(clock, log_file), entropy.token(8)
        )
        runtime = NodeRuntime(parts)
        databases: list[Database] = []
        task = asyncio.create_task(_live(runtime, parts.log, databases, on_stopping), name=node_id)
        living = Living(runtime, task, log_file, databases)
        self.nodes[node_id] = living
        return living

    async def start(self, node_id: str, version: str = "7.3.0", **options: Any) -> NodeRuntime:
        """Start a node and return once it is RUNNING; raises what keeps it from that."""
        living = self.begin(node_id, version, **options)
        await until(
            lambda: living.task.done() or living.runtime.application_state is ApplicationState.RUNNING,
            f"{node_id} RUNNING",
        )
        if living.task.done():
            living.task.result()
        return living.runtime

    async def stop(self, node_id: str) -> None:
        """Stop a node in an orderly way."""
        living = self.nodes[node_id]
        living.runtime.stop_wish.make("test")
        await asyncio.wait_for(living.task, LIMIT_S)

    async def kill(self, node_id: str) -> None:
        """End a node as kill -9 does: it tells nobody.

        It is hit between two transactions. The system closes a dead process's files; here a thread that is cut off
        in a transaction may keep SQLite's lock. What a kill in a transaction does is tested with real processes.
        """
        living = self.nodes[node_id]
        await until(lambda: not any(_is_writing(database) for database in living.databases), f"{node_id} is idle")
        living.task.cancel()
        await asyncio.wait((living.task,), timeout=LIMIT_S)

    async def state(self) -> str:
        """The cluster's upgrade state, as the database has it."""
        current = await self.database.upgrade_state.current()
        return current.state if current else "STABLE"

    async def states(self) -> list[str]:
        """Every state the cluster has been in."""
        return [row.state for row in await self.database.upgrade_state.history()]

    async def member(self, node_id: str) -> ClusterNode | None:
        """One node's row."""
        return await self.database.nodes.get(node_id, INTERVALS.dead_after)

    async def reaches(self, state: str) -> None:
        """Return once the cluster is in ``state``."""
        await eventually(self.state, state)

    async def end(self) -> None:
        """End all nodes that are left."""
        for node_id, living in self.nodes.items():
            if not living.task.done():
                await self.kill(node_id)


def _is_writing(database: Database) -> bool:
    """Whether a connection of its writing engine is in use."""
    pool = database._transactions._writer.pool
    return isinstance(pool, QueuePool) and pool.checkedout() > 0


@asynccontextmanager
async def runtime_cluster(target: DatabaseTarget, folder: Path, **options: Any) -> AsyncIterator[RuntimeCluster]:
    """A cluster whose database is set up for 7.3.0; its nodes end with the block."""
    async with await target.open() as database:
        await set_up(database, SetupPlan(find_release("7.3.0"), users=1, issues=3, password_cost=4), Entropy(1))
        cluster = RuntimeCluster(target, folder, database, options)
        try:
            yield cluster
        finally:
            await cluster.end()


async def _live(
    runtime: NodeRuntime,
    log: NodeLog,
    databases: list[Database],
    on_stopping: Callable[[StopWish], Awaitable[None]] | None,
) -> None:
    try:
        await runtime.run(on_database=databases.append, on_stopping=on_stopping)
    finally:
        log.close()


def hash_of(node_id: str) -> int:
    """A seed of the node's own, the same in every run."""
    return sum(node_id.encode())
