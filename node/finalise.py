"""Finalising an upgrade: the delayed upgrade tasks, run once, on one node, one after the other."""

import asyncio

from node.bad_release import BadRelease
from node.cluster_lock import ClusterLock, LockLost
from node.cluster_upgrade import ClusterUpgrade
from node.contraction import VERSION_PATCHED, Contraction
from node.logs import UPGRADE_SERVICE
from node.parts import NodeParts
from node.services import NotAllowed, UpgradeAction
from node.upgrade_state import TaskOutcome, UpgradeState, state_in
from shared_db import Database

TASKS_LOCK = "com.atlassian.jira.upgrade.tasks.lock"

_LETTING_GO_S = 2.0
"""How long a node may take to give the lock back after it has told how the tasks ended."""


class UpgradeTasks:
    """Runs this release's upgrade tasks.

    Whoever runs them holds a cluster lock. When the lock is free while the state says that tasks are running, the
    node that ran them is gone; the others then record a failure, so that an administrator can retry.
    """

    def __init__(self, parts: NodeParts, database: Database, upgrade: ClusterUpgrade) -> None:
        self._parts = parts
        self._database = database
        self._upgrade = upgrade
        self._bad = BadRelease(parts, database)
        self.contraction = Contraction(parts, database)
        self._lock = ClusterLock(parts, database, TASKS_LOCK)
        self._log = parts.log.logger(UPGRADE_SERVICE)
        self._approval = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None

    async def approve(self, actor: str, owner: asyncio.TaskGroup) -> None:
        """Write RUNNING_UPGRADE_TASKS and begin; the tasks go on in a task of ``owner``. Raises NotAllowed."""
        async with self._approval:
            await self._take_lock()
            try:
                await self._upgrade.act(UpgradeAction.APPROVE, actor)
            except BaseException:
                if not self._is_running:
                    await self._lock.release()
                raise
            self._running = owner.create_task(self._run_and_tell(), name="upgradeTasks")

    async def _take_lock(self) -> None:
        """Take the lock. Raises NotAllowed while another node runs the tasks.

        A node that ran them tells the outcome first and then gives the lock back: for a moment it holds the lock of
        tasks that are over. An administrator who is as quick as that is not to be refused.
        """
        loop = asyncio.get_running_loop()
        within_s = min(_LETTING_GO_S, self._parts.intervals.lock_expiry / 4)  # a lock that is kept expires later
        until_s, is_over = loop.time() + within_s, False
        while not await self._lock.take():
            view = await self._upgrade.view()
            if is_over or view.state != UpgradeState.READY_TO_RUN_UPGRADE_TASKS:
                raise NotAllowed("Another node runs the upgrade tasks.", state=view.state, allowed=view.allowed)
            await asyncio.sleep(within_s / 50)
            is_over = loop.time() >= until_s  # and then once more: a slow database may have taken all of the time

    async def run_at_start(self) -> None:
        """Bring the data to this release's build while no other node is alive, without any upgrade mode.

        Raises ZduError if another node has the lock, or takes it over before everything is done.
        """
        async with self._lock.held("which runs the upgrade tasks"):
            await self._run_all()

    async def _run_all(self) -> None:
        """Run every task that has not run yet, then record the data's new build.

        Raises LockLost, and goes no further, once another node has the lock.
        """
        loop = asyncio.get_running_loop()
        done = await self._database.schema.applied()
        for name in [name for name in self._parts.release.upgrade_tasks if name not in done]:
            await self._lock.renew()
            self._log.info("Running upgrade task %s", name)
            began_s = loop.time()
            await self._bad.before_task(name)
            await self._database.schema.run_task(name)
            self._log.info("Upgrade task %s finished in %d ms", name, (loop.time() - began_s) * 1000)
        await self._lock.renew()
        # Before the STABLE row: data that is newer than it says would let an old node in after a crash in between.
        await self._database.properties.set(VERSION_PATCHED, str(self._parts.release.build))
        self._log.info("Setting current build number to %d", self._parts.release.build)

    async def look_after(self) -> None:
        """Called again and again while the state says that tasks are running.

        The node that runs them keeps its lock fresh; any other one that gets the lock knows that nobody runs them.
        """
        if not await self._lock.take() or self._is_running or self._approval.locked():
            return
        try:
            if state_in(await self._upgrade.current()) is UpgradeState.RUNNING_UPGRADE_TASKS:
                self._log.error("The node that ran the upgrade tasks is gone")
                await self._upgrade.tasks_ended(TaskOutcome.FAILED)
        finally:
            if not self._is_running and not self._approval.locked():
                await self._lock.release()

    async def wind_down(self, within_s: float, gone_within_s: float) -> None:
        """Let running tasks end within that time; then cut them off, which counts as a failure.

        A failure that cannot be recorded within ``gone_within_s`` is left for the other nodes to find out.
        """
        if self._running is None:
            return
        await asyncio.wait((self._running,), timeout=within_s)
        if not self._running.done():
            self._running.cancel()
            await asyncio.wait((self._running,), timeout=gone_within_s)
            self._running.cancel()

    async def _run_and_tell(self) -> None:
        outcome = TaskOutcome.FAILED
        try:
            await self._run_all()
            outcome = TaskOutcome.SUCCEEDED
        except asyncio.CancelledError:
            self._log.error("The upgrade tasks were cut off because this node stops")
        except LockLost as lost:
            # The outcome is another node's to record now: the state may be that of its own attempt already.
            self._log.error("The upgrade tasks were given up: %s", lost.message)
            return
        except Exception:
            self._log.exception("An upgrade task of Jira %s failed", self._parts.release.version)
        try:
            await self._upgrade.tasks_ended(outcome)
        except Exception:
            self._log.exception("The outcome of the upgrade tasks (%s) could not be recorded", outcome)
        await self._lock.release()

    @property
    def _is_running(self) -> bool:
        return self._running is not None and not self._running.done()
