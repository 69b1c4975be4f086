"""What a scripted run and a living cluster share: processes that are started, watched, used, and stopped in order.

A :class:`Stage` starts the cluster, looks at it all the time from outside, lets a *story* use it, and takes
everything down again. Whatever happens in between, no process is left behind: an interrupt and an error go the same
way out as success.
"""

import asyncio
import itertools
import os
import platform
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from typing import Protocol

from simulator.application.looks import NodeLook
from simulator.application.target import target_of
from simulator.balancers import OURS, software_of
from simulator.certify.visitors import Pace, Visit
from simulator.clients.jira_admin import JiraAdmin
from simulator.closing_audit import audit, audit_application
from simulator.cluster import SEED_ISSUES, Cluster, DatabaseTarget
from simulator.database_target import without_password
from simulator.faults.faults import Faults
from simulator.faults.reach import Reach
from simulator.load.control_target import CONTROL
from simulator.load.load import Load, users_needed
from simulator.observers import watch_node
from simulator.picture import Picture
from simulator.record.recorder import Recorder
from simulator.record.requests import RequestRecord
from simulator.record.run_folder import RunFolder
from simulator.scenario.application import NodePart
from simulator.scenario.model import Scenario
from simulator.supervisor import Child, Supervisor
from zdu import __version__
from zdu.errors import ExitCode
from zdu.events import Envelope, ProcessStarted, RunEnded, RunInterrupted, RunStarted
from zdu.process import EVENT_LOOP

INTERRUPTED_STOP_WITHIN_S = 2.0
REFRESH_EVERY_S = 0.25


class View(Protocol):
    """Whoever shows the run while it is under way."""

    def on_event(self, envelope: Envelope) -> None:
        """Something happened."""
        ...

    def on_request(self, request: RequestRecord) -> None:
        """A request has an outcome."""
        ...

    def refresh(self, now_s: float) -> None:
        """Time has passed."""
        ...

    def close(self) -> None:
        """The run is over."""
        ...


@dataclass(frozen=True)
class RunPlan:
    """What is to be run, and where it leaves its record."""

    scenario: Scenario
    seed: int
    folder: RunFolder
    database: DatabaseTarget
    command: str
    lb: str = OURS
    fail_fast: bool = False
    """Whether the story ends as soon as an objective can no longer be met."""
    by_hand: bool = False
    """Whether there is no story beforehand: a person commands the cluster."""


Story = Callable[["Stage"], Awaitable[None]]


class Stage:
    """A cluster of processes, those who watch it, and its record.

    ``cluster`` and ``admins`` are there for the story; not before it, and not after it.
    """

    cluster: Cluster

    def __init__(
        self,
        plan: RunPlan,
        recorder: Recorder,
        view: View,
        *,
        accounts: int = 0,
        on_interrupt: Callable[[str], None] | None = None,
        on_kill: Callable[[], None] | None = None,
    ) -> None:
        """``accounts`` is how many the database gets, if more than the scenario's load needs.

        ``on_interrupt`` hears of the first Ctrl-C and brings the story to its end; without it the story is cut.
        ``on_kill`` is the last that is called after the second one, when nothing else is tidied up any more.
        """
        self.plan = plan
        self.recorder = recorder
        self.picture = Picture(recorder, plan.scenario.cluster.node_ids)
        self.admins: dict[str, JiraAdmin] = {}
        self.looks: dict[str, NodeLook] = {}
        """In the place of ``admins`` where the nodes are another application's: nobody administers them."""
        self._accounts = accounts or users_needed(plan.scenario.load)
        self._view = view
        self._on_interrupt = on_interrupt
        self._on_kill = on_kill
        self._supervisor: Supervisor | None = None
        self._control_url = ""
        self.started = False
        """Whether all processes serve, so that ``cluster`` and its addresses are there."""
        self._told: asyncio.Task[None] | None = None
        self._signals: list[str] = []
        self._fault_numbers = itertools.count(1)
        self._cut = False

    @property
    def interrupted(self) -> bool:
        """Whether somebody cut the story short."""
        return self._cut

    async def perform(self, story: Story) -> None:
        """Start everything, let ``story`` use it, stop everything.

        Raises a ZduError, perhaps in a group, when it cannot go on.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.signalled, number.name)
        self.recorder.event(_run_started(self.plan))
        try:
            async with asyncio.TaskGroup() as watchers:
                self._supervisor = Supervisor(watchers, self._on_exit)
                await self._tell_and_stop(self._supervisor, story)
        finally:
            self._kill_all()
        self.recorder.event(RunEnded())

    def signalled(self, signal_name: str) -> None:
        """Ctrl-C, or what means the same: the first time stop in order, but soon; the second time at once."""
        if self._signals:
            self._kill_all()
            if self._on_kill:
                self._on_kill()
            os._exit(ExitCode.INTERRUPTED)
        self._signals.append(signal_name)
        if self._on_interrupt:
            self._on_interrupt(signal_name)
        else:
            self.cut(signal_name)

    def load(self) -> Load | Visit:
        """The scenario's users and probes, not started yet."""
        scenario = self.plan.scenario
        if scenario.node:
            return self._visit(scenario, scenario.node)
        return Load(
            scenario.load,
            self.cluster.balancer_url,
            self.recorder,
            remember_me=scenario.sessions == "remember-me",
            common_issues=tuple(f"ZDU-{number}" for number in range(1, SEED_ISSUES + 1)),
            seed=self.plan.seed,
            accounts=self._accounts,
            control_url=self._control_url,
        )

    def _visit(self, scenario: Scenario, node: NodePart) -> Visit:
        """Who looks at another application is who looks at one that we have not started."""
        load, nodes = scenario.load, self.picture.nodes
        target = target_of(
            node.page,
            self.cluster.balancer_url,
            lambda name: nodes[name].version if name in nodes else "",
            counts_attempts=self.plan.lb == OURS,
        )
        pace = Pace(
            load.users, load.probe_rate, load.request_timeout, (load.think_time.min, load.think_time.max), load.ramp
        )
        return Visit(target, self.recorder, self._control_url, pace, seed=self.plan.seed)

    def faults(self) -> Faults:
        """What can be made to go wrong with the cluster; an asynchronous context, for the story."""
        return Faults(Reach(self.cluster, self.picture), self.recorder, self._fault_numbers)

    async def audit(self) -> None:
        """Compare what users were told with what the cluster has kept; once nobody works any more."""
        if self.looks:
            await audit_application(
                self.plan.folder, self.recorder, self.picture, looks=self.looks, balancer=self.cluster.balancer
            )
            return
        await audit(
            *(self.plan.folder, self.plan.database, self.recorder),
            picture=self.picture,
            admins=self.admins,
            balancer=self.cluster.balancer,
        )

    async def _tell_and_stop(self, supervisor: Supervisor, story: Story) -> None:
        self.cluster = Cluster(
            self.plan.scenario,
            self.plan.folder,
            self.plan.database,
            supervisor=supervisor,
            picture=self.picture,
            seed=self.plan.seed,
            lb=self.plan.lb,
            paths=self.plan.by_hand,  # whoever commands it may want any fault
        )
        self._told = asyncio.create_task(self._tell(story), name="story")
        refresher = asyncio.create_task(self._refresh(), name="view")
        try:
            await self._told
        except asyncio.CancelledError:
            if not self._cut:
                raise
        finally:
            refresher.cancel()
            await self._stop(supervisor)

    async def _tell(self, story: Story) -> None:
        """Everything between the first process and the last audit."""
        await self.cluster.set_up_database(users=self._accounts)
        async with asyncio.TaskGroup() as starts:
            starts.create_task(self.cluster.start())
            starts.create_task(self._start_control_target())
        self.started = True
        node_ids = self.plan.scenario.cluster.node_ids
        if node := self.plan.scenario.node:
            self.looks = {node_id: self._look(node_id, node) for node_id in node_ids}
        else:
            self.admins = {node_id: JiraAdmin(self.cluster.node_url(node_id)) for node_id in node_ids}
        async with asyncio.TaskGroup() as observers:
            watching = [
                observers.create_task(watch_node(self.picture, node_id, admin))
                for node_id, admin in (self.looks or self.admins).items()
            ]
            watching.append(observers.create_task(self.cluster.balancer.follow(self.picture.balancer_says)))
            await story(self)
            for task in watching:
                task.cancel()

    def _look(self, node_id: str, node: NodePart) -> NodeLook:
        seen = self.picture.nodes[node_id]
        return NodeLook(self.cluster.node_url(node_id), node.health, version=lambda: seen.version)

    async def _stop(self, supervisor: Supervisor) -> None:
        for child in supervisor.running:
            if child.name != CONTROL:
                self.picture.process_stopping(child.name, child.stop_signal.name)
        patience_s = self.cluster.stop_patience_s
        try:
            await supervisor.stop_all(within_s=INTERRUPTED_STOP_WITHIN_S if self._cut else patience_s)
        finally:  # what ends the watchers of the processes (a full disk) cuts the wait for them short
            for admin in self.admins.values():
                await admin.close()
            for look in self.looks.values():
                await look.close()
            await self.cluster.close()

    async def _refresh(self) -> None:
        """Let time pass for the view, until its terminal is gone."""
        with suppress(OSError):
            while True:
                self._view.refresh(self.recorder.now_s())
                await asyncio.sleep(REFRESH_EVERY_S)

    async def _start_control_target(self) -> None:
        """It is no part of the cluster, so the picture knows nothing of it: its end shows in the control probes."""
        if not self.plan.scenario.load.probe_rate:
            return
        assert self._supervisor is not None  # noqa: S101 - only while performing
        arguments = ["control-target", "--exit-with-parent"]
        child = await self._supervisor.start(CONTROL, arguments, self.plan.folder.logs / f"{CONTROL}.log")
        self._control_url = child.ready["url"]
        self.recorder.event(ProcessStarted(CONTROL, child.pid, self._control_url, log=f"logs/{CONTROL}.log"))

    def _on_exit(self, child: Child) -> None:
        if child.name != CONTROL:
            self.picture.process_exited(child.name, child.returncode, expected=child.stop_asked)

    def cut(self, signal_name: str) -> None:
        """End the story where it is and stop everything soon."""
        self._cut = True
        self.recorder.event(RunInterrupted(signal_name))
        asyncio.get_running_loop().call_later(INTERRUPTED_STOP_WITHIN_S, self._kill_all)
        if self._told:
            self._told.cancel()

    def _kill_all(self) -> None:
        if self._supervisor:
            self._supervisor.kill_all()


def _run_started(plan: RunPlan) -> RunStarted:
    scenario = plan.scenario
    return RunStarted(
        scenario=scenario.name,
        seed=plan.seed,
        command=plan.command,
        by_hand=plan.by_hand,
        database=without_password(plan.database.url) if scenario.of_jira else "",
        load_balancer=software_of(plan.lb),
        time_scale=scenario.cluster.time_scale if scenario.of_jira else 1.0,
        nodes=list(scenario.cluster.node_ids),
        version_from=scenario.version_from,
        version_to=scenario.version_to,
        software=software(),
        played=scenario.as_played(),
    )


def software() -> dict[str, str]:
    """What the figures were measured with."""
    libraries = {name: installed_version(name) for name in ("aiohttp", "sqlalchemy")}
    return {"zdu": __version__, "python": platform.python_version(), "event_loop": EVENT_LOOP, **libraries}
