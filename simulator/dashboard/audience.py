"""Whoever watches a run on the dashboard, and lets it go on step by step if it waits for that."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from simulator.conclude import Conclusion
from simulator.dashboard.feed import Feed
from simulator.dashboard.looks import look_for
from simulator.dashboard.site import Site
from simulator.dashboard.status import status_of_stage
from simulator.pace import Pace
from simulator.record.recorder import Recorder
from simulator.scenario.steps import Step
from simulator.stage import RunPlan, Stage
from zdu.errors import ZduError

Prompt = Callable[[Step], Awaitable[None]]
"""Tells of the next step and returns when it may begin; cut short if the page lets it begin before."""

NOTHING_TO_DO = "the run does not wait for anybody"


class NotPaced(ZduError):
    """A run that was not asked to wait is played as its scenario has it."""


class Audience:
    """The dashboard of one run. It shows, and commands nothing; with ``steps`` each step waits for a click."""

    def __init__(
        self, plan: RunPlan, recorder: Recorder, token: str, *, steps: bool, prompt: Prompt | None = None
    ) -> None:
        self._plan = plan
        self._pace = Pace(None if steps else 0.0)
        self._steps = steps
        self._prompt = prompt
        self._stage: Stage | None = None
        self._feed = Feed(recorder, plan.scenario.cluster.node_ids)
        self._site = Site(self._feed, token, self._status)
        self._site.on_post("go-on", self._let_go_on)
        self._site.on_post("pace", self._set_pace)

    @property
    def page_url(self) -> str:
        """Where to look, once it is open."""
        return self._site.page_url

    async def open(self, port: int) -> None:
        """Open the page. Raises UsageError if the port is taken."""
        await self._site.open(port)

    def watch(self, stage: Stage, tasks: asyncio.TaskGroup) -> "asyncio.Task[None]":
        """Look at this stage, until the task is cancelled."""
        self._stage = stage
        return tasks.create_task(look_for(self._feed, stage))

    async def before(self, step: Step) -> None:
        """Wait until the story may go on with ``step``, if it is to be told step by step."""
        if not self._steps:
            return
        async with asyncio.TaskGroup() as waiting:
            asked = waiting.create_task(self._ask(step))
            await self._pace.before(step)
            asked.cancel()

    async def _ask(self, step: Step) -> None:
        if self._prompt:
            await self._prompt(step)
            self._pace.go_on()

    async def close(self, conclusion: Conclusion | None) -> None:
        """Tell the verdict, if there is one, and close the page."""
        if conclusion is not None:
            self._feed.tell_verdict(words_of(conclusion))
        await self._site.close()

    def _status(self) -> dict[str, Any]:
        status = status_of_stage(self._plan.scenario.name, self._plan, self._stage, self._feed)
        return {**status, **self._pace.words, "paced": self._steps}

    async def _let_go_on(self, _words: Mapping[str, str], _body: Mapping[str, Any]) -> dict[str, Any]:
        what = self._pace.waits_for
        changed = self._pace.go_on()
        return {"message": f"it goes on: {what}" if changed else NOTHING_TO_DO, "changed": changed}

    async def _set_pace(self, _words: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
        if not self._steps:
            raise NotPaced(NOTHING_TO_DO, hint="zdu run SCENARIO --step tells it step by step.")
        return {"message": self._pace.set(body.get("pause")), "changed": True}


def words_of(conclusion: Conclusion) -> dict[str, Any]:
    """The verdict, as the page shows it."""
    verdict = conclusion.verdict
    return {
        "word": verdict.word,
        "sentence": verdict.sentence,
        "reasons": list(verdict.reasons),
        "run_folder": str(conclusion.folder.path),
    }
