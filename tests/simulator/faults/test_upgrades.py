"""Faults of an upgrade: what a node is started with, how its tasks fail, and where it dies."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from node.releases import Flaw, find_release
from shared_db import Database
from simulator.cluster import DatabaseTarget as Where
from simulator.faults.catalogue import FAULTS
from simulator.faults.db.client import DatabaseClient
from simulator.faults.fault import FaultFailed
from simulator.faults.reach import Reach
from simulator.picture import Picture
from simulator.record.recorder import Recorder
from tests.support.databases import DatabaseTarget
from zdu.clock import SystemClock


class Cluster:
    """What such a fault touches: who changes starts, the logs, and a process that can be killed and started."""

    def __init__(self, folder: Path, picture: Picture) -> None:
        self.scenario = SimpleNamespace(version_from="7.3.0")
        self.folder = SimpleNamespace(logs=folder)
        self.start_changes: list[Any] = []
        self._picture = picture

    def changes(self, node_id: str, version: str) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for change in self.start_changes:
            found |= change(node_id, version)
        return found

    async def kill_node(self, node_id: str) -> None:
        self._picture.process_exited(node_id, -9, expected=True)

    async def start_node(self, node_id: str, version: str) -> None:
        self._picture.process_started(node_id, pid=1, url="", version=version, log="")


@pytest.fixture
def reach(tmp_path: Path) -> Any:
    recorder = Recorder(tmp_path, SystemClock())
    picture = Picture(recorder, ("node1", "node2"))
    yield Reach(cast(Any, Cluster(tmp_path, picture)), picture)
    recorder.close()


def fault(name: str, **keys: object) -> Any:
    return FAULTS[name].model_validate({"name": name, **keys})


async def test_a_bad_version_gives_its_flaw_to_upgraded_nodes_only(reach: Any) -> None:
    hold = await fault("upgrade.bad_version", flaw="leaks-5xx").apply(reach)
    assert reach.cluster.changes("node1", "7.3.0") == {}
    assert await hold.fired() == 0
    assert reach.cluster.changes("node1", "7.3.2") == {"flaw": "leaks-5xx"}
    await hold.reset()
    assert reach.cluster.changes("node2", "7.3.2") == {}
    assert await hold.fired() == 1


def test_a_release_with_a_hidden_flaw_calls_itself_by_its_ordinary_number() -> None:
    bad = find_release("7.3.2", Flaw.BAD_RENAME)
    assert (bad.version, bad.build, bad.flaw) == ("7.3.2", find_release("7.3.2").build, "bad-rename")
    assert bad.expand_steps == find_release("7.3.2+bad-rename").expand_steps


@pytest.mark.parametrize(
    ("name", "given", "installed"),
    [
        ("upgrade.third_version", "", "7.3.3"),
        ("upgrade.third_version", "7.3.8", "7.3.8"),
        ("upgrade.major_jump", "", "8.0.3"),
    ],
)
async def test_a_wrong_version_is_installed_once_on_that_node(
    reach: Any, name: str, given: str, installed: str
) -> None:
    hold = await fault(name, node="node2", version=given).apply(reach)
    assert reach.cluster.changes("node1", "7.3.2") == {}
    assert reach.cluster.changes("node2", "7.3.0") == {}, "a restart is no upgrade"
    assert reach.cluster.changes("node2", "7.3.2") == {"version": installed}
    assert reach.cluster.changes("node2", "7.3.2") == {}, "the next attempt takes the right one"
    assert await hold.fired() == 1


async def test_a_wrong_version_that_nobody_knows_is_refused(reach: Any) -> None:
    with pytest.raises(FaultFailed, match=r"there is no version '7\.3\.99'"):
        await fault("upgrade.third_version", node="node2", version="7.3.99").apply(reach)


async def test_a_node_dies_once_in_the_middle_of_its_task_and_comes_back(reach: Any, tmp_path: Path) -> None:
    log = tmp_path / "node1.log"
    log.write_text("of an earlier life: Upgrade task x waits for something that never comes\n")
    node = reach.picture.nodes["node1"]
    await reach.cluster.start_node("node1", "7.3.0")
    hold = await fault("upgrade.dies_mid_migration", node="node1", away="1ms").apply(reach)
    assert reach.cluster.changes("node2", "7.3.2") == {}
    assert reach.cluster.changes("node1", "7.3.2") == {"flaw": "stuck-task"}
    assert await hold.fired() == 0
    with log.open("a") as more:
        more.write("Upgrade task y waits for something that never comes")
    assert await hold.fired() == 0, "the line is not whole yet"
    with log.open("a") as more:
        more.write("\n")
    assert (await hold.fired(), node.running) == (1, False)
    assert reach.cluster.changes("node1", "7.3.2") == {}, "the next life can do it"
    await hold.reset()
    assert (node.running, node.version) == (True, "7.3.0")


async def test_the_database_refuses_so_many_upgrade_tasks_and_then_takes_them(
    database: Database, database_target: DatabaseTarget
) -> None:
    where = Where(database_target.url, database_target.namespace)
    reach = cast(Reach, SimpleNamespace(cluster=SimpleNamespace(database=where)))
    await database.schema.expand(find_release("7.3.2").expand_steps)
    client = DatabaseClient(where)
    hold = await fault("upgrade.task_fails").apply(reach)
    task = find_release("7.3.2").upgrade_tasks[0]
    try:
        with pytest.raises(Exception, match="a fault of the rehearsal"):
            await database.schema.run_task(task)
        assert task not in await database.schema.applied()
        assert await hold.fired() == 0
        await client.run(
            "INSERT INTO clusterupgradestate (database_time, cluster_build_number, cluster_version, state, "
            "order_number) VALUES (1, 73013, '7.3.2', 'UPGRADE_TASKS_FAILED', 99)"
        )
        assert await hold.fired() == 1
        assert await database.schema.run_task(task), "once it has failed as often as was wished"
    finally:
        await client.close()
        await hold.reset()
    assert await hold.fired() == 1
    again = await fault("upgrade.task_fails").apply(reach)  # nothing of it was left behind
    await again.reset()


async def test_a_clock_is_ahead_at_starts_while_the_fault_is_on(reach: Reach) -> None:
    fault = FAULTS["clock.skew"].model_validate({"name": "clock.skew", "node": "node2", "ahead": "45s"})

    hold = await fault.apply(reach)
    assert cast(Any, reach.cluster).changes("node1", "7.3.0") == {}
    assert cast(Any, reach.cluster).changes("node2", "7.3.0") == {"clock_ahead": "45s"}
    assert await hold.fired() == 1

    await hold.reset()
    assert cast(Any, reach.cluster).changes("node2", "7.3.0") == {}
