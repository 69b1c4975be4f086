"""Finalising too early as a habit: each upgraded node tempts once, and what the cluster says is recorded."""

from typing import Any, cast

import pytest

from simulator.actions.hands import Hands, StoryBroken
from simulator.actions.haste import Haste
from simulator.clients.jira_admin import AdminRequestFailed
from simulator.faults.reach import Habits
from simulator.roll import NodeSeen
from zdu.events import FinalisedEarly

EARLY = "operator.finalises_early"
WORDS = "Upgrade tasks can only be run in READY_TO_RUN_UPGRADE_TASKS, when all nodes have been upgraded."


def node(node_id: str, version: str) -> NodeSeen:
    return NodeSeen(node_id, True, False, version, False, True, False)


NONE = (node("node1", "7.3.0"), node("node2", "7.3.0"), node("node3", "7.3.0"))
ONE = (node("node1", "7.3.2"), *NONE[1:])
TWO = (node("node1", "7.3.2"), node("node2", "7.3.2"), NONE[2])
ALL = (node("node1", "7.3.2"), node("node2", "7.3.2"), node("node3", "7.3.2"))


class Cluster:
    """As much of the operator's hands as hurrying uses; every node shows ``shows`` and answers ``refusal``."""

    base = "7.3.0"

    def __init__(
        self, shows: str = "MIXED", refusal: AdminRequestFailed | None = None, *, hurries: bool = True
    ) -> None:
        self.cluster_state = shows
        self.refusal = refusal
        self.habits = Habits({EARLY: 0} if hurries else {})
        self.picture = self.recorder = self
        self.nodes = self.admins = dict.fromkeys(("node1", "node2", "node3"), self)
        self.events: list[Any] = []
        self.told: list[str] = []

    def now_s(self) -> float:
        return 4.5

    def event(self, event: object) -> None:
        self.events.append(event)

    def tell(self, title: str, _node: str) -> None:
        self.told.append(title)

    def has_habit(self, name: str) -> bool:
        return self.habits.show(f"operator.{name}")

    async def approve(self) -> None:
        if self.refusal:
            raise self.refusal


def refused(status: int = 409, answer: str = WORDS) -> AdminRequestFailed:
    return AdminRequestFailed(f"POST /approve was answered {status}", status, answer)


def haste(cluster: Cluster, to: str = "7.3.2") -> Haste:
    return Haste(cast(Hands, cluster), to)


async def test_each_node_that_is_upgraded_before_the_last_tempts_once_and_jiras_words_are_recorded() -> None:
    cluster = Cluster(refusal=refused())
    one = haste(cluster)

    tried = [await one.look(seen) for seen in (NONE, ONE, ONE, TWO, TWO, ALL)]

    assert tried == [False, True, False, True, False, False]
    assert cluster.habits.on == {EARLY: 2}
    assert cluster.events == [
        FinalisedEarly("node1", ["node2", "node3"], 4.5, 409, WORDS),
        FinalisedEarly("node2", ["node3"], 4.5, 409, WORDS),
    ]
    assert cluster.told[:2] == [
        "In a hurry: node1 is asked to finalise, while 7.3.0 still runs on node2 and node3",
        f"node1 refuses: {WORDS}",
    ]


@pytest.mark.parametrize(
    "cluster",
    [Cluster(hurries=False), Cluster("READY_TO_UPGRADE"), Cluster("READY_TO_RUN_UPGRADE_TASKS")],
)
async def test_without_the_habit_or_without_a_mixed_cluster_nothing_is_asked(cluster: Cluster) -> None:
    assert not await haste(cluster).look(ONE)
    assert (cluster.events, cluster.told) == ([], [])
    assert EARLY not in cluster.habits.on or cluster.habits.on == {EARLY: 0}


async def test_on_the_way_back_nobody_finalises() -> None:
    assert not await haste(Cluster(), to="7.3.0").look(TWO)


async def test_a_cluster_that_lets_it_happen_ends_the_story() -> None:
    cluster = Cluster()

    with pytest.raises(StoryBroken, match=r"node1 let the upgrade be finalised while 7\.3\.0 still ran on node2"):
        await haste(cluster).look(ONE)

    assert cluster.events == [FinalisedEarly("node1", ["node2", "node3"], 4.5, 200, "")]


async def test_no_answer_is_recorded_as_none_and_the_roll_goes_on() -> None:
    cluster = Cluster(refusal=AdminRequestFailed("POST /approve: TimeoutError"))

    assert await haste(cluster).look(ONE)

    assert cluster.events == [FinalisedEarly("node1", ["node2", "node3"], 4.5, 0, "POST /approve: TimeoutError")]
