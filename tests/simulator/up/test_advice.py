"""What a person is told to do next, in every state of the cluster."""

import pytest

from simulator.up.advice import ClusterNow, NodeNow, addressed, next_commands, target_of


def cluster(state: str, *versions: str, base: str = "7.3.0", users: int = 12, under_way: str = "") -> ClusterNow:
    nodes = tuple(
        NodeNow(f"node{number}", version, running=True, paused=False, failed=False)
        for number, version in enumerate(versions or ("7.3.0", "7.3.0"), 1)
    )
    return ClusterNow(state, base, nodes, users, under_way)


def commands(now: ClusterNow) -> list[str]:
    return [advice.command for advice in next_commands(now)]


@pytest.mark.parametrize(
    ("state", "first"),
    [
        ("STABLE", "zdu upgrade start"),
        ("READY_TO_UPGRADE", "zdu upgrade roll --to 7.3.8"),
        ("MIXED", "zdu upgrade roll --to 7.3.8"),
        ("READY_TO_RUN_UPGRADE_TASKS", "zdu upgrade finalise"),
        ("RUNNING_UPGRADE_TASKS", "zdu status --watch"),
        ("UPGRADE_TASKS_FAILED", "zdu upgrade finalise"),
    ],
)
def test_each_state_has_its_next_step_and_down_is_always_there(state: str, first: str) -> None:
    told = commands(cluster(state))
    assert (told[0], told[-1]) == (first, "zdu down")


def test_an_upgrade_goes_on_to_the_version_that_a_node_has_already() -> None:
    assert commands(cluster("MIXED", "7.3.2", "7.3.0"))[0] == "zdu upgrade roll --to 7.3.2"


@pytest.mark.parametrize(("base", "target"), [("7.3.0", "7.3.8"), ("7.3.8", "7.4.6"), ("10.3.5", "")])
def test_the_target_is_the_newest_of_its_line_or_the_next_line(base: str, target: str) -> None:
    assert target_of(cluster("STABLE", base, base, base=base)) == target


def test_repairs_come_before_the_upgrade() -> None:
    nodes = (
        NodeNow("node1", "7.3.0", running=True, paused=True, failed=False),
        NodeNow("node2", "7.3.0", running=False, paused=False, failed=False),
        NodeNow("node3", "8.0.3", running=True, paused=False, failed=True),
    )
    told = commands(ClusterNow("STABLE", "7.3.0", nodes, users=0))
    assert told[:4] == [
        "zdu node resume node1",
        "zdu node start node2",
        "zdu logs node3 -n 20",
        "zdu node stop node3",
    ]
    assert "zdu load start" in told


def test_while_something_is_under_way_one_waits() -> None:
    assert commands(cluster("MIXED", under_way="the roll to 7.3.2")) == ["zdu status --watch"]


def test_commands_and_hints_say_which_cluster_where_that_is_not_clear() -> None:
    named = [advice.command for advice in next_commands(cluster("READY_TO_UPGRADE"), "lab")]
    assert named == ["zdu upgrade roll --name lab --to 7.3.8", "zdu upgrade cancel --name lab", "zdu down --name lab"]
    hint = "Stop it first (zdu node stop node1), or see zdu fault list, or begin anew: zdu up --nodes 2"
    assert addressed(hint, "lab") == hint.replace("node stop", "node stop --name lab")
