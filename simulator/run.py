"""One run from the first process to the verdict: starts everything, plays the story, audits, stops, judges.

Whatever happens in between, no process is left behind: an interrupt and an error go the same way out as success.
"""

import asyncio
import os
import platform
import signal
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from typing import Protocol

import aiohttp

from simulator.audit import AuditFailed, Auditor, audit_cluster
from simulator.balancer_log import audit_balancer_log
from simulator.clients.jira_admin import JiraAdmin
from simulator.cluster import BALANCER, SEED_ISSUES, STOP_GRACE_S, Cluster, DatabaseTarget
from simulator.database_target import without_password
from simulator.load.load import Load, users_needed
from simulator.node_logs import audit_node_logs
from simulator.observers import BalancerWatch, watch_node
from simulator.operator import Operator, StoryBroken
from simulator.picture import Picture
from simulator.record.recorder import Recorder
from simulator.record.requests import RequestRecord
from simulator.record.run_folder import RunFolder
from simulator.scenario.model import Scenario
from simulator.supervisor import Child, Supervisor
from simulator.verdict.model import find_absences
from zdu import __version__
from zdu.errors import ExitCode
from zdu.events import Envelope, NotAudited, RunAborted, RunEnded, RunInterrupted, RunStarted
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


class Run:
    """One run of one scenario."""

    def __init__(self, plan: RunPlan, recorder: Recorder, view: View) -> None:
        self._plan = plan
        self._recorder = recorder
        self._view = view
        self._scenario = plan.scenario
        self._picture = Picture(recorder, plan.scenario.cluster.node_ids)
        self._supervisor: Supervisor | None = None
        self._story: asyncio.Task[None] | None = None
        self._interrupted = ""
        self._admins: dict[str, JiraAdmin] = {}

    @property
    def interrupted(self) -> bool:
        """Whether somebody stopped the run before its end."""
        return bool(self._interrupted)

    async def execute(self) -> None:
        """Play the scenario. Raises a ZduError, perhaps in a group, when the run itself cannot go on."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._interrupt, number.name)
        self._record_start()
        try:
            async with asyncio.TaskGroup() as watchers:
                self._supervisor = Supervisor(watchers, self._on_exit)
                await self._play_and_stop(self._supervisor)
        finally:
            self._kill_all()
        self._recorder.event(RunEnded())

    async def _play_and_stop(self, supervisor: Supervisor) -> None:
        cluster = Cluster(
            self._scenario,
            self._plan.folder,
            self._plan.database,
            supervisor=supervisor,
            picture=self._picture,
            seed=self._plan.seed,
        )
        self._story = asyncio.create_task(self._tell_story(cluster), name="story")
        refresher = asyncio.create_task(self._refresh(), name="view")
        try:
            await self._story
        except asyncio.CancelledError:
            if not self._interrupted:
                raise
        finally:
            refresher.cancel()
            for child in supervisor.running:
                self._picture.process_stopping(child.name, "SIGTERM")
            patience_s = self._scenario.cluster.stop_duration + STOP_GRACE_S
            await supervisor.stop_all(within_s=INTERRUPTED_STOP_WITHIN_S if self._interrupted else patience_s)
            for admin in self._admins.values():
                await admin.close()
            cluster.release_ports()

    async def _tell_story(self, cluster: Cluster) -> None:
        """Everything between the first process and the last audit."""
        await cluster.set_up_database(users=users_needed(self._scenario.load))
        await cluster.start()
        self._admins = {node_id: JiraAdmin(cluster.node_url(node_id)) for node_id in self._scenario.cluster.node_ids}
        balancer = BalancerWatch(self._picture, cluster.balancer_admin_url)
        operator = Operator(self._scenario, cluster, self._picture, self._recorder, self._admins)
        try:
            async with asyncio.TaskGroup() as observers:
                watching = [
                    observers.create_task(watch_node(self._picture, node_id, admin))
                    for node_id, admin in self._admins.items()
                ]
                watching.append(observers.create_task(balancer.follow()))
                await self._play_under_load(cluster, operator)
                await self._audit(balancer)
                for task in watching:
                    task.cancel()
        finally:
            await balancer.close()

    async def _play_under_load(self, cluster: Cluster, operator: Operator) -> None:
        """Let users work while the operator plays; a story that breaks ends the load in order all the same."""
        try:
            await operator.all_serving()
        except StoryBroken as error:
            self._recorder.event(RunAborted(str(error)))
            return
        load = Load(
            self._scenario.load,
            cluster.balancer_url,
            self._recorder,
            remember_me=self._scenario.sessions == "remember-me",
            common_issues=tuple(f"ZDU-{number}" for number in range(1, SEED_ISSUES + 1)),
            seed=self._plan.seed,
        )
        async with asyncio.TaskGroup() as working:
            load.start(working)
            try:
                await operator.play()
            except StoryBroken as error:
                self._recorder.event(RunAborted(str(error)))
            load.stop()
        load.record_end()

    async def _audit(self, balancer: BalancerWatch) -> None:
        """Compare what users were told with what the cluster has kept."""
        serving = {name for name, node in self._picture.nodes.items() if node.running and not node.failed}
        alive = {name: admin for name, admin in self._admins.items() if name in serving}
        self._recorder.event(await audit_cluster(self._admins))
        log = self._plan.folder.logs / f"{BALANCER}-access.jsonl"
        absences = find_absences(self._recorder.envelopes)
        self._recorder.event(audit_balancer_log(log, absences, self._recorder.since_start_s))
        logs = {node: self._plan.folder.logs / f"{node}.log" for node in self._admins}
        self._recorder.event(audit_node_logs(logs, self._recorder.since_start_of_wall_s))
        auditor = Auditor(self._plan.database)
        try:
            self._recorder.event(await auditor.upgrade_history())
            self._recorder.event(await auditor.writes(self._recorder.requests, alive))
        except AuditFailed as error:
            self._recorder.event(NotAudited(str(error)))
        finally:
            await auditor.close()
        with suppress(aiohttp.ClientError, TimeoutError):
            self._plan.folder.write_json("load-balancer.json", await balancer.status())

    async def _refresh(self) -> None:
        """Let time pass for the view, until its terminal is gone."""
        with suppress(OSError):
            while True:
                self._view.refresh(self._recorder.now_s())
                await asyncio.sleep(REFRESH_EVERY_S)

    def _on_exit(self, child: Child) -> None:
        self._picture.process_exited(child.name, child.returncode, expected=child.stop_asked)

    def _interrupt(self, signal_name: str) -> None:
        """The first time stop in order, but soon; the second time at once."""
        if self._interrupted:
            self._kill_all()
            os._exit(ExitCode.INTERRUPTED)
        self._interrupted = signal_name
        self._recorder.event(RunInterrupted(signal_name))
        asyncio.get_running_loop().call_later(INTERRUPTED_STOP_WITHIN_S, self._kill_all)
        if self._story:
            self._story.cancel()

    def _kill_all(self) -> None:
        if self._supervisor:
            self._supervisor.kill_all()

    def _record_start(self) -> None:
        scenario = self._scenario
        self._recorder.event(
            RunStarted(
                scenario=scenario.name,
                seed=self._plan.seed,
                command=self._plan.command,
                database=without_password(self._plan.database.url),
                load_balancer=f"zdu-lb {__version__}",
                time_scale=scenario.cluster.time_scale,
                nodes=list(scenario.cluster.node_ids),
                version_from=scenario.version_from,
                version_to=scenario.version_to,
                software=_software(),
            )
        )


def _software() -> dict[str, str]:
    """What the figures were measured with."""
    libraries = {name: installed_version(name) for name in ("aiohttp", "sqlalchemy")}
    return {"zdu": __version__, "python": platform.python_version(), "event_loop": EVENT_LOOP, **libraries}
