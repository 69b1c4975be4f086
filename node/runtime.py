"""The cluster side of one node: its life from STARTING to the end, and what its pages may ask for.

One object graph per process, made here and nowhere else; nothing is kept in modules, so several nodes fit into one
interpreter. Everything that goes on in the background belongs to one task group, which ends with the node.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from node.app_state import LifeEvent, next_state
from node.caches import NodeLocal
from node.cluster_messages import ClusterMessages
from node.cluster_upgrade import ClusterUpgrade
from node.figures import ProcessFigures
from node.finalise import UpgradeTasks
from node.heartbeat import Heartbeat
from node.index_replay import IndexReplay
from node.logs import CLUSTER_MANAGER, LAUNCHER, NODE_UPGRADE_MODE, UPGRADE_STATE
from node.member_rules import may_be_removed, may_be_set_offline
from node.node_mode import NodeMode
from node.parts import NodeParts
from node.releases import Release
from node.services import (
    ApplicationState,
    MemberView,
    NodeChangeRefused,
    NodeModeView,
    NotAllowed,
    UpgradeAction,
    UpgradeView,
)
from node.stale_nodes import StaleNodes
from node.startup import CANNOT_START, NotSetUp, Startup
from node.stopping import StopTimes, StopWish
from node.upgrade_state import state_in
from node.upgrade_watch import UpgradeWatch
from node.waiting import cancel, meanwhile, run_unless
from shared_db import Database, NodeFigures
from zdu.errors import ZduError


class Activity(Protocol):
    """What the web side tells of itself."""

    @property
    def requests_in_flight(self) -> int:
        """Application requests whose answer is not yet written."""
        ...

    @property
    def sessions(self) -> int:
        """Sessions held in this node's memory."""
        ...


@dataclass(frozen=True)
class NoActivity:
    """A node without a web side."""

    requests_in_flight: int = 0
    sessions: int = 0


@dataclass
class _Members:
    """What exists once there is a database."""

    database: Database
    upgrade: ClusterUpgrade
    tasks: UpgradeTasks
    startup: Startup
    heartbeat: Heartbeat
    watch: UpgradeWatch
    index: IndexReplay
    messages: ClusterMessages


class NodeRuntime:
    """One node; its pages' :class:`~node.services.ClusterService`."""

    def __init__(self, parts: NodeParts) -> None:
        self._parts = parts
        self._log = parts.log.logger(LAUNCHER)
        self._state = ApplicationState.STARTING
        self._mode = NodeMode(parts, self._state_now, self._happen)
        self._members: _Members | None = None
        self._process = ProcessFigures(parts.clock)
        self._background: asyncio.TaskGroup | None = None
        self._times: StopTimes | None = None
        self._running_since_s: float | None = None
        self._reindexing: asyncio.Task[None] | None = None
        self.activity: Activity = NoActivity()
        self.local = NodeLocal()
        self.stop_wish = StopWish()

    # --- what pages may ask (node.services.ClusterService) ---

    @property
    def node_id(self) -> str:
        """``jira.node.id``."""
        return self._parts.node_id

    @property
    def release(self) -> Release:
        """The release this process runs."""
        return self._parts.release

    @property
    def boot_id(self) -> str:
        """New with each start of the process."""
        return self._parts.boot_id

    @property
    def application_state(self) -> ApplicationState:
        """What ``/status`` says now."""
        return self._state

    @property
    def running_since_s(self) -> float | None:
        """When this node became RUNNING, on the event loop's clock; None before."""
        return self._running_since_s

    async def upgrade_view(self) -> UpgradeView:
        """The cluster's upgrade state, read from the database now."""
        return await self._member.upgrade.view()

    async def members(self) -> list[MemberView]:
        """All nodes the cluster knows of, by id."""
        nodes = await self._member.database.nodes.members(self._parts.intervals.dead_after)
        return [
            MemberView(
                node_id=node.node_id,
                state=node.state,
                last_state_change_ms=node.timestamp_ms,
                ip=node.ip,
                cache_listener_port=node.cache_listener_port,
                build_number=node.build_number,
                version=node.version,
                alive=node.alive,
            )
            for node in nodes
        ]

    async def figures(self) -> dict[str, NodeFigures]:
        """What the nodes tell of themselves, by id: this one now, the others with their last heartbeat."""
        told = await self._member.database.nodes.figures()
        return {**told, self.node_id: self._own_figures()}

    async def set_member_offline(self, node_id: str, actor: str) -> None:
        """Declare a node gone that has no heartbeat. Raises NoSuchNode or NodeChangeRefused.

        What that changes in an upgrade is written at once, as when a node leaves by itself.
        """
        member = self._member
        await member.database.nodes.set_offline(
            node_id,
            allow=lambda node: may_be_set_offline(node_id, node),
            dead_after_s=self._parts.intervals.dead_after,
        )
        self._parts.log.logger(CLUSTER_MANAGER).warning("Node %s was set OFFLINE by %s", node_id, actor)
        await member.upgrade.observe()

    async def remove_member(self, node_id: str, actor: str) -> None:
        """Forget a node that is OFFLINE. Raises NoSuchNode or NodeChangeRefused."""
        await self._member.database.nodes.remove(
            node_id, allow=lambda node: may_be_removed(node_id, node), dead_after_s=self._parts.intervals.dead_after
        )
        self._parts.log.logger(CLUSTER_MANAGER).info("Node %s was removed by %s", node_id, actor)

    async def reindex(self, actor: str) -> None:
        """Begin a foreground reindex of this node, MAINTENANCE until it is done. Raises NodeChangeRefused.

        Nobody is let in meanwhile; if this is the last node, nobody can use Jira (KB 757467576).
        """
        if self._state is not ApplicationState.RUNNING:
            raise NodeChangeRefused(f"Only a node that is RUNNING can be reindexed; this one is {self._state}.")
        self._log.info("Foreground reindex started by %s", actor)
        self._happen(LifeEvent.REINDEX)
        self._reindexing = self._owner.create_task(self._reindex(), name="indexing")

    async def _reindex(self) -> None:
        """Whatever becomes of it, the node serves again: with the old index, if there is no new one."""
        try:
            await asyncio.sleep(self._parts.config.reindex_duration)
            await self._member.index.rebuild()
        except Exception:
            self._log.exception("The reindex failed, the old index stays")
        if self._state is ApplicationState.MAINTENANCE:
            self._happen(LifeEvent.REINDEXED)

    async def act(self, action: UpgradeAction, actor: str) -> None:
        """Carry out an administrator's wish. Raises NotAllowed, and logs it, if the state forbids it now."""
        with self._refusals_logged(UPGRADE_STATE, f"{action.value} by {actor}"):
            await self._act(action, actor)

    async def _act(self, action: UpgradeAction, actor: str) -> None:
        if action is UpgradeAction.APPROVE:
            await self._member.tasks.approve(actor, self._owner)
            return
        row = await self._member.upgrade.act(action, actor)
        if action is UpgradeAction.START and self._mode.available:
            self._mode.enable(actor, row)
        if action is UpgradeAction.CANCEL:
            self._mode.disable("the upgrade was cancelled")

    async def set_node_upgrade_mode(self, *, enabled: bool, actor: str) -> None:
        """Ask to be drained, or take that back. Raises NotAllowed when this cluster or state has no such thing."""
        row = await self._member.upgrade.current()
        with self._refusals_logged(NODE_UPGRADE_MODE, f"{'on' if enabled else 'off'} by {actor}"):
            self._mode.check(state_in(row), enabled=enabled)
        if enabled:
            self._mode.enable(actor, row)
        else:
            self._mode.disable(f"switched off by {actor}")

    def node_mode(self) -> NodeModeView:
        """Node-level upgrade mode as it is now."""
        return NodeModeView(
            available=self._mode.available,
            enabled=self._state is ApplicationState.DRAINING,
            requests_in_flight=self.activity.requests_in_flight,
            sessions=self.activity.sessions,
        )

    # --- the node's life ---

    async def run(
        self,
        *,
        on_database: Callable[[Database], None] = lambda _: None,
        on_stopping: Callable[[StopWish], Awaitable[None]] | None = None,
        on_first_run: Callable[[ZduError], None] = lambda _: None,
    ) -> None:
        """Live from STARTING until the stop wish. Raises what kept the node from starting.

        ``on_database`` gets the open database; ``on_stopping`` lets the web side finish what it has in hand;
        ``on_first_run`` hears that somebody has to set the database up. Cancelled, the node is gone
        as after ``kill -9``: its row stays ACTIVE.
        """
        release = self._parts.release
        self._log.info("Starting Jira %s (build %d), node %s", release.version, release.build, self.node_id)
        try:
            if await run_unless(self.stop_wish.made, self._open_and_start(on_database, on_first_run), name="main"):
                await self._serve(on_stopping)
            else:
                self._begin_stopping()
        except Exception as error:
            if isinstance(error, CANNOT_START):
                # As Jira writes it, and before anybody can read ERROR and look here for the reason.
                line = "Unable to start JIRA.\njava.lang.IllegalStateException: %s"
                self._log.error(line, error.message)
            if self._state is ApplicationState.STARTING:
                self._happen(LifeEvent.FAILED)
            await self._leave()
            raise
        else:
            await self._leave()
        finally:
            if self._members is not None:
                await self._members.database.close(self._seconds_left(self._end.gone_by_s))

    async def stay_useless(self) -> None:
        """Go on as a process whose application could not start, ERROR on ``/status``, until somebody stops it."""
        self._log.info("This node serves nobody and waits to be stopped")
        await self.stop_wish.made.wait()
        self._begin_stopping()

    async def _open_and_start(
        self, on_database: Callable[[Database], None], on_first_run: Callable[[ZduError], None]
    ) -> None:
        config = self._parts.config
        database = await Database.open(
            config.database.url,
            config.database.namespace,
            config.database.statement_timeout,
            features=self._parts.release.features,
            node_id=self.node_id,
        )
        self._log.info("Using %s", database.name)
        upgrade = ClusterUpgrade(self._parts, database)
        tasks = UpgradeTasks(self._parts, database, upgrade)
        index = IndexReplay(self._parts, database, self.local)
        self._members = _Members(
            database,
            upgrade,
            tasks,
            Startup(self._parts, database, upgrade, tasks),
            Heartbeat(
                self._parts,
                database,
                on_offline=lambda: self.stop_wish.make("set OFFLINE by the cluster"),
                figures=self._own_figures,
            ),
            UpgradeWatch(
                self._parts, upgrade, tasks, StaleNodes(self._parts, database), on_look=self._mode.cluster_seen
            ),
            index,
            ClusterMessages(self._parts, database, self.local, index),
        )
        on_database(database)
        await self._until_set_up(self._members.startup, on_first_run)
        await self._members.startup.run()
        async with meanwhile(self._members.heartbeat.run(), name="heartbeat"):
            await self._members.startup.upgrade_data()
            await self._members.messages.begin()
            await index.prepare(listen=self._members.messages.look_once)
            await self._members.watch.look_once()

    async def _until_set_up(self, startup: Startup, on_first_run: Callable[[ZduError], None]) -> None:
        """Say FIRST_RUN for as long as nobody has set the database up; a look costs one small query."""
        while True:
            try:
                await startup.check_set_up()
            except NotSetUp as missing:
                if self._state is ApplicationState.STARTING:
                    self._happen(LifeEvent.NOT_SET_UP)
                    self._log.warning("%s", missing)
                    on_first_run(missing)
            else:
                break
            await asyncio.sleep(min(_SET_UP_LOOK_S, self._parts.intervals.upgrade_state_poll))
        if self._state is ApplicationState.FIRST_RUN:
            self._happen(LifeEvent.SET_UP)

    async def _serve(self, on_stopping: Callable[[StopWish], Awaitable[None]] | None) -> None:
        member = self._member
        async with asyncio.TaskGroup() as self._background:
            chores = [
                self._background.create_task(member.heartbeat.run(), name="heartbeat"),
                self._background.create_task(member.watch.run(), name="upgradeWatch"),
                self._background.create_task(member.index.run(), name="nodeReindex"),
                self._background.create_task(member.messages.run(), name="clusterMessages"),
            ]
            # Only now: whoever sees RUNNING may ask for something that needs an owner for its task.
            self._running_since_s = asyncio.get_running_loop().time()
            self._happen(LifeEvent.STARTED)
            self._log.info(
                "Jira %s is ready to serve, %.1f s after its start", self.release.version, self._process.uptime_s
            )
            await self.stop_wish.made.wait()
            self._begin_stopping()
            if on_stopping is not None:
                await on_stopping(self.stop_wish)
            end = self._end
            await member.tasks.wind_down(self._seconds_left(end.work_until_s), self._seconds_left(end.gone_by_s))
            for chore in [*chores, *([self._reindexing] if self._reindexing else [])]:
                await cancel(chore)
            await self._leave_index(member.index)

    async def _leave_index(self, index: IndexReplay) -> None:
        try:
            async with asyncio.timeout(INDEX_SAVED_WITHIN_S):
                await index.save()
        except (ZduError, TimeoutError) as error:
            self._log.warning("The local index could not be saved: %s", str(error) or "no answer in time")

    def _begin_stopping(self) -> None:
        now = asyncio.get_running_loop().time()
        self._times = StopTimes.of_stop(self._parts.config, now, hurry=self.stop_wish.hurry)
        self._happen(LifeEvent.STOP)
        self._log.info("Stopping Jira: %s", self.stop_wish.reason)

    async def _leave(self) -> None:
        """Tell the cluster. The node that leaves writes what its leaving changes, as Jira's history rows show."""
        if self._members is None or not self._members.startup.joined:
            return
        log = self._parts.log.logger(CLUSTER_MANAGER)
        try:
            async with asyncio.timeout_at(self._end.gone_by_s):
                await self._members.database.nodes.go_offline(self.node_id)
                log.info("Node %s left the cluster", self.node_id)
                await self._members.upgrade.observe()
        except (ZduError, TimeoutError) as error:
            why = str(error) or "the database does not answer, and the time for stopping is over"
            log.warning("The cluster could not be told that node %s leaves: %s", self.node_id, why)

    @property
    def _end(self) -> StopTimes:
        """One reckoning for the whole end, whichever of its steps asks first."""
        if self._times is None:
            self._times = StopTimes.of_failure(asyncio.get_running_loop().time())
        return self._times

    def _seconds_left(self, until_s: float) -> float:
        return max(0.0, until_s - asyncio.get_running_loop().time())

    def _happen(self, event: LifeEvent) -> None:
        before, self._state = self._state, next_state(self._state, event)
        self._parts.log.logger(NODE_UPGRADE_MODE if event in _MODE else LAUNCHER).info(
            "Application state %s -> %s", before, self._state
        )

    @contextmanager
    def _refusals_logged(self, logger: str, wish: str) -> Iterator[None]:
        try:
            yield
        except NotAllowed as refused:
            self._parts.log.logger(logger).warning("Refused: %s. %s", wish, refused.message)
            raise

    def _own_figures(self) -> NodeFigures:
        return self._process.now(self._state)

    def _state_now(self) -> ApplicationState:
        return self._state

    @property
    def _member(self) -> _Members:
        if self._members is None:
            raise ZduError("This node has no connection to its database yet.")
        return self._members

    @property
    def _owner(self) -> asyncio.TaskGroup:
        if self._background is None:
            raise ZduError("This node has not started yet.")
        return self._background


INDEX_SAVED_WITHIN_S = 1.0
"""A stopping node has something better to do than to wait for that: the index can be built anew."""

_SET_UP_LOOK_S = 1.0
"""How often a node at its FIRST_RUN looks whether the set-up is done: a person is waiting for it."""

_MODE = (LifeEvent.DRAIN, LifeEvent.UNDRAIN)
