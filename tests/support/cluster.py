"""Clusters as decisions see them: snapshots made of short words."""

from node.upgrade_state import UpgradeState
from shared_db.rows import ClusterNode, ClusterSnapshot, NodeState, UpgradeStateRow

BASE = (73011, "7.3.0")
TARGET = (73013, "7.3.2")
THIRD = (73012, "7.3.1")
BEGAN_MS = 1_000_000
"""When upgrade mode began in these snapshots, by the database's clock."""


def member(
    node_id: str, release: tuple[int, str] = BASE, *, offline_since_ms: int | None = None, alive: bool = True
) -> ClusterNode:
    """A node; ``offline_since_ms`` makes it OFFLINE since then, ``alive=False`` a killed one."""
    offline = offline_since_ms is not None
    return ClusterNode(
        node_id=node_id,
        state=NodeState.OFFLINE if offline else NodeState.ACTIVE,
        timestamp_ms=offline_since_ms if offline_since_ms is not None else BEGAN_MS - 60_000,
        ip="127.0.0.1",
        cache_listener_port=40001,
        build_number=release[0],
        version=release[1],
        heartbeat_age_s=0.5,
        alive=alive and not offline,
    )


def row(state: UpgradeState, release: tuple[int, str] = BASE, order: int = 1) -> UpgradeStateRow:
    """A row of ``clusterupgradestate``."""
    return UpgradeStateRow(order, BEGAN_MS, release[0], release[1], state, order)


def snapshot(state: UpgradeState | None, *members: ClusterNode, release: tuple[int, str] = BASE) -> ClusterSnapshot:
    """The cluster in ``state`` (None: no row yet) with these members."""
    current = None if state is None else row(state, release)
    return ClusterSnapshot(current, members, BEGAN_MS + 60_000)
