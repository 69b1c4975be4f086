"""An application that knows nothing of zdu, two processes behind Apache: an upgrade that nobody notices."""

import sys
from pathlib import Path

import pytest

from zdu.pytest_plugin.sync import SyncCluster, SyncNode

GUESTS = str(Path(__file__).with_name("guests.py"))


@pytest.mark.zdu(
    nodes=2,
    version="1.0",
    lb="apache",
    node_command=[sys.executable, GUESTS, "{port}", "{node}", "{version}"],
    health="/health",
    users=12,
    settings={
        "node.page.text": "Welcome",
        "node.page.node_header": "X-Served-By",
        "load.think_time": {"min": "50ms", "max": "150ms"},
    },
)
def test_nobody_notices_the_upgrade_of_the_guest_book(zdu_cluster_sync: SyncCluster) -> None:
    cluster = zdu_cluster_sync
    down: list[str] = []

    def other_serves(node: SyncNode) -> None:
        """Called while a node is stopped."""
        down.append(node.name)
        serving = [other.name for other in cluster.state().nodes.values() if other.serving]
        assert serving
        assert node.name not in serving
        before = cluster.state().requests
        cluster.wait_until(lambda now: now.requests > before + 200, within=60, what="that people met that")

    cluster.rolling_upgrade(to="1.1", with_node_down=other_serves)

    assert down == ["node1", "node2"]
    cluster.verdict.assert_no_downtime()
