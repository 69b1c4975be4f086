"""Finalising: the operator waits until every node is ready, unless hurrying is the operator's habit."""

from typing import Any, cast

import pytest

from simulator.actions.finalise import READY, perform
from simulator.actions.hands import Hands
from simulator.faults.reach import Habits
from simulator.scenario.steps import Finalise

EARLY = "operator.finalises_early"


class Refused(Exception):
    """What Jira says to who comes too early."""


class Cluster:
    """As much of the operator's hands as finalising uses; ``state`` is what all nodes show."""

    base = "7.3.0"

    def __init__(self, state: str) -> None:
        self.state = state
        self.habits = Habits({EARLY: 0})
        self.scenario = self
        self.picture = self
        self.admins = {"node1": self}
        self.nodes = {"node1": self}
        self.version = "7.3.2"

    def node_of(self, _action: Finalise) -> str:
        return "node1"

    def tell(self, *_words: str) -> None:
        pass

    def has_habit(self, name: str) -> bool:
        return self.habits.show(f"operator.{name}")

    def all_show(self, state: str) -> bool:
        return self.state == state

    async def until_all_show(self, state: str) -> None:
        assert self.all_show(state), "would wait for ever"

    async def until(self, _what: str, condition: Any) -> None:
        assert condition()

    async def approve(self) -> None:
        if self.state != READY:
            raise Refused
        self.state = "STABLE"


async def finalise(cluster: Cluster) -> None:
    await perform(cast(Hands, cluster), Finalise(), "")


async def test_who_hurries_is_refused_and_the_habit_has_shown() -> None:
    cluster = Cluster("MIXED")

    with pytest.raises(Refused):
        await finalise(cluster)

    assert cluster.habits.on == {EARLY: 1}


async def test_where_every_node_is_ready_nothing_is_early_and_the_habit_has_not_shown() -> None:
    cluster = Cluster(READY)

    await finalise(cluster)

    assert cluster.state == "STABLE"
    assert cluster.habits.on == {EARLY: 0}
