"""When the steps of a story begin. What each of them does is told by runs with real processes."""

from pathlib import Path
from typing import Any, cast

import pytest

from simulator.faults.faults import Faults
from simulator.faults.reach import Reach
from simulator.operator import Operator, StoryBroken
from simulator.picture import Picture
from simulator.record.recorder import Recorder
from simulator.scenario.model import Scenario
from zdu.clock import SystemClock
from zdu.events import StepStarted

BLINK = {"for": "1ms"}


def step(title: str, **more: object) -> dict[str, object]:
    return {"title": title, "observe": BLINK, **more}


class Stage:
    """A story on a cluster that is only looked at."""

    def __init__(self, folder: Path, *timeline: dict[str, object]) -> None:
        scenario = Scenario.model_validate(
            {"name": "x", "title": "X", "cluster": {"version": "7.3.0"}, "timeline": list(timeline)}
        )
        self.recorder = Recorder(folder, SystemClock())
        self.picture = Picture(self.recorder, scenario.cluster.node_ids)
        faults = Faults(Reach(cast(Any, None), self.picture), self.recorder)
        self.operator = Operator(scenario, cast(Any, None), self.picture, self.recorder, {}, faults)

    @property
    def told(self) -> list[str]:
        return [it.event.title for it in self.recorder.envelopes if isinstance(it.event, StepStarted)]

    async def play(self) -> list[str]:
        try:
            await self.operator.play()
        finally:
            self.recorder.close()
        return self.told


async def test_a_step_in_one_branch_waits_for_the_named_one_in_another(tmp_path: Path) -> None:
    branches = [
        [step("second", after="one"), step("third")],
        [step("first", name="one", observe={"for": "30ms"})],
    ]

    assert await Stage(tmp_path, {"parallel": {"branches": branches}}).play() == ["first", "second", "third"]


async def test_steps_are_repeated_as_often_as_wanted(tmp_path: Path) -> None:
    told = await Stage(tmp_path, {"title": "Round", "repeat": {"times": 2, "steps": [step("a"), step("b")]}}).play()

    assert told == ["Round (1 of 2)", "a", "b", "Round (2 of 2)", "a", "b"]


async def test_a_step_waits_until_what_it_asks_for_is_so(tmp_path: Path) -> None:
    stage = Stage(
        tmp_path,
        {"parallel": {"branches": [[step("drained", when="node1 is DRAINING")], [step("before", name="before")]]}},
        step("after"),
    )
    stage.recorder.follow(lambda it: _drain(stage) if isinstance(it.event, StepStarted) else None)

    assert await stage.play() == ["before", "drained", "after"]


def _drain(stage: Stage) -> None:
    if stage.told == ["before"]:
        stage.picture.node_says("node1", "DRAINING")


async def test_a_branch_that_cannot_go_on_ends_the_story_with_its_reason(tmp_path: Path) -> None:
    stage = Stage(
        tmp_path,
        {"parallel": {"branches": [[step("long", observe={"for": "1h"})], [step("short"), step("next")]]}},
    )
    stage.recorder.follow(lambda it: _crash(stage) if isinstance(it.event, StepStarted) else None)

    with pytest.raises(StoryBroken, match="node2 died although nobody had stopped it"):
        await stage.play()


def _crash(stage: Stage) -> None:
    if stage.told == ["long", "short"]:
        stage.picture.process_exited("node2", -9, expected=False)


async def test_a_time_to_begin_that_has_passed_is_now(tmp_path: Path) -> None:
    assert await Stage(tmp_path, step("a", at="1ms"), step("b", at="1ms"), step("c", after="1ms")).play() == list(
        "abc"
    )
