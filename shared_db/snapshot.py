"""The cluster as one transaction sees it: the upgrade state and the members, for gateways that decide on both."""

from collections.abc import Sequence

from sqlalchemy import Select, select, true
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from shared_db.database_time import DatabaseTimeMs
from shared_db.rows import ClusterNode, ClusterSnapshot, NodeState, UpgradeStateRow
from shared_db.tables import clusternode, clusternodeheartbeat, clusterupgradestate


async def read_snapshot(connection: AsyncConnection, dead_after_s: float) -> ClusterSnapshot:
    """The cluster now, inside a transaction that is already open."""
    newest = select(clusterupgradestate).order_by(clusterupgradestate.c.order_number.desc()).limit(1).subquery()
    now = select(DatabaseTimeMs().label("now_ms")).subquery()
    row = (await connection.execute(select(now, newest).select_from(now.outerjoin(newest, true())))).mappings().one()
    return ClusterSnapshot(
        current=None if row["id"] is None else upgrade_state_of(row),
        members=tuple(await read_members(connection, dead_after_s)),
        database_time_ms=int(row["now_ms"]),
    )


async def read_current(connection: AsyncConnection) -> UpgradeStateRow | None:
    """The row with the highest ``order_number``; None before the first."""
    newest = select(clusterupgradestate).order_by(clusterupgradestate.c.order_number.desc()).limit(1)
    row = (await connection.execute(newest)).mappings().first()
    return None if row is None else upgrade_state_of(row)


def upgrade_state_of(row: RowMapping) -> UpgradeStateRow:
    """One row of ``clusterupgradestate`` as a value."""
    return UpgradeStateRow(
        id=row["id"],
        database_time_ms=row["database_time"],
        build_number=row["cluster_build_number"],
        version=row["cluster_version"],
        state=row["state"],
        order_number=row["order_number"],
    )


async def read_members(connection: AsyncConnection, dead_after_s: float) -> list[ClusterNode]:
    """All nodes, by id, inside a transaction that is already open."""
    rows = await connection.execute(select_members().order_by(clusternode.c.node_id))
    return nodes_of(rows.mappings().all(), dead_after_s)


def select_members() -> Select[tuple[object, ...]]:
    """All nodes with the age of their heartbeat, unordered."""
    beat = clusternodeheartbeat.c
    age_ms = DatabaseTimeMs() - beat.database_time
    return select(*clusternode.c, age_ms.label("age_ms")).select_from(
        clusternode.outerjoin(clusternodeheartbeat, beat.node_id == clusternode.c.node_id)
    )


def nodes_of(rows: Sequence[RowMapping], dead_after_s: float) -> list[ClusterNode]:
    """The rows of :func:`select_members` as values."""
    return [_node(row, dead_after_s) for row in rows]


def _node(row: RowMapping, dead_after_s: float) -> ClusterNode:
    state = NodeState(row["node_state"])
    # Never below zero, though the machine's clock may have been set back meanwhile.
    age_s = None if row["age_ms"] is None else max(0, row["age_ms"]) / 1000
    return ClusterNode(
        node_id=row["node_id"],
        state=state,
        timestamp_ms=row["timestamp"],
        ip=row["ip"],
        cache_listener_port=row["cache_listener_port"],
        build_number=row["node_build_number"],
        version=row["node_version"],
        heartbeat_age_s=age_s,
        alive=state is not NodeState.OFFLINE and age_s is not None and age_s <= dead_after_s,
    )
