"""Indexes of several nodes: what one has changed the others find, a look later; and what a restart makes of it.

F11 and F12 are the numbers of the reference's failure scenarios: a node says RUNNING with a stale index; another node
is asked for an index and never answers.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from node.index_copy import KEPT, REQUESTED, snapshots_folder
from node.index_snapshot import snapshot_path
from node.releases import find_release
from node.runtime import NodeRuntime
from node.search_index import Query
from node.services import ApplicationState
from shared_db import Database
from tests.support.databases import DatabaseTarget
from tests.support.runtimes import INTERVALS, RuntimeCluster, runtime_cluster
from tests.support.waiting import eventually, until

HOUR_S = 3600.0
NEVER = INTERVALS.model_copy(update={"index_replay": HOUR_S})
# On a busy machine, too, the others count as alive.
LIVELY = INTERVALS.model_copy(update={"dead_after": HOUR_S})
SINCE_9_1 = replace(find_release("7.3.0"), version="9.1.0")


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

        again = await cluster.start("node1", release=SINCE_9_1, intervals=NEVER)

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


async def _node2_is_away_for_too_long(cluster: RuntimeCluster) -> None:
    """Its index is on its disk, the journal since then is gone, and node1 runs."""
    await cluster.start("node1")
    await cluster.start("node2")
    issues = _of(cluster, "node1").issues
    await issues.edit("ZDU-1", "user1", summary="Before its absence")
    await _finds(cluster.nodes["node2"].runtime, "before its absence", ["ZDU-1"])
    await cluster.stop("node2")
    await issues.edit("ZDU-1", "user1", summary="During its absence")
    await _finds(cluster.nodes["node1"].runtime, "during its absence", ["ZDU-1"])
    await cluster.database.index_journal.purge(-60.0)
    await eventually(lambda: _told(cluster, "node1"), "RUNNING")


async def _told(cluster: RuntimeCluster, node_id: str) -> str:
    told = (await cluster.database.nodes.figures()).get(node_id)
    return told.application_state if told else "nothing yet"


def _nobody_can_answer(cluster: RuntimeCluster) -> Callable[[], None]:
    """Whoever takes the request on cannot write the index. Returns what mends that."""
    folder = snapshots_folder(cluster.folder / "shared")
    folder.parent.mkdir()
    folder.write_text("not a folder")
    return folder.unlink


async def test_an_index_that_is_too_old_to_catch_up_is_given_by_one_other_node(
    database_target: DatabaseTarget, tmp_path: Path
) -> None:
    async with runtime_cluster(database_target, tmp_path, intervals=LIVELY) as cluster:
        await _node2_is_away_for_too_long(cluster)
        await cluster.start("node3")
        await eventually(lambda: _told(cluster, "node3"), "RUNNING")

        again = await cluster.start("node2")

        await _finds(again, "during its absence", ["ZDU-1"])
        asked = "Current node: node2 index can't be rebuilt. Requesting an index from any other node."
        assert f"{asked} Current list of other nodes: [node1, node3]" in cluster.nodes["node2"].log
        gave = ["Index for node node2: 3 issues" in cluster.nodes[node_id].log for node_id in ("node1", "node3")]
        assert sorted(gave) == [False, True], "one node does it"
        await _of(cluster, "node1").issues.edit("ZDU-2", "user1", summary="Fresh news")
        await _of(cluster, "node2").issues.edit("ZDU-3", "user1", summary="Fresh news")
        await _finds(again, "fresh news", ["ZDU-3", "ZDU-2"])


async def test_f12_before_9_1_a_request_that_is_never_answered_pauses_the_index_service_for_ever(
    database_target: DatabaseTarget, tmp_path: Path
) -> None:
    async with runtime_cluster(database_target, tmp_path, intervals=LIVELY) as cluster:
        await _node2_is_away_for_too_long(cluster)
        mend = _nobody_can_answer(cluster)

        again = await cluster.start("node2")

        assert again.application_state is ApplicationState.RUNNING
        await until(lambda: "The index for node node2 could not be written" in cluster.nodes["node1"].log, "a claim")
        mend()
        await _of(cluster, "node1").issues.edit("ZDU-2", "user1", summary="Written later")
        await _finds(cluster.nodes["node1"].runtime, "written later", ["ZDU-2"])
        assert await again._member.index.replay() == 0
        assert (_found(again, "before its absence"), _found(again, "during its absence")) == (["ZDU-1"], []), (
            "old search results"
        )
        assert _found(again, "written later") == [], "and no new ones"
        assert "The index service is paused" in cluster.nodes["node2"].log

        await again.reindex("admin")

        await _finds(again, "during its absence", ["ZDU-1"])
        await _finds(again, "written later", ["ZDU-2"])


async def test_f12_before_9_1_a_restart_asks_again(database_target: DatabaseTarget, tmp_path: Path) -> None:
    async with runtime_cluster(database_target, tmp_path, intervals=LIVELY) as cluster:
        await _node2_is_away_for_too_long(cluster)
        mend = _nobody_can_answer(cluster)
        await cluster.start("node2")
        await until(lambda: "The index for node node2 could not be written" in cluster.nodes["node1"].log, "a claim")
        await cluster.stop("node2")
        mend()

        again = await cluster.start("node2")

        await _finds(again, "during its absence", ["ZDU-1"])


async def test_f12_from_9_1_on_a_node_whose_request_is_never_answered_builds_its_index_and_only_then_is_running(
    database_target: DatabaseTarget, tmp_path: Path
) -> None:
    async with runtime_cluster(database_target, tmp_path, intervals=LIVELY) as cluster:
        await _node2_is_away_for_too_long(cluster)
        _nobody_can_answer(cluster)

        again = await cluster.start("node2", release=SINCE_9_1)

        assert _found(again, "during its absence") == ["ZDU-1"]
        assert "No other node has sent an index within 0.5 s: building it" in cluster.nodes["node2"].log


async def test_from_9_1_on_a_node_is_running_once_it_has_been_given_an_index(
    database_target: DatabaseTarget, tmp_path: Path
) -> None:
    patient = LIVELY.model_copy(update={"index_snapshot_wait": HOUR_S})
    async with runtime_cluster(database_target, tmp_path, intervals=LIVELY) as cluster:
        await _node2_is_away_for_too_long(cluster)

        again = await cluster.start("node2", release=SINCE_9_1, intervals=patient)

        assert _found(again, "during its absence") == ["ZDU-1"]
        assert "Index of node node1 taken: 3 issues" in cluster.nodes["node2"].log


async def test_an_index_that_another_node_has_spoiled_is_not_taken(
    database_target: DatabaseTarget, tmp_path: Path
) -> None:
    async with runtime_cluster(database_target, tmp_path, intervals=LIVELY) as cluster:
        await _node2_is_away_for_too_long(cluster)
        _nobody_can_answer(cluster)
        again = await cluster.start("node2")

        await _of(cluster, "node1").messages.tell("index-snapshot-written ../../etc/passwd", to="node2")

        await until(lambda: "written cannot be read" in cluster.nodes["node2"].log, "a warning")
        assert _found(again, "before its absence") == ["ZDU-1"]


async def test_few_snapshots_are_left_in_the_shared_home(database_target: DatabaseTarget, tmp_path: Path) -> None:
    async with runtime_cluster(database_target, tmp_path) as cluster:
        await cluster.start("node1")
        async with await database_target.open(node_id="node2") as other:
            for _ in range(KEPT + 2):
                await other.messages.ask_any(REQUESTED)
        written: list[str] = []

        def all_are_told() -> bool:
            written[:] = re.findall(r"Index for node node2: 3 issues in (\S+)", cluster.nodes["node1"].log)
            return len(written) == KEPT + 2

        await until(all_are_told, "all requests are answered")
        assert {path.name for path in snapshots_folder(tmp_path / "shared").iterdir()} == set(written[-KEPT:])


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
