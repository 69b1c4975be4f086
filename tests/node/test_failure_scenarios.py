"""What goes wrong in real upgrades, by the numbers of the list that this project keeps of them (F1 to F22).

Those that are about states, joining and the life of a node are here; each ends with the way out, which has to work.
"""

import asyncio
from pathlib import Path

import pytest

from node.finalise import TASKS_LOCK
from node.releases import Release
from node.runtime import NodeRuntime
from node.services import ApplicationState, NodeChangeRefused, NotAllowed, UpgradeAction
from node.startup import STARTUP_LOCK, NodeRefused
from shared_db import NewUpgradeState
from tests.support.databases import DatabaseTarget, age_lock
from tests.support.hand_driven import INTERVALS as DAYS_PASS
from tests.support.hand_driven import HandDrivenCluster
from tests.support.runtimes import INTERVALS, RuntimeCluster, runtime_cluster
from tests.support.waiting import eventually, until

START, CANCEL, APPROVE, RETRY = UpgradeAction
BROKEN = Release("7.3.2", 73013, upgrade_tasks=("73012-no-such-task",))


async def test_f1_a_major_jump_is_refused_the_state_stays_and_the_node_goes_back(cluster: RuntimeCluster) -> None:
    _, node2 = await ready_to_upgrade(cluster)
    await cluster.stop("node1")

    with pytest.raises(NodeRefused) as refused:
        await cluster.start("node1", "8.0.3")

    assert str(refused.value).startswith(
        "Your node with Jira version 8.0.3 will not start up with version 7.3.0 because"
    )
    assert cluster.nodes["node1"].runtime.application_state is ApplicationState.ERROR
    assert await cluster.states() == ["READY_TO_UPGRADE"]
    assert await state_of(cluster, "node1") == "OFFLINE"

    await node2.act(CANCEL, "admin")
    await cluster.start("node1")
    assert await cluster.states() == ["READY_TO_UPGRADE", "STABLE"]
    assert await state_of(cluster, "node1") == "ACTIVE"


async def test_f2_a_third_version_is_refused_and_the_target_is_not(cluster: RuntimeCluster) -> None:
    await ready_to_upgrade(cluster)
    await roll(cluster, "node1", "7.3.2")
    await cluster.stop("node2")

    with pytest.raises(NodeRefused, match="third version"):
        await cluster.start("node2", "7.3.1")

    await cluster.start("node2", "7.3.2")


async def test_f3_a_newer_node_without_upgrade_mode_waits_and_is_refused(cluster: RuntimeCluster) -> None:
    node1 = await cluster.start("node1")

    with pytest.raises(NodeRefused, match="upgrade mode"):
        await cluster.start("node2", "7.3.2")

    assert cluster.nodes["node2"].runtime.application_state is ApplicationState.ERROR
    assert "Waiting for their heartbeats" in cluster.nodes["node2"].log
    assert await cluster.member("node2") is None
    assert not (cluster.folder / "shared/bundled/7.3.2-73013").exists()

    await node1.act(START, "admin")
    await cluster.start("node2", "7.3.2")
    assert await cluster.state() == "MIXED"


async def test_f4_the_first_node_of_a_dead_cluster_upgrades_the_data_and_locks_the_old_ones_out(
    cluster: RuntimeCluster,
) -> None:
    """The dead node looks alive at first: the newer one waits for its heartbeat to grow old."""
    await cluster.start("node1")
    await cluster.kill("node1")

    await cluster.start("node2", "7.3.2")

    assert await cluster.database.properties.get("jira.version.patched") == "73013"
    with pytest.raises(NodeRefused, match="newer than build 73011"):
        await cluster.start("node1", "7.3.0")
    await cluster.start("node1", "7.3.2")


async def test_f4_a_node_that_only_slept_shuts_down_when_it_wakes_up_beside_newer_data(
    database_target: DatabaseTarget, tmp_path: Path
) -> None:
    """As a JVM does that collects its garbage for longer than five minutes."""
    cluster = await HandDrivenCluster.open(database_target, tmp_path)
    try:
        await cluster.start("node1", "7.3.0")
        await cluster.time_passes(DAYS_PASS.dead_after + 1, asleep=["node1"])
        await cluster.start("node2", "7.3.2")

        await cluster.beat("node1")

        assert cluster.found_offline == ["node1"]
        assert list(cluster.nodes) == ["node2"]
    finally:
        await cluster.close()


async def test_f5_after_the_finalisation_an_old_node_serves_nothing_until_it_is_upgraded(
    cluster: RuntimeCluster,
) -> None:
    """That its process goes on and says ERROR to whoever asks is tested over HTTP, in ``test_process_alive``."""
    node1, _ = await ready_to_finalise(cluster)
    await node1.act(APPROVE, "admin")
    await cluster.reaches("STABLE")
    await cluster.stop("node2")

    with pytest.raises(NodeRefused, match="To protect it, this node will not start"):
        await cluster.start("node2", "7.3.0")

    assert cluster.nodes["node2"].runtime.application_state is ApplicationState.ERROR
    assert await state_of(cluster, "node2") == "OFFLINE"
    await cluster.start("node2", "7.3.2")


async def test_f6_a_killed_base_node_holds_up_the_upgrade_until_it_is_set_offline(cluster: RuntimeCluster) -> None:
    await ready_to_upgrade(cluster)
    await roll(cluster, "node1", "7.3.2")
    await cluster.kill("node2")
    node1 = cluster.nodes["node1"].runtime
    await eventually(lambda: alive(cluster, "node2"), False)
    assert await state_of(cluster, "node2") == "ACTIVE"
    assert await cluster.state() == "MIXED"

    await node1.set_member_offline("node2", "admin")

    await cluster.reaches("READY_TO_RUN_UPGRADE_TASKS")
    assert "Node node2 was set OFFLINE by admin" in cluster.nodes["node1"].log


async def test_f7_ghosts_of_replaced_nodes_are_set_offline_and_deleted(cluster: RuntimeCluster) -> None:
    """As after an automatic replacement: each new machine has a new node id, and nobody stopped the old one."""
    await cluster.start("node1")
    await cluster.kill("node1")
    successor = await cluster.start("node2")
    await eventually(lambda: alive(cluster, "node1"), False)
    with pytest.raises(NodeChangeRefused, match="only a node that is OFFLINE"):
        await successor.remove_member("node1", "admin")

    await successor.set_member_offline("node1", "admin")
    await successor.remove_member("node1", "admin")

    assert [node.node_id for node in await successor.members()] == ["node2"]


async def test_f8_a_living_node_that_is_set_offline_shuts_itself_down_and_comes_back_by_a_restart(
    cluster: RuntimeCluster,
) -> None:
    await cluster.start("node1")

    await cluster.database.nodes.go_offline("node1")

    await asyncio.wait_for(cluster.nodes["node1"].task, 5)
    assert "shuts itself down" in cluster.nodes["node1"].log
    await cluster.start("node1")
    assert await state_of(cluster, "node1") == "ACTIVE"


async def test_f8_a_node_that_is_told_not_to_shut_itself_down_works_on(cluster: RuntimeCluster) -> None:
    node1 = await cluster.start("node1", self_shutdown_if_offline_disabled=True)
    await cluster.database.nodes.go_offline("node1")

    await eventually(lambda: logged(cluster, "node1", "It works on, as it is configured to"), True)

    assert node1.application_state is ApplicationState.RUNNING
    assert await state_of(cluster, "node1") == "OFFLINE"


async def test_f9_a_living_node_cannot_be_set_offline(cluster: RuntimeCluster) -> None:
    node1, _ = await cluster.start("node1"), await cluster.start("node2")

    with pytest.raises(NodeChangeRefused, match="is ACTIVE and alive"):
        await node1.set_member_offline("node2", "admin")

    assert await state_of(cluster, "node2") == "ACTIVE"


async def test_f13_a_node_that_reindexes_in_the_foreground_is_in_maintenance_and_comes_back(
    cluster: RuntimeCluster,
) -> None:
    node1 = await cluster.start("node1", reindex_duration=0.3)
    before = node1.local.index

    await node1.reindex("admin")

    assert node1.application_state is ApplicationState.MAINTENANCE
    assert node1.application_state.http_status == 503
    with pytest.raises(NodeChangeRefused, match="this one is MAINTENANCE"):
        await node1.reindex("admin")
    await until(lambda: node1.application_state is ApplicationState.RUNNING, "node1 RUNNING again")
    assert node1.local.index is not before
    assert len(node1.local.index) == len(before) == 3


async def test_f13_a_node_can_be_stopped_in_the_middle_of_a_reindex(cluster: RuntimeCluster) -> None:
    node1 = await cluster.start("node1", reindex_duration=3600.0)
    await node1.reindex("admin")

    await cluster.stop("node1")

    assert node1.application_state is ApplicationState.STOPPING
    assert await state_of(cluster, "node1") == "OFFLINE"


async def test_f19_a_failed_task_is_retried_and_approved_again(cluster: RuntimeCluster) -> None:
    # Who approves waits for a quarter of it until the last attempt's lock is given back.
    cluster.options["intervals"] = INTERVALS.model_copy(update={"lock_expiry": 20.0})
    await ready_to_upgrade(cluster)
    await roll(cluster, "node1", "7.3.2", release=BROKEN)
    await roll(cluster, "node2", "7.3.2")
    node1, node2 = cluster.nodes["node1"].runtime, cluster.nodes["node2"].runtime

    await node1.act(APPROVE, "admin")
    await cluster.reaches("UPGRADE_TASKS_FAILED")
    assert "An upgrade task of Jira 7.3.2 failed" in cluster.nodes["node1"].log
    assert await cluster.database.properties.get("jira.version.patched") == "73011"
    await node2.act(RETRY, "admin")
    await node2.act(APPROVE, "admin")
    await cluster.reaches("STABLE")

    history = await cluster.database.upgrade_state.history()
    assert [(row.state, row.build_number) for row in history[-4:]] == [
        ("UPGRADE_TASKS_FAILED", 73011),
        ("READY_TO_RUN_UPGRADE_TASKS", 73011),
        ("RUNNING_UPGRADE_TASKS", 73011),
        ("STABLE", 73013),
    ]


async def test_f20_approving_too_early_or_twice_is_refused(cluster: RuntimeCluster) -> None:
    node1, node2 = await ready_to_upgrade(cluster)
    assert await refusal(node2, APPROVE) == ("READY_TO_UPGRADE", (CANCEL,))
    await roll(cluster, "node1", "7.3.2")
    assert await refusal(node2, APPROVE) == ("MIXED", ())

    await roll(cluster, "node2", "7.3.2")
    await cluster.reaches("READY_TO_RUN_UPGRADE_TASKS")
    node1, node2 = cluster.nodes["node1"].runtime, cluster.nodes["node2"].runtime
    await node1.act(APPROVE, "admin")
    state, _ = await refusal(node2, APPROVE)

    assert state in {"RUNNING_UPGRADE_TASKS", "STABLE"}
    await cluster.reaches("STABLE")
    assert (await cluster.states()).count("RUNNING_UPGRADE_TASKS") == 1


async def test_f21_cancelling_while_mixed_is_refused_until_every_node_is_rolled_back(cluster: RuntimeCluster) -> None:
    _, node2 = await ready_to_upgrade(cluster)
    await roll(cluster, "node1", "7.3.2")
    assert await refusal(node2, CANCEL) == ("MIXED", ())

    await roll(cluster, "node1", "7.3.0")
    await cluster.reaches("READY_TO_UPGRADE")
    await node2.act(CANCEL, "admin")

    assert await cluster.states() == ["READY_TO_UPGRADE", "MIXED", "READY_TO_UPGRADE", "STABLE"]
    assert "Rolling back node node1 from 7.3.2 (build 73013) to 7.3.0 (build 73011)" in cluster.nodes["node1"].log


async def test_f21_a_cluster_that_waits_for_its_approval_is_rolled_back_node_by_node(cluster: RuntimeCluster) -> None:
    """READY_TO_RUN_UPGRADE_TASKS is the last pause: a base node that joins again makes the cluster MIXED."""
    await ready_to_finalise(cluster)
    assert await refusal(cluster.nodes["node1"].runtime, CANCEL) == ("READY_TO_RUN_UPGRADE_TASKS", (APPROVE,))

    await roll(cluster, "node1", "7.3.0")
    await cluster.reaches("MIXED")
    assert await refusal(cluster.nodes["node1"].runtime, APPROVE) == ("MIXED", ())
    await roll(cluster, "node2", "7.3.0")
    await cluster.reaches("READY_TO_UPGRADE")
    await cluster.nodes["node2"].runtime.act(CANCEL, "admin")

    history = await cluster.database.upgrade_state.history()
    assert [row.state for row in history[-4:]] == [
        "READY_TO_RUN_UPGRADE_TASKS",
        "MIXED",
        "READY_TO_UPGRADE",
        "STABLE",
    ]
    assert {row.build_number for row in history} == {73011}


@pytest.mark.parametrize("way_out", ["the lock expires", "the lock is deleted"])
async def test_f22_a_lock_left_by_a_killed_node_keeps_the_next_one_starting(
    database_target: DatabaseTarget, tmp_path: Path, way_out: str
) -> None:
    patient = INTERVALS.model_copy(update={"lock_expiry": 20.0})
    async with runtime_cluster(database_target, tmp_path, intervals=patient) as cluster:
        assert await cluster.database.locks.acquire(STARTUP_LOCK, "node9", patient.lock_expiry)
        late = cluster.begin("node1")
        await until(lambda: "Waiting for node node9, which is starting" in late.log, "node1 waits")
        assert late.runtime.application_state is ApplicationState.STARTING

        if way_out == "the lock expires":
            await age_lock(cluster.database, STARTUP_LOCK, patient.lock_expiry + 1)
        else:
            await cluster.database.locks.release(STARTUP_LOCK, "node9")

        await eventually(lambda: state_of(cluster, "node1"), "ACTIVE")
        assert await cluster.database.locks.holder(STARTUP_LOCK) is None


@pytest.mark.parametrize(
    ("before", "action", "after"),
    [
        (None, START, "READY_TO_UPGRADE"),
        ("READY_TO_UPGRADE", CANCEL, "STABLE"),
        ("UPGRADE_TASKS_FAILED", RETRY, "READY_TO_RUN_UPGRADE_TASKS"),
    ],
)
async def test_of_two_administrators_on_two_nodes_one_wins_and_one_row_is_written(
    database_target: DatabaseTarget, tmp_path: Path, before: str | None, action: UpgradeAction, after: str
) -> None:
    """For the approval, which also runs the tasks, see ``test_runtime``."""
    slow_look = INTERVALS.model_copy(update={"upgrade_state_poll": 60.0})
    async with runtime_cluster(database_target, tmp_path, intervals=slow_look) as cluster:
        node1, node2 = await asyncio.gather(cluster.start("node1"), cluster.start("node2"))
        if before:
            await cluster.database.upgrade_state.change(lambda _: NewUpgradeState(before, 73011, "7.3.0"), 1.0)

        outcomes = await asyncio.gather(node1.act(action, "a"), node2.act(action, "b"), return_exceptions=True)

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "NotAllowed"]
        assert await cluster.states() == [*([before] if before else []), after]


async def roll(cluster: RuntimeCluster, node_id: str, version: str, **options: object) -> None:
    await cluster.stop(node_id)
    await cluster.start(node_id, version, **options)


async def ready_to_upgrade(cluster: RuntimeCluster) -> tuple[NodeRuntime, NodeRuntime]:
    node1, node2 = await asyncio.gather(cluster.start("node1"), cluster.start("node2"))
    await node1.act(START, "admin")
    return node1, node2


async def ready_to_finalise(cluster: RuntimeCluster) -> tuple[NodeRuntime, NodeRuntime]:
    await ready_to_upgrade(cluster)
    await roll(cluster, "node1", "7.3.2")
    await roll(cluster, "node2", "7.3.2")
    await cluster.reaches("READY_TO_RUN_UPGRADE_TASKS")
    assert await cluster.database.locks.holder(TASKS_LOCK) is None
    return cluster.nodes["node1"].runtime, cluster.nodes["node2"].runtime


async def refusal(node: NodeRuntime, action: UpgradeAction) -> tuple[str, tuple[UpgradeAction, ...]]:
    """The state and what is allowed in it, as the refusal says."""
    with pytest.raises(NotAllowed) as refused:
        await node.act(action, "admin")
    return refused.value.state, refused.value.allowed


async def state_of(cluster: RuntimeCluster, node_id: str) -> str | None:
    found = await cluster.member(node_id)
    return None if found is None else found.state.value


async def alive(cluster: RuntimeCluster, node_id: str) -> bool:
    found = await cluster.member(node_id)
    return found is not None and found.alive


async def logged(cluster: RuntimeCluster, node_id: str, words: str) -> bool:
    return words in cluster.nodes[node_id].log
