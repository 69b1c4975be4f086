"""``zdu up`` from the first process to the verdict: the stage of a run, with a control port in place of a story."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from simulator.conclude import Conclusion, conclude
from simulator.dashboard.audience import words_of
from simulator.dashboard.feed import Feed
from simulator.dashboard.looks import look_for
from simulator.dashboard.site import Site
from simulator.faults.forms import fault_forms
from simulator.operator import Operator, StoryBroken
from simulator.record.recorder import Recorder
from simulator.stage import RunPlan, Stage, View
from simulator.up.api import attach
from simulator.up.leading import Leading
from simulator.up.living import LivingCluster
from simulator.up.status import status_of
from zdu import living as files
from zdu.errors import UsageError, ZduError
from zdu.events import Envelope, ProcessStarted, RunAborted
from zdu.process import when_the_parent_ends

ACCOUNTS = 200
"""So many users there are at least, whoever is at work: more people can come, and a person can log in as one."""


class DidNotStart(ZduError):
    """The cluster did not come to serve."""


class Session:
    """One living cluster. ``on_ready`` hears its status once it serves."""

    def __init__(
        self,
        plan: RunPlan,
        recorder: Recorder,
        view: View,
        *,
        mine: files.Living,
        token: str,
        on_ready: Callable[[dict[str, Any], str], None],
    ) -> None:
        users = plan.scenario.load.users
        self._recorder = recorder
        self._stage = Stage(
            *(plan, recorder, view),
            accounts=max(ACCOUNTS, users) + 2,
            on_interrupt=self._interrupt,
            on_kill=self._forget,
        )
        self._feed = Feed(recorder, plan.scenario.cluster.node_ids)
        self._site = Site(self._feed, token, self.status)
        self._mine = mine
        self._on_ready = on_ready
        self._living: LivingCluster | None = None
        attach(self._site, lambda: self._living, self._name_in_commands)
        recorder.follow(self._note_process)

    def signalled(self, signal_name: str) -> None:
        """Ctrl-C: the first one ends it in order, the second one at once."""
        self._stage.signalled(signal_name)

    @property
    def interrupted(self) -> bool:
        """Whether it was cut short before it had served at all."""
        return self._stage.interrupted

    def status(self) -> dict[str, Any]:
        """The whole state now."""
        return status_of(
            self._mine.name, self._stage, self._feed, self._living, to_be_named=bool(self._name_in_commands())
        )

    def _name_in_commands(self) -> str:
        return self._mine.name if files.is_to_be_named(self._mine.name) else ""

    async def hold(self, port: int, *, exit_with_parent: bool = False) -> Conclusion:
        """Start everything, stay until told to end, stop everything, judge. Raises a ZduError, perhaps in a group."""
        if exit_with_parent:
            when_the_parent_ends(lambda: self._stage.cut("SIGHUP"))
        fault_forms()  # before anybody works: a loop that makes them would be late with every request meanwhile
        await self._site.open(port)
        try:
            self._keep(replace(self._mine, control_url=self._site.url, token=self._site.token))
            await self._stage.perform(self._stay)
            self._recorder.close()
            conclusion = conclude(self._stage.plan.folder)
            self._feed.tell_verdict(words_of(conclusion))
            return conclusion
        finally:
            await self._site.close()
            self._forget()

    async def _stay(self, stage: Stage) -> None:
        """The story of a living cluster: people work, and whoever has the token says what happens."""
        async with stage.faults() as faults:
            plan, leading = stage.plan, Leading()
            parts = (stage.cluster, stage.picture, stage.recorder, stage.admins, faults)
            operator = Operator(plan.scenario, *parts, seed=plan.seed, before_roll_step=leading.before_step)
            try:
                await operator.all_serving()
            except StoryBroken as error:
                stage.recorder.event(RunAborted(str(error), error.undecided))
                raise DidNotStart(str(error), hint=f"The logs: {stage.plan.folder.logs}") from error
            self._keep(replace(self._mine, lb_admin_url=stage.cluster.balancer_admin_url))
            load = stage.load()
            async with asyncio.TaskGroup() as working:
                load.start(working)
                watch = working.create_task(look_for(self._feed, stage))
                living = self._living = LivingCluster(stage, load, operator, faults, working, leading)
                self._on_ready(self.status(), self._site.page_url)
                await living.ended.wait()
                watch.cancel()
                load.stop()
            load.record_end()
        await stage.audit()

    def _interrupt(self, signal_name: str) -> None:
        """Ctrl-C is how a living cluster usually ends; before it serves, it cuts the start short."""
        if self._living is None:
            self._stage.cut(signal_name)
        else:
            self._living.end()

    def _forget(self) -> None:
        files.forget(self._mine)

    def _note_process(self, envelope: Envelope) -> None:
        event = envelope.event
        if isinstance(event, ProcessStarted):
            self._keep(files.with_process(self._mine, event.process, event.pid))

    def _keep(self, mine: files.Living) -> None:
        """A file that cannot be written any more is no reason to end: only other terminals miss something."""
        self._mine = mine
        with suppress(UsageError):
            files.write(mine)
