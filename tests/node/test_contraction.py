"""Contract steps: after the STABLE row, once, by whichever node looks first, and never while there is a way back."""

import pytest

from node.releases import find_release
from node.services import UpgradeAction
from tests.support.runtimes import INTERVALS, RuntimeCluster
from tests.support.waiting import eventually

NEW = find_release("7.3.2")


@pytest.fixture(autouse=True)
def _nobody_counts_as_dead(cluster: RuntimeCluster) -> None:
    """A busy machine may hold up a heartbeat for longer than the other tests of a cluster allow."""
    cluster.options["intervals"] = INTERVALS.model_copy(update={"dead_after": 60.0})


async def contracted(cluster: RuntimeCluster) -> set[str]:
    return await cluster.database.schema.applied() & set(NEW.contract_steps)


async def times_told(cluster: RuntimeCluster) -> list[int]:
    """How often each contract step stands in the nodes' logs: a node tells of a step after it is applied."""
    log = "".join(node.log for node in cluster.nodes.values())
    return [log.count(f"Contracted the schema: {step}") for step in NEW.contract_steps]


async def roll(cluster: RuntimeCluster, version: str) -> None:
    for node_id in ("node1", "node2"):
        if node_id in cluster.nodes:
            await cluster.stop(node_id)
        await cluster.start(node_id, version)


async def test_the_schema_is_contracted_once_the_cluster_is_stable_and_not_before(cluster: RuntimeCluster) -> None:
    await roll(cluster, "7.3.0")
    await cluster.nodes["node1"].runtime.act(UpgradeAction.START, "admin")
    await roll(cluster, "7.3.2")
    await cluster.reaches("READY_TO_RUN_UPGRADE_TASKS")
    assert await contracted(cluster) == set()

    await cluster.nodes["node1"].runtime.act(UpgradeAction.APPROVE, "admin")
    await cluster.reaches("STABLE")

    await eventually(lambda: contracted(cluster), set(NEW.contract_steps))
    await eventually(lambda: times_told(cluster), [1, 1])


async def test_a_cancelled_upgrade_leaves_the_schema_expanded(cluster: RuntimeCluster) -> None:
    await roll(cluster, "7.3.0")
    await cluster.nodes["node1"].runtime.act(UpgradeAction.START, "admin")
    await roll(cluster, "7.3.2")
    await roll(cluster, "7.3.0")
    await cluster.reaches("READY_TO_UPGRADE")
    await cluster.nodes["node1"].runtime.act(UpgradeAction.CANCEL, "admin")
    await cluster.reaches("STABLE")

    await roll(cluster, "7.3.0")  # a start looks once before it serves

    assert await contracted(cluster) == set()
    assert await cluster.database.schema.applied() == set(NEW.expand_steps)
