"""What can go wrong around joining, upgrading the data at start, and leaving."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.config import DatabaseConfig, NodeConfig
from node.finalise import TASKS_LOCK, UpgradeTasks
from node.releases import find_release
from node.services import ApplicationState, UpgradeAction
from node.startup import NodeRefused
from node.stopping import FAREWELL_S, HURRY_S, StopTimes, StopWish
from shared_db import Database, DatabaseUnavailable
from shared_db.nodes import NodesGateway
from shared_db.schema import SchemaGateway
from tests.support.databases import DatabaseTarget
from tests.support.runtimes import INTERVALS, RuntimeCluster, runtime_cluster
from tests.support.waiting import eventually, stand_still, until
from zdu.errors import ZduError


class SlowTask:
    """Upgrade tasks that begin and do not end before they are let go."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        real = SchemaGateway.run_task

        async def slow(gateway: SchemaGateway, name: str) -> bool:
            self.begun.set()
            await self.go_on.wait()
            return await real(gateway, name)

        patch.setattr(SchemaGateway, "run_task", slow)


@pytest.fixture
def slow_task(monkeypatch: pytest.MonkeyPatch) -> SlowTask:
    return SlowTask(monkeypatch)


@pytest.mark.slow
async def test_no_old_node_joins_beside_one_that_upgrades_the_data_at_its_start(
    cluster: RuntimeCluster, slow_task: SlowTask
) -> None:
    newer = cluster.begin("node2", "7.3.2")
    await slow_task.begun.wait()

    with pytest.raises(NodeRefused):  # after version_check_wait, longer than dead_after and lock_expiry
        await cluster.start("node1", "7.3.0")

    assert not await cluster.database.locks.acquire(TASKS_LOCK, "node9", INTERVALS.lock_expiry), "kept fresh"
    slow_task.go_on.set()
    await until(lambda: newer.runtime.application_state is ApplicationState.RUNNING, "node2 RUNNING")
    assert await cluster.database.properties.get("jira.version.patched") == "73013"
    assert await cluster.database.locks.holder(TASKS_LOCK) is None


async def test_a_node_waits_for_the_lock_before_it_upgrades_the_data(cluster: RuntimeCluster) -> None:
    waits = "Waiting for node node9, which runs the upgrade tasks"
    await cluster.database.locks.acquire(TASKS_LOCK, "node9", 0.0)

    node1 = cluster.begin("node1", "7.3.2", intervals=INTERVALS.model_copy(update={"lock_expiry": 10.0}))
    await until(lambda: waits in node1.log, "it waits")
    assert "Running upgrade task" not in node1.log
    await cluster.database.locks.release(TASKS_LOCK, "node9")

    await until(lambda: node1.runtime.application_state is ApplicationState.RUNNING, "node1 RUNNING")
    assert node1.log.index(waits) < node1.log.index("Running upgrade task")


async def test_a_node_that_lost_the_lock_goes_no_further_with_the_data(
    cluster: RuntimeCluster, slow_task: SlowTask
) -> None:
    release = find_release("7.3.2")
    only_one_task = replace(release, upgrade_tasks=release.upgrade_tasks[:1])
    node1 = cluster.begin("node1", "7.3.2", release=only_one_task)
    await slow_task.begun.wait()
    assert await cluster.database.locks.acquire(TASKS_LOCK, "node9", 0.0)

    slow_task.go_on.set()

    with pytest.raises(ZduError, match="node9 has taken over the cluster lock"):
        await asyncio.wait_for(node1.task, 5)
    assert await cluster.database.properties.get("jira.version.patched") == "73011"
    assert await cluster.database.locks.holder(TASKS_LOCK) == "node9"
    assert await state_of(cluster, "node1") == "OFFLINE"


async def test_tasks_whose_lock_was_lost_record_no_outcome(cluster: RuntimeCluster, slow_task: SlowTask) -> None:
    await ready_to_finalise(cluster)
    await cluster.nodes["node1"].runtime.act(UpgradeAction.APPROVE, "admin")
    await slow_task.begun.wait()
    assert await cluster.database.locks.acquire(TASKS_LOCK, "node9", 0.0)

    slow_task.go_on.set()

    await until(lambda: "The upgrade tasks were given up" in cluster.nodes["node1"].log, "given up")
    assert await cluster.state() == "RUNNING_UPGRADE_TASKS"
    await cluster.reaches("UPGRADE_TASKS_FAILED")  # once that lock has expired: nobody runs them


async def test_a_lock_that_cannot_be_given_back_does_not_end_the_node(
    cluster: RuntimeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ready_to_finalise(cluster)
    own = cluster.nodes["node1"]

    async def fail(*_: object) -> None:
        raise DatabaseUnavailable("the server was shut down")

    monkeypatch.setattr(own.databases[0].locks, "release", fail)
    await own.runtime.act(UpgradeAction.APPROVE, "admin")
    await until(lambda: "could not be given back and expires" in own.log, "the failure is logged")
    await cluster.reaches("STABLE")

    await cluster.stop("node1")
    assert await state_of(cluster, "node1") == "OFFLINE"


async def test_a_stop_before_the_node_hears_that_it_has_joined_leaves_no_active_row(
    cluster: RuntimeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, written = NodesGateway.join, asyncio.Event()

    async def join(gateway: NodesGateway, *values: Any, **more: Any) -> None:
        await real(gateway, *values, **more)
        written.set()
        await asyncio.Event().wait()  # the answer is on its way

    monkeypatch.setattr(NodesGateway, "join", join)
    cluster.begin("node1")
    await written.wait()

    await cluster.stop("node1")

    assert await state_of(cluster, "node1") == "OFFLINE"


async def test_a_node_that_is_refused_leaves_the_row_of_its_former_life_alone(cluster: RuntimeCluster) -> None:
    node1 = await cluster.start("node1")
    await cluster.start("node2")
    await node1.act(UpgradeAction.START, "admin")
    await cluster.kill("node2")
    late = cluster.begin("node2", "7.3.2", start_duration=0.5)
    await until(lambda: "Expanded the schema" in late.log, "the schema is expanded")

    await node1.act(UpgradeAction.CANCEL, "admin")

    with pytest.raises(NodeRefused):
        await asyncio.wait_for(late.task, 10)
    assert await state_of(cluster, "node2") == "ACTIVE"


async def test_a_killed_node_is_set_offline_and_removed_in_the_end(
    database_target: DatabaseTarget, tmp_path: Path
) -> None:
    intervals = INTERVALS.model_copy(update={"offline_after": 1.3, "removed_after": 0.5})
    async with runtime_cluster(database_target, tmp_path, intervals=intervals) as cluster:
        await cluster.start("node1")
        await cluster.start("node2")
        await cluster.kill("node2")

        await eventually(lambda: state_of(cluster, "node2"), "OFFLINE")
        await eventually(lambda: state_of(cluster, "node2"), None)

        assert "Node node2 was set OFFLINE: no heartbeat for more than 1.3 s" in cluster.nodes["node1"].log
        assert "Node node2 was removed" in cluster.nodes["node1"].log
        assert await state_of(cluster, "node1") == "ACTIVE"


async def test_requests_and_tasks_share_the_time_for_stopping(
    cluster: RuntimeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    async def wind_down(_: UpgradeTasks, within_s: float, gone_within_s: float) -> None:
        given.extend((within_s, gone_within_s))

    async def use_it_up(_: StopWish) -> None:
        await stand_still(0.3, "it takes all of the time that there is for stopping")

    monkeypatch.setattr(UpgradeTasks, "wind_down", wind_down)
    await cluster.start("node1", stop_deadline=0.3, on_stopping=use_it_up)

    await cluster.stop("node1")

    assert given[0] == 0.0
    assert 0.0 < given[1] <= FAREWELL_S


async def test_a_database_that_hangs_does_not_keep_a_node_that_stops(
    cluster: RuntimeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("node.stopping.FAREWELL_S", 0.2)
    await cluster.start("node1", stop_deadline=0.1)
    monkeypatch.setattr(cluster.nodes["node1"].databases[0].nodes, "go_offline", hang)

    await cluster.stop("node1")

    assert "could not be told that node node1 leaves: the database does not answer" in cluster.nodes["node1"].log
    assert await state_of(cluster, "node1") == "ACTIVE"


async def test_closing_a_database_that_hangs_takes_no_longer_than_it_may(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging:
        async def dispose(self) -> None:
            await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(database._transactions, "_writer", Hanging())
        await asyncio.wait_for(database.close(0.1), 4)


def test_a_hurried_stop_has_little_time_and_another_one_what_is_configured(cluster_config: NodeConfig) -> None:
    assert StopTimes.of_stop(cluster_config, 10.0, hurry=True) == StopTimes(
        10.0 + HURRY_S, 10.0 + HURRY_S + FAREWELL_S
    )
    assert StopTimes.of_stop(cluster_config, 10.0, hurry=False) == StopTimes(22.0, 22.0 + FAREWELL_S)


@pytest.fixture
def cluster_config(tmp_path: Path) -> NodeConfig:
    database = DatabaseConfig(url="none")
    config = NodeConfig(
        node_id="node1", version="7.3.0", database=database, shared_home=tmp_path, local_home=tmp_path
    )
    return config.model_copy(update={"stop_duration": 12.0, "stop_deadline": 10.0})


async def ready_to_finalise(cluster: RuntimeCluster) -> None:
    """Two nodes of the new release, waiting for the approval."""
    node1 = await cluster.start("node1")
    await cluster.start("node2")
    await node1.act(UpgradeAction.START, "admin")
    for node_id in ("node1", "node2"):
        await cluster.stop(node_id)
        await cluster.start(node_id, "7.3.2")
    await cluster.reaches("READY_TO_RUN_UPGRADE_TASKS")


async def state_of(cluster: RuntimeCluster, node_id: str) -> str | None:
    """The state in a node's row; None without one."""
    found = await cluster.member(node_id)
    return None if found is None else found.state.value
