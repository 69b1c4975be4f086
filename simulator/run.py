"""One run from the first process to the last audit: the story of a scenario, played on a :class:`Stage`."""

import asyncio

from simulator.dashboard.audience import Audience
from simulator.hopeless import stop_when_hopeless
from simulator.load.load import Load
from simulator.operator import Operator, StoryBroken
from simulator.record.recorder import Recorder
from simulator.stage import RunPlan, Stage, View
from zdu.events import RunAborted


class Run:
    """One run of one scenario, perhaps before an audience."""

    def __init__(self, plan: RunPlan, recorder: Recorder, view: View, audience: Audience | None = None) -> None:
        self._stage = Stage(plan, recorder, view)
        self._audience = audience

    @property
    def interrupted(self) -> bool:
        """Whether somebody stopped the run before its end."""
        return self._stage.interrupted

    async def execute(self) -> None:
        """Play the scenario. Raises a ZduError, perhaps in a group, when the run itself cannot go on."""
        await self._stage.perform(self._play)

    async def _play(self, stage: Stage) -> None:
        """Everything between the start of the cluster and its end."""
        plan = stage.plan
        async with stage.faults() as faults, asyncio.TaskGroup() as onlookers:
            operator = Operator(
                plan.scenario, stage.cluster, stage.picture, stage.recorder, stage.admins, faults, seed=plan.seed
            )
            watching = self._audience.watch(stage, onlookers) if self._audience else None
            await self._play_under_load(stage, operator)
            if watching:
                watching.cancel()
        await stage.audit()

    async def _play_under_load(self, stage: Stage, operator: Operator) -> None:
        """Let users work while the operator plays; a story that breaks ends the load in order all the same."""
        try:
            await operator.all_serving()
        except StoryBroken as error:
            stage.recorder.event(RunAborted(str(error), error.undecided))
            return
        load = stage.load()
        async with asyncio.TaskGroup() as working:
            load.start(working)
            if isinstance(load, Load):
                operator.lead(load)
            try:
                await self._play_steps(stage, operator)
            except StoryBroken as error:
                stage.recorder.event(RunAborted(str(error), error.undecided))
            load.stop()
        load.record_end()

    async def _play_steps(self, stage: Stage, operator: Operator) -> None:
        """Raises StoryBroken when a step cannot be played, or, with ``fail_fast``, has nothing to prove any more."""
        try:
            async with asyncio.TaskGroup() as telling:
                if stage.plan.fail_fast:
                    onlooker = telling.create_task(stop_when_hopeless(stage.plan.scenario, stage.recorder))
                await operator.play(self._audience.before if self._audience else None)
                if stage.plan.fail_fast:
                    onlooker.cancel()
        except* StoryBroken as broken:
            raise broken.exceptions[0] from None
