"""Indexes of several nodes: what one has changed the others find, a look later; and what a restart makes of it.

F11 is the number of the reference's failure scenario: a node says RUNNING with a stale index.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from node.index_snapshot import snapshot_path
from node.releases import find_release
from node.runtime import NodeRuntime
from node.search_index import Query
from node.services import ApplicationState
from shared_db import Database
from tests.support.databases import DatabaseTarget
from tests.support.runtimes import INTERVALS, RuntimeCluster, eventually, runtime_cluster

HOUR_S = 3600.0
NEVER = INTERVALS.model_copy(update={"index_replay": HOUR_S})


def _of(cluster: RuntimeCluster, node_id: str) -> Database:
    return cluster.nodes[node_id].databases[-1]


def _found(runtime: NodeRuntime, text: str) -> list[str]:
    return [issue.key for issue in runtime.local.index.search(Query(text), 0, 10)[0]]


async def _finds(runtime: NodeRuntime, text: str, keys: list[str]) -> None:
    async def found() -> list[str]:
        return _found(runtime, text)

    await eventually(found, keys)


async def test_what_one_node_writes_the_others_find(database_target: DatabaseTarget, tmp_path: Path) -> None:
    async with runtime_cluster(database_target, tmp_path) as cluster:
        one, two = await cluster.start("node1"), await cluster.start("node2")
        assert len(_found(two, "")) == 3, "an index is built when there is none"

        await _of(cluster, "node1").issues.create("ZDU", "A new thing", "", "user1")
        await _of(cluster, "node2").issues.edit("ZDU-1", "user1", summary="An old thing")

        for runtime in (one, two):
            await _finds(runtime, "new thing", ["ZDU-4"])
            await _finds(runtime, "old thing", ["ZDU-1"])
        newest = await cluster.database.index_journal.newest_by_node()
        await eventually(lambda: cluster.database.index_journal.counters("node1"), newest)


async def test_f11_a_node_before_9_1_is_running_with_the_index_it_left_on_its_disk_and_catches_up_later(
    database_target: DatabaseTarget, tmp_path: Path
) -> None:
    async with runtime_cluster(database_target, tmp_path) as cluster:
        await cluster.start("node1")
        await cluster.start("node2")
        issues = _of(cluster, "node1").issues
        await issues.edit("ZDU-1", "user1", summary="Before the restart")
        await _finds(cluster.nodes["node2"].runtime, "before the restart", ["ZDU-1"])
        await cluster.stop("node2")
        await issues.edit("ZDU-1", "user1", summary="After the restart")

        again = await cluster.start("node2", intervals=NEVER)

        assert again.application_state is ApplicationState.RUNNING
        assert _found(again, "before the restart") == ["ZDU-1"], "an old search result"
        assert _found(again, "after the restart") == []
        assert await again._member.index.replay() == 1
        assert _found(again, "after the restart") == ["ZDU-1"]


async def test_f11_a_node_from_9_1_on_catches_up_before_it_is_running(
    database_target: DatabaseTarget, tmp_path: Path
) -> None:
    async with runtime_cluster(database_target, tmp_path) as cluster:
        await cluster.start("node1")
        await _of(cluster, "node1").issues.edit("ZDU-1", "user1", summary="Something")
        await cluster.stop("node1")
        async with await database_target.open(node_id="node2") as other:
            await other.issues.edit("ZDU-1", "user1", summary="After the restart")
        modern = replace(find_release("7.3.0"), version="9.1.0")

        again = await cluster.start("node1", release=modern, intervals=NEVER)

        assert _found(again, "after the restart") == ["ZDU-1"]


async def test_an_index_that_is_too_old_to_catch_up_is_built_anew(
    database_target: DatabaseTarget, tmp_path: Path
) -> None:
    async with runtime_cluster(database_target, tmp_path) as cluster:
        await cluster.start("node1")
        await _of(cluster, "node1").issues.edit("ZDU-1", "user1", summary="First")
        await _finds(cluster.nodes["node1"].runtime, "first", ["ZDU-1"])
        await cluster.stop("node1")
        assert snapshot_path(tmp_path / "node1").exists()
        async with await database_target.open(node_id="node2") as other:
            await other.issues.edit("ZDU-1", "user1", summary="Second")
            await other.index_journal.purge(-60.0)

        again = await cluster.start("node1", intervals=NEVER)

        assert _found(again, "second") == ["ZDU-1"]
        assert "Local index built: 3 issues" in cluster.nodes["node1"].log


async def test_a_killed_node_leaves_no_index_and_builds_one(database_target: DatabaseTarget, tmp_path: Path) -> None:
    async with runtime_cluster(database_target, tmp_path) as cluster:
        await cluster.start("node1")
        await cluster.kill("node1")
        assert not snapshot_path(tmp_path / "node1").exists()

        again = await cluster.start("node1", intervals=NEVER)

        assert len(_found(again, "")) == 3


async def test_nodes_hear_what_others_say_and_not_themselves(
    database_target: DatabaseTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with runtime_cluster(database_target, tmp_path) as cluster:
        one, two = await cluster.start("node1"), await cluster.start("node2")
        killed: dict[str, list[str]] = {"node1": [], "node2": []}
        one.local.kill_sessions, two.local.kill_sessions = killed["node1"].append, killed["node2"].append

        await _of(cluster, "node1").users.forget_sessions("user1", "sessions abc")
        await _of(cluster, "node2").messages.tell("sessions def")

        async def heard() -> dict[str, list[str]]:
            return killed

        await eventually(heard, {"node1": ["def"], "node2": ["abc"]})
        assert "Node node1 says: sessions abc" in cluster.nodes["node2"].log
