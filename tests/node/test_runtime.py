"""The cluster side of several nodes in one process, on a real database."""

import asyncio

import pytest

from node.finalise import TASKS_LOCK
from node.runtime import NodeRuntime
from node.services import ApplicationState, NotAllowed, UpgradeAction
from node.startup import NodeRefused
from shared_db import NewUpgradeState
from tests.support.runtimes import INTERVALS, RuntimeCluster
from tests.support.waiting import eventually, turns, until

START, CANCEL, APPROVE, RETRY = UpgradeAction


async def roll(cluster: RuntimeCluster, node_id: str, version: str = "7.3.2", **options: object) -> None:
    await cluster.stop(node_id)
    await cluster.start(node_id, version, **options)


async def test_two_nodes_make_a_stable_cluster(cluster: RuntimeCluster) -> None:
    node1 = await cluster.start("node1")
    await cluster.start("node2")

    seen = [(m.node_id, m.state, m.alive, m.version, m.build_number) for m in await node1.members()]
    view = await node1.upgrade_view()

    assert seen == [("node1", "ACTIVE", True, "7.3.0", 73011), ("node2", "ACTIVE", True, "7.3.0", 73011)]
    assert (view.state, view.version, view.build_number, view.allowed) == ("STABLE", "7.3.0", 73011, (START,))


async def test_each_node_learns_the_others_figures_from_their_heartbeats(cluster: RuntimeCluster) -> None:
    node1 = await cluster.start("node1")
    await cluster.start("node2")

    async def told() -> dict[str, str]:
        return {name: seen.application_state for name, seen in (await node1.figures()).items()}

    await eventually(told, {"node1": "RUNNING", "node2": "RUNNING"})
    figures = await node1.figures()

    for seen in figures.values():
        assert seen.memory_bytes > 10 * 1024**2
        assert seen.load >= 0
        assert seen.uptime_s >= 0


async def test_what_is_refused_is_logged_with_who_wanted_it_and_why(cluster: RuntimeCluster) -> None:
    node1 = await cluster.start("node1")
    with pytest.raises(NotAllowed):
        await node1.act(APPROVE, "admin")
    with pytest.raises(NotAllowed):
        await node1.set_node_upgrade_mode(enabled=True, actor="admin")

    warnings = [line for line in cluster.nodes["node1"].log.splitlines() if " WARN " in line]

    assert "ClusterUpgradeStateManager] Refused: approve by admin. Upgrade tasks can only be run in" in warnings[0]
    assert "NodeUpgradeMode] Refused: on by admin. " in warnings[1]


async def test_a_node_that_says_running_can_be_asked_at_once(cluster: RuntimeCluster) -> None:
    """Asked in the very step of the event loop in which it says so, not a step later."""
    living = cluster.begin("node1")
    while living.runtime.application_state is ApplicationState.STARTING:
        await turns()
    await living.runtime.act(START, "admin")
    with pytest.raises(NotAllowed):
        await living.runtime.act(APPROVE, "admin")
    assert living.runtime._owner is not None


async def test_nodes_that_start_together_all_join(cluster: RuntimeCluster) -> None:
    await asyncio.gather(*(cluster.start(f"node{number}") for number in range(1, 5)))

    members = await cluster.database.nodes.members(INTERVALS.dead_after)
    assert [m.node_id for m in members if m.alive] == ["node1", "node2", "node3", "node4"]


async def test_an_upgrade_by_atlassians_rule_goes_through_every_state(cluster: RuntimeCluster) -> None:
    node1 = await cluster.start("node1")
    node2 = await cluster.start("node2")
    await node1.act(START, "admin")
    assert (await node2.upgrade_view()).state == "READY_TO_UPGRADE"

    await cluster.stop("node1")
    await eventually(lambda: offline(cluster, "node1"), True)
    assert await cluster.state() == "READY_TO_UPGRADE"
    await cluster.start("node1", "7.3.2")
    assert await cluster.state() == "MIXED"
    mixed = await node2.upgrade_view()
    assert (mixed.version, mixed.build_number, mixed.allowed) == ("7.3.0", 73011, ())

    await cluster.stop("node2")
    await cluster.reaches("READY_TO_RUN_UPGRADE_TASKS")
    node2 = await cluster.start("node2", "7.3.2")
    await node2.act(APPROVE, "admin")
    await cluster.reaches("STABLE")

    assert await cluster.states() == [
        "READY_TO_UPGRADE",
        "MIXED",
        "READY_TO_RUN_UPGRADE_TASKS",
        "RUNNING_UPGRADE_TASKS",
        "STABLE",
    ]
    history = await cluster.database.upgrade_state.history()
    assert [row.build_number for row in history] == [73011, 73011, 73011, 73011, 73013]
    assert await cluster.database.properties.get("jira.version.patched") == "73013"
    assert {
        "73013-add-jiraissue-summary-lower",
        "73013-fill-jiraissue-summary-lower",
    } <= await cluster.database.schema.applied()


async def test_by_the_blogs_rule_a_removed_node_makes_the_cluster_mixed(blog_cluster: RuntimeCluster) -> None:
    node1 = await blog_cluster.start("node1")
    node2 = await blog_cluster.start("node2")
    await node1.act(START, "admin")

    await blog_cluster.stop("node1")
    await blog_cluster.reaches("MIXED")
    assert (await node2.upgrade_view()).state == "MIXED"
    await blog_cluster.start("node1", "7.3.2")
    await blog_cluster.stop("node2")
    await blog_cluster.start("node2", "7.3.2")
    await blog_cluster.reaches("READY_TO_RUN_UPGRADE_TASKS")

    assert await blog_cluster.states() == ["READY_TO_UPGRADE", "MIXED", "READY_TO_RUN_UPGRADE_TASKS"]


async def test_by_the_blogs_rule_a_node_that_returns_unchanged_allows_cancelling(
    blog_cluster: RuntimeCluster,
) -> None:
    await blog_cluster.start("node1")
    node2 = await blog_cluster.start("node2")
    await node2.act(START, "admin")
    await roll(blog_cluster, "node1", "7.3.0")
    await blog_cluster.reaches("READY_TO_UPGRADE")

    await node2.act(CANCEL, "admin")

    assert await blog_cluster.states() == ["READY_TO_UPGRADE", "MIXED", "READY_TO_UPGRADE", "STABLE"]


async def test_a_one_node_cluster_is_mixed_for_a_moment_only(cluster: RuntimeCluster) -> None:
    node1 = await cluster.start("node1")
    await node1.act(START, "admin")
    await roll(cluster, "node1")

    assert await cluster.states() == ["READY_TO_UPGRADE", "MIXED", "READY_TO_RUN_UPGRADE_TASKS"]


@pytest.mark.parametrize("action", [CANCEL, APPROVE, RETRY])
async def test_what_does_not_fit_a_stable_cluster_is_refused(cluster: RuntimeCluster, action: UpgradeAction) -> None:
    node1 = await cluster.start("node1")

    with pytest.raises(NotAllowed) as refused:
        await node1.act(action, "admin")

    assert (refused.value.state, refused.value.allowed) == ("STABLE", (START,))
    assert await cluster.states() == []


async def test_of_two_nodes_that_start_the_upgrade_at_once_one_is_refused(cluster: RuntimeCluster) -> None:
    node1, node2 = await cluster.start("node1"), await cluster.start("node2")

    outcomes = await asyncio.gather(node1.act(START, "a"), node2.act(START, "b"), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "NotAllowed"]
    assert await cluster.states() == ["READY_TO_UPGRADE"]


async def test_of_two_nodes_that_approve_at_once_one_is_refused_and_the_tasks_run_once(
    cluster: RuntimeCluster,
) -> None:
    node1, node2 = await ready_to_finalise(cluster)

    outcomes = await asyncio.gather(node1.act(APPROVE, "a"), node2.act(APPROVE, "b"), return_exceptions=True)
    await cluster.reaches("STABLE")

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "NotAllowed"]
    assert (await cluster.states()).count("RUNNING_UPGRADE_TASKS") == 1


async def test_a_killed_node_stays_active_and_is_no_longer_alive(cluster: RuntimeCluster) -> None:
    await cluster.start("node1")
    node2 = await cluster.start("node2")
    await cluster.kill("node1")

    async def seen() -> tuple[str, bool]:
        return next((m.state, m.alive) for m in await node2.members() if m.node_id == "node1")

    assert await seen() == ("ACTIVE", True)
    await eventually(seen, ("ACTIVE", False))


async def test_when_the_node_that_runs_the_tasks_is_gone_the_others_record_a_failure(cluster: RuntimeCluster) -> None:
    _, node2 = await ready_to_finalise(cluster)
    locked = await cluster.database.locks.acquire(TASKS_LOCK, "node9", 0.8)
    assert locked

    with pytest.raises(NotAllowed):
        await node2.act(APPROVE, "admin")
    row = (await cluster.database.upgrade_state.history())[-1]
    await cluster.database.upgrade_state.change(
        lambda _: NewUpgradeState("RUNNING_UPGRADE_TASKS", row.build_number, row.version), INTERVALS.dead_after
    )

    await cluster.reaches("UPGRADE_TASKS_FAILED")


async def test_whoever_approves_before_the_lock_of_the_last_attempt_is_given_back_is_served(
    cluster: RuntimeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, node2 = await ready_to_finalise(cluster)
    refusals: list[str] = []
    own = cluster.nodes["node2"].databases[0].locks
    acquire = own.acquire

    async def given_back_after_a_refusal(name: str, node_id: str, expiry_s: float) -> bool:
        if not refusals:
            assert await cluster.database.locks.acquire(name, "node9", expiry_s)
        got = await acquire(name, node_id, expiry_s)
        if not got:
            refusals.append(name)
            await cluster.database.locks.release(name, "node9")
        return got

    monkeypatch.setattr("node.finalise._LETTING_GO_S", 0.0)  # the database takes longer than that
    monkeypatch.setattr(own, "acquire", given_back_after_a_refusal)
    await node2.act(APPROVE, "admin")

    assert refusals == [TASKS_LOCK]
    await cluster.reaches("STABLE")


async def test_an_upgrade_cancelled_while_a_node_was_starting_keeps_that_node_out(cluster: RuntimeCluster) -> None:
    await cluster.start("node1")
    node2 = await cluster.start("node2")
    await node2.act(START, "admin")
    await cluster.stop("node1")
    late = cluster.begin("node1", "7.3.2", start_duration=2.0)
    await until(lambda: "Expanded the schema" in late.log, "the schema is expanded")

    await node2.act(CANCEL, "admin")

    with pytest.raises(NodeRefused):
        await asyncio.wait_for(late.task, 10)
    assert (await cluster.state(), await offline(cluster, "node1")) == ("STABLE", True)


async def test_a_stop_while_starting_is_heeded_at_once(cluster: RuntimeCluster) -> None:
    late = cluster.begin("node1", start_duration=60.0)
    await until(lambda: "needs no expansion" in late.log, "the schema was looked at")

    await cluster.stop("node1")

    assert late.runtime.application_state is ApplicationState.STOPPING
    assert await cluster.member("node1") is None


async def test_the_node_on_which_the_upgrade_was_started_asks_to_be_drained(cluster: RuntimeCluster) -> None:
    node1, node2 = await cluster.start("node1"), await cluster.start("node2")

    await node1.act(START, "admin")

    assert node1.application_state is ApplicationState.DRAINING
    assert node1.node_mode().enabled
    assert node2.application_state is ApplicationState.RUNNING


async def test_cancelling_on_another_node_ends_the_drain_here(cluster: RuntimeCluster) -> None:
    node1, node2 = await cluster.start("node1"), await cluster.start("node2")
    await node1.act(START, "admin")

    await node2.act(CANCEL, "admin")

    await until(lambda: node1.application_state is ApplicationState.RUNNING, "node1 serves again")


async def test_node_upgrade_mode_can_be_switched_on_and_off_during_an_upgrade(cluster: RuntimeCluster) -> None:
    node1, node2 = await cluster.start("node1"), await cluster.start("node2")
    with pytest.raises(NotAllowed, match="only during an upgrade"):
        await node2.set_node_upgrade_mode(enabled=True, actor="admin")
    await node1.act(START, "admin")

    await node2.set_node_upgrade_mode(enabled=True, actor="admin")
    await node2.set_node_upgrade_mode(enabled=True, actor="admin")
    assert node2.application_state is ApplicationState.DRAINING
    await node2.set_node_upgrade_mode(enabled=False, actor="admin")
    assert node2.application_state is ApplicationState.RUNNING


async def test_plain_jira_has_no_node_upgrade_mode(cluster: RuntimeCluster) -> None:
    node1 = await cluster.start("node1", node_upgrade_mode=False)
    await node1.act(START, "admin")

    with pytest.raises(NotAllowed, match="no node-level upgrade mode"):
        await node1.set_node_upgrade_mode(enabled=True, actor="admin")

    assert node1.application_state is ApplicationState.RUNNING
    assert not node1.node_mode().available


async def test_the_log_tells_the_upgrade_with_versions_and_builds(cluster: RuntimeCluster) -> None:
    node1 = await cluster.start("node1")
    await cluster.start("node2")
    await node1.act(START, "admin")
    await roll(cluster, "node1")

    log = cluster.nodes["node1"].log
    assert "Upgrading node node1 from 7.3.0 (build 73011) to 7.3.2 (build 73013)" in log
    assert "Expanded the schema: 73013-add-jiraissue-summary-lower" in log
    await cluster.reaches("MIXED")  # written, and logged, by whichever node saw it first
    logs = cluster.nodes
    await until(lambda: "upgrade state changed to MIXED" in logs["node1"].log + logs["node2"].log, "the log tells it")
    assert (cluster.folder / "shared/bundled/7.3.0-73011").is_dir()
    assert (cluster.folder / "shared/bundled/7.3.2-73013").is_dir()


async def ready_to_finalise(cluster: RuntimeCluster) -> tuple[NodeRuntime, NodeRuntime]:
    node1 = await cluster.start("node1")
    await cluster.start("node2")
    await node1.act(START, "admin")
    await roll(cluster, "node1")
    await roll(cluster, "node2")
    await cluster.reaches("READY_TO_RUN_UPGRADE_TASKS")
    return cluster.nodes["node1"].runtime, cluster.nodes["node2"].runtime


async def offline(cluster: RuntimeCluster, node_id: str) -> bool:
    found = await cluster.member(node_id)
    return found is not None and found.state == "OFFLINE"


async def alive(cluster: RuntimeCluster, node_id: str) -> bool:
    found = await cluster.member(node_id)
    return found is not None and found.alive


async def test_upgrading_the_data_at_start_leaves_no_lock_behind(cluster: RuntimeCluster) -> None:
    await cluster.start("node1", "7.3.2")

    assert await cluster.database.properties.get("jira.version.patched") == "73013"
    assert await cluster.database.locks.holder(TASKS_LOCK) is None


async def test_a_node_that_stops_in_the_middle_of_the_tasks_records_a_failure(
    cluster: RuntimeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    node1, _ = await ready_to_finalise(cluster)
    begun = asyncio.Event()

    async def endless(name: str) -> bool:
        begun.set()
        return await asyncio.Event().wait()

    own = cluster.nodes["node1"].databases[0]
    monkeypatch.setattr(own.schema, "run_task", endless)
    await node1.act(APPROVE, "admin")
    await begun.wait()
    node1.stop_wish.make("test", hurry=True)
    await cluster.stop("node1")

    assert (await cluster.states())[-2:] == ["RUNNING_UPGRADE_TASKS", "UPGRADE_TASKS_FAILED"]
    assert "cut off" in cluster.nodes["node1"].log
