"""Does the cluster survive the loss of a node, and is its upgrade unnoticed? A regression test for both."""

import pytest

from zdu.pytest_plugin.sync import SyncCluster, SyncNode

KEPT = (
    "no session was lost",
    "every acknowledged write is there exactly once",
    "every acknowledged write is readable through every node",
)


@pytest.mark.zdu(nodes=2, users=6)
def test_nobody_loses_anything_when_a_node_is_killed(zdu_cluster_sync: SyncCluster) -> None:
    cluster = zdu_cluster_sync
    node = cluster.node("node1")

    node.kill()
    cluster.wait_until(lambda now: not now.nodes["node1"].serving, within=30, what="that node1 is out")
    node.start()
    cluster.wait_until(lambda now: now.nodes["node1"].serving, within=30, what="that node1 is back")

    # Requests that were on the node when it died may have failed; what people were told must still be true.
    cluster.verdict.assert_holds(*KEPT)


@pytest.mark.zdu(nodes=2, users=6, version="7.3.0")
def test_an_upgrade_loses_nothing_and_stops_nobody(zdu_cluster_sync: SyncCluster) -> None:
    cluster = zdu_cluster_sync
    mixed: list[set[str]] = []

    def look(leaves_next: SyncNode) -> None:
        """Called while both versions serve."""
        assert leaves_next.state().version == "7.3.0"
        mixed.append({node.version for node in cluster.state().nodes.values()})

    cluster.rolling_upgrade(to="7.3.2", in_mixed_version=look)

    assert mixed == [{"7.3.0", "7.3.2"}]
    assert {node.version for node in cluster.state().nodes.values()} == {"7.3.2"}
    cluster.verdict.assert_no_downtime()
