"""Flawed releases, each doing the one thing wrong that it is ordered for."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from node.bad_release import SLOW_START_FACTOR, CrashOnStart
from node.releases import Flaw
from node.services import UpgradeAction
from shared_db import NewUser, StatementRefused
from shared_db.rows import NodeState
from tests.support.databases import DatabaseTarget
from tests.support.runtimes import INTERVALS, RuntimeCluster
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def _nobody_counts_as_dead(cluster: RuntimeCluster) -> None:
    """A busy machine may hold up a heartbeat for longer than the other tests of a cluster allow."""
    cluster.options["intervals"] = INTERVALS.model_copy(update={"dead_after": 60.0})


async def ready_to_finalise(cluster: RuntimeCluster, version: str) -> None:
    await cluster.start("node1")
    await cluster.nodes["node1"].runtime.act(UpgradeAction.START, "admin")
    await cluster.stop("node1")
    await cluster.start("node1", version)
    await cluster.reaches("READY_TO_RUN_UPGRADE_TASKS")


async def approve(cluster: RuntimeCluster) -> None:
    await cluster.nodes["node1"].runtime.act(UpgradeAction.APPROVE, "admin")


async def test_a_failing_task_fails_once_and_works_when_it_is_tried_again(cluster: RuntimeCluster) -> None:
    await ready_to_finalise(cluster, "7.3.2+failing-task")

    await approve(cluster)
    await cluster.reaches("UPGRADE_TASKS_FAILED")
    assert "An upgrade task of Jira 7.3.2+failing-task failed" in cluster.nodes["node1"].log
    await cluster.nodes["node1"].runtime.act(UpgradeAction.RETRY, "admin")
    await approve(cluster)
    await cluster.reaches("STABLE")

    assert (await cluster.states())[-5:] == [
        "RUNNING_UPGRADE_TASKS",
        "UPGRADE_TASKS_FAILED",
        "READY_TO_RUN_UPGRADE_TASKS",
        "RUNNING_UPGRADE_TASKS",
        "STABLE",
    ]


async def test_a_stuck_task_ends_with_its_node_and_counts_as_failed(cluster: RuntimeCluster) -> None:
    await ready_to_finalise(cluster, "7.3.2+stuck-task")
    await approve(cluster)
    await until(lambda: "waits for something that never comes" in cluster.nodes["node1"].log, "the task is stuck")
    assert await cluster.state() == "RUNNING_UPGRADE_TASKS"

    cluster.nodes["node1"].runtime.stop_wish.make("test", hurry=True)
    await asyncio.wait_for(cluster.nodes["node1"].task, 10)

    assert await cluster.state() == "UPGRADE_TASKS_FAILED"


async def test_a_release_that_crashes_on_start_leaves_the_schema_expanded_and_no_member(
    cluster: RuntimeCluster,
) -> None:
    await cluster.start("node1")
    await cluster.nodes["node1"].runtime.act(UpgradeAction.START, "admin")

    with pytest.raises(CrashOnStart):
        await cluster.start("node2", "7.3.2+crash-on-start")

    assert await cluster.member("node2") is None
    assert "73013-add-jiraissue-summary-lower" in await cluster.database.schema.applied()
    node1 = await cluster.member("node1")
    assert node1 is not None
    assert node1.state is NodeState.ACTIVE


async def test_a_release_that_starts_slowly_takes_ten_times_as_long(cluster: RuntimeCluster) -> None:
    loop = asyncio.get_running_loop()
    began_s = loop.time()

    await cluster.start("node1", "7.3.0+slow-start", start_duration=0.1)

    assert loop.time() - began_s >= 0.1 * SLOW_START_FACTOR


@pytest.mark.parametrize(
    ("flaw", "refused"),
    [
        (Flaw.BAD_RENAME, {"create", "edit", "get", "search"}),
        (Flaw.BAD_NOT_NULL, {"create"}),
    ],
)
async def test_what_a_bad_schema_step_breaks_for_the_nodes_of_the_release_before(
    cluster: RuntimeCluster, database_target: DatabaseTarget, flaw: Flaw, refused: set[str]
) -> None:
    await ready_to_finalise(cluster, f"7.3.2+{flaw}")
    old = cluster.database

    operations: dict[str, Callable[[], Awaitable[object]]] = {
        "create": lambda: old.issues.create("ZDU", "New", "", "user1"),
        "edit": lambda: old.issues.edit("ZDU-1", "user1", "Changed"),
        "get": lambda: old.issues.get("ZDU-1"),
        "search": lambda: old.issues.search("", 0, 5),
        "sign up": lambda: old.users.create_many([NewUser("user9", "User 9", "hash")]),
    }
    found = {}
    for name, operation in operations.items():
        try:
            await operation()
        except StatementRefused as error:
            found[name] = error

    assert set(found) == refused
    assert all("jiraissue" in error.statement for error in found.values())
    column = {Flaw.BAD_RENAME: "updated", Flaw.BAD_NOT_NULL: "severity"}[flaw]
    assert all(column in error.reason for error in found.values())


@pytest.mark.parametrize("flaw", [Flaw.BAD_RENAME, Flaw.BAD_NOT_NULL])
async def test_the_flawed_release_itself_works_on_its_schema(cluster: RuntimeCluster, flaw: Flaw) -> None:
    await ready_to_finalise(cluster, f"7.3.2+{flaw}")
    (new,) = cluster.nodes["node1"].databases

    created = await new.issues.create("ZDU", "New", "", "user1")
    edited = await new.issues.edit(created.key, "user1", "Changed")
    await approve(cluster)
    await cluster.reaches("STABLE")

    assert edited is not None
    assert await new.issues.get(created.key) == edited
    assert (await new.issues.search("changed", 0, 5))[1] == 1
