"""Finalising: the operator waits until every node is ready, and runs the tasks again as often as is allowed."""

from typing import Any, cast

import pytest

from simulator.actions.finalise import READY, perform
from simulator.actions.hands import Hands, StoryBroken
from simulator.scenario.steps import Finalise


class Cluster:
    """As much of the operator's hands as finalising uses; ``failures`` of the attempts fail."""

    base = "7.3.0"
    version = "7.3.2"

    def __init__(self, failures: int = 0) -> None:
        self.state = "MIXED"
        self.failures = failures
        self.scenario = self.picture = self
        self.admins = self.nodes = {"node1": self}
        self.asked: list[str] = []

    def node_of(self, _action: Finalise) -> str:
        return "node1"

    def tell(self, *_words: str) -> None:
        pass

    def all_show(self, state: str) -> bool:
        return self.state == state

    async def until_all_show(self, state: str) -> None:
        self.asked.append(f"wait for {state}")
        self.state = state

    async def until(self, _what: str, condition: Any) -> None:
        assert condition()

    async def approve(self) -> None:
        assert self.state == READY
        self.asked.append("approve")
        self.state = "UPGRADE_TASKS_FAILED" if self.failures else "STABLE"
        self.failures -= bool(self.failures)

    async def retry_upgrade(self) -> None:
        self.asked.append("retry")


async def finalise(cluster: Cluster, retries: int = 0) -> None:
    await perform(cast(Hands, cluster), Finalise(retries=retries), "")


async def test_the_operator_waits_until_every_node_is_ready_and_the_base_is_the_new_version_then() -> None:
    cluster = Cluster()

    await finalise(cluster)

    assert cluster.asked == [f"wait for {READY}", "approve"]
    assert (cluster.state, cluster.base) == ("STABLE", "7.3.2")


async def test_a_failed_task_is_acknowledged_and_tried_again_as_often_as_is_allowed() -> None:
    cluster = Cluster(failures=2)

    await finalise(cluster, retries=2)

    again = ["retry", f"wait for {READY}", "approve"]
    assert cluster.asked == [f"wait for {READY}", "approve", *again, *again]


async def test_without_a_retry_left_the_story_ends() -> None:
    cluster = Cluster(failures=2)

    with pytest.raises(StoryBroken, match="an upgrade task failed"):
        await finalise(cluster, retries=1)

    assert cluster.base == "7.3.0"
