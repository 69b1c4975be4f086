import asyncio

import pytest

from simulator.operator import StoryBroken
from simulator.roll import EnterUpgradeMode, NodeSeen, Stop, Upgrade, Wait
from simulator.up.leading import Leading, Moment, MomentName, Refused, WentWrong, check_moments, moment_of
from tests.support.waiting import begun
from zdu.errors import UsageError

BOTH: frozenset[MomentName] = frozenset(("node_down", "mixed"))


def node(name: str, version: str, *, serving: bool = True, running: bool = True) -> NodeSeen:
    return NodeSeen(name, running, False, version, False, serving, not serving)


OLD = (node("node1", "7.3.0"), node("node2", "7.3.0"))
ONE_DOWN = (node("node1", "7.3.0", serving=False, running=False), node("node2", "7.3.0"))
MIXED = (node("node1", "7.3.2"), node("node2", "7.3.0"))


def test_a_node_is_down_just_before_it_is_started_with_the_new_version() -> None:
    assert moment_of(Upgrade("node1"), ONE_DOWN) == Moment("node_down", "node1")


@pytest.mark.parametrize("step", [EnterUpgradeMode("node2"), Stop("node2")])
def test_both_versions_serve_just_before_the_next_node_leaves(step: EnterUpgradeMode | Stop) -> None:
    assert moment_of(step, MIXED) == Moment("mixed", "node2")


@pytest.mark.parametrize("step", [EnterUpgradeMode("node1"), Wait("node1", "…"), Stop("node1")])
def test_before_the_first_node_leaves_nothing_is_mixed(step: EnterUpgradeMode | Wait | Stop) -> None:
    assert moment_of(step, OLD) is None


def test_a_moment_that_there_is_not_is_a_usage_error() -> None:
    assert check_moments(["mixed"]) == {"mixed"}
    with pytest.raises(UsageError, match="lunch"):
        check_moments(["lunch"])


async def roll(leading: Leading, looked: list[str]) -> None:
    for step, seen in ((Upgrade("node1"), ONE_DOWN), (EnterUpgradeMode("node2"), MIXED)):
        while await leading.before_step(step, seen):
            looked.append(step.node_id)


async def test_a_roll_holds_at_each_moment_once_and_goes_on_when_told() -> None:
    leading, looked = Leading(), list[str]()
    async with asyncio.TaskGroup() as tasks:
        held = await leading.lead(tasks, "the roll", lambda: roll(leading, looked), "it is done", hold_at=BOTH)
        assert (held.held, looked) == (Moment("node_down", "node1"), [])
        with pytest.raises(Refused, match="the roll is under way"):
            await leading.lead(tasks, "another", lambda: roll(leading, looked), "")

        held = await leading.go_on()
        assert (held.held, looked) == (Moment("mixed", "node2"), ["node1"])

        done = await leading.go_on()
        assert (done.held, done.message, leading.under_way, looked) == (None, "it is done", "", ["node1", "node2"])
        assert not (await leading.go_on()).changed


async def test_a_roll_holds_only_where_somebody_wants_it_to() -> None:
    leading, looked = Leading(), list[str]()
    async with asyncio.TaskGroup() as tasks:
        done = await leading.lead(tasks, "the roll", lambda: roll(leading, looked), "it is done")

    assert (done.message, looked) == ("it is done", [])


async def test_what_goes_wrong_after_it_was_held_is_told_to_whoever_let_it_go_on() -> None:
    leading = Leading()

    async def broken() -> None:
        await leading.before_step(Upgrade("node1"), ONE_DOWN)
        raise StoryBroken("node2 died")

    async with asyncio.TaskGroup() as tasks:
        await leading.lead(tasks, "the roll", broken, "", hold_at=BOTH)
        with pytest.raises(WentWrong, match="the roll ended early: node2 died"):
            await leading.go_on()

    assert leading.under_way == ""


async def test_the_end_of_the_cluster_cuts_a_roll_that_is_held() -> None:
    leading = Leading()
    async with asyncio.TaskGroup() as tasks:
        await leading.lead(tasks, "the roll", lambda: roll(leading, []), "", hold_at=BOTH)
        going_on = asyncio.ensure_future(leading.go_on())
        await begun(going_on)
        leading.end()
        assert not (await going_on).changed
        with pytest.raises(Refused, match="the end is under way"):
            await leading.lead(tasks, "another", lambda: roll(leading, []), "")
