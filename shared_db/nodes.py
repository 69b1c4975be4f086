"""``clusternode`` and ``clusternodeheartbeat``: who belongs to the cluster, and who is alive.

As in Jira a node that stops says OFFLINE itself and at once; one that is killed stays ACTIVE and merely stops being
alive when its heartbeat grows too old. Ages are measured by the database's clock alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared_db.database_time import DatabaseTimeMs
from shared_db.rows import ClusterNode, ClusterSnapshot, NodeFigures, NodeState, Retired
from shared_db.snapshot import nodes_of, read_members, read_snapshot, select_members
from shared_db.statements import insert_or
from shared_db.tables import clusternode, clusternodeheartbeat, clusterupgradestate, nodefigures
from shared_db.transactions import Transactions

DEAD_AFTER_S = 300.0
"""Jira's limit for a heartbeat (atlassian-beehive; ``alive`` in REST turns false after five minutes)."""


class NodesGateway:
    """The members of the cluster."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def join(
        self,
        node_id: str,
        ip: str,
        cache_listener_port: int,
        build_number: int,
        version: str,
        *,
        admit: Callable[[ClusterSnapshot], bool] | None = None,
        dead_after_s: float = DEAD_AFTER_S,
    ) -> None:
        """Write this node's row as ACTIVE, with its first heartbeat.

        ``admit`` sees the cluster as it is just before and keeps the node out by raising, which rolls back and
        reaches the caller. It runs in the same serialised transaction as changes of the upgrade state, so no such
        change can slip in between the check and the joining. If it returns True, this node goes on without the
        others: who is still ACTIVE, though not heard of for long, is set OFFLINE and shuts down should it wake up.
        """
        async with self._transactions.write(serialised_by=clusterupgradestate) as connection:
            if admit is not None and admit(await read_snapshot(connection, dead_after_s)):
                await connection.execute(
                    update(clusternode)
                    .where(clusternode.c.node_id != node_id, clusternode.c.node_state != NodeState.OFFLINE.value)
                    .values(node_state=NodeState.OFFLINE.value, timestamp=DatabaseTimeMs())
                )
            row = {
                "node_state": NodeState.ACTIVE.value,
                "timestamp": DatabaseTimeMs(),
                "ip": ip,
                "cache_listener_port": cache_listener_port,
                "node_build_number": build_number,
                "node_version": version,
            }
            await connection.execute(
                insert_or(connection, clusternode)
                .values(node_id=node_id, **row)
                .on_conflict_do_update(index_elements=["node_id"], set_=row)
            )
            beat = {"heartbeat_time": DatabaseTimeMs(), "database_time": DatabaseTimeMs()}
            await connection.execute(
                insert_or(connection, clusternodeheartbeat)
                .values(node_id=node_id, **beat)
                .on_conflict_do_update(index_elements=["node_id"], set_=beat)
            )

    async def heartbeat(self, node_id: str, node_time_ms: int | None = None) -> bool:
        """Say that the node lives, and learn whether the cluster counts it in.

        False, for a node that is OFFLINE or whose row was removed, means that somebody took this node out: it must
        stop (Jira's nodes shut themselves down). Such a node gets no heartbeat. ``node_time_ms`` is the node's own
        wall clock.
        """
        return await self._upsert_if_counted_in(
            clusternodeheartbeat,
            node_id,
            {
                "heartbeat_time": DatabaseTimeMs() if node_time_ms is None else literal(node_time_ms),
                "database_time": DatabaseTimeMs(),
            },
        )

    async def tell_figures(self, node_id: str, figures: NodeFigures) -> None:
        """Leave what a node tells of itself for the others; nothing happens if the cluster does not count it in."""
        await self._upsert_if_counted_in(
            nodefigures,
            node_id,
            {
                "application_state": literal(figures.application_state),
                "load_average": literal(figures.load),
                "memory_bytes": literal(figures.memory_bytes),
                "uptime_seconds": literal(figures.uptime_s),
            },
        )

    async def _upsert_if_counted_in(self, table: Table, node_id: str, values: dict[str, ColumnElement[Any]]) -> bool:
        """Write a node's row of ``table`` unless the node is OFFLINE or gone; whether it was written.

        In a single statement: each node does this all the time, and on SQLite the others wait meanwhile.
        """
        me = select(clusternode.c.node_id, *values.values()).where(
            clusternode.c.node_id == node_id, clusternode.c.node_state != NodeState.OFFLINE.value
        )
        async with self._transactions.write_once() as connection:
            upsert = insert_or(connection, table).from_select(["node_id", *values], me.with_for_update(read=True))
            written = await connection.execute(
                upsert.on_conflict_do_update(
                    index_elements=["node_id"], set_={name: upsert.excluded[name] for name in values}
                )
            )
            return written.rowcount > 0

    async def go_offline(self, node_id: str) -> None:
        """Mark a node OFFLINE, at once; nothing happens if it is already, or unknown.

        One after the other with :meth:`join`: a node that is stopped while its joining is being committed must not
        overlook its own row.
        """
        async with self._transactions.write(serialised_by=clusterupgradestate) as connection:
            await connection.execute(
                update(clusternode)
                .where(clusternode.c.node_id == node_id, clusternode.c.node_state != NodeState.OFFLINE.value)
                .values(node_state=NodeState.OFFLINE.value, timestamp=DatabaseTimeMs())
            )

    async def set_offline(
        self, node_id: str, *, allow: Callable[[ClusterNode | None], None], dead_after_s: float
    ) -> None:
        """Mark another node OFFLINE if ``allow``, which sees its row, does not raise; what it raises rolls back."""
        async with self._transactions.write(serialised_by=clusterupgradestate) as connection:
            allow(await _read_one(connection, node_id, dead_after_s))
            await connection.execute(
                update(clusternode)
                .where(clusternode.c.node_id == node_id)
                .values(node_state=NodeState.OFFLINE.value, timestamp=DatabaseTimeMs())
            )

    async def get(self, node_id: str, dead_after_s: float = DEAD_AFTER_S) -> ClusterNode | None:
        """One node, or None."""
        async with self._transactions.read() as connection:
            return await _read_one(connection, node_id, dead_after_s)

    async def members(self, dead_after_s: float = DEAD_AFTER_S) -> list[ClusterNode]:
        """All nodes the cluster knows, the OFFLINE ones included, by id."""
        async with self._transactions.read() as connection:
            return await read_members(connection, dead_after_s)

    async def figures(self) -> dict[str, NodeFigures]:
        """What each node told of itself last, by id."""
        async with self._transactions.read() as connection:
            rows = (await connection.execute(select(nodefigures))).mappings().all()
        return {
            row["node_id"]: NodeFigures(
                row["application_state"], row["load_average"], row["memory_bytes"], row["uptime_seconds"]
            )
            for row in rows
        }

    async def retire(self, offline_after_s: float, removed_after_s: float, *, but_not: str) -> Retired:
        """Set OFFLINE who sent no heartbeat for ``offline_after_s``; remove who was that for ``removed_after_s``.

        The node ``but_not`` is left alone. This locks the cluster's members: whoever does it again and again looks
        first whether there is anything to do.
        """
        lost, gone = _lost(offline_after_s, but_not), _gone(removed_after_s, but_not)
        named = clusternode.c.node_id
        async with self._transactions.write(serialised_by=clusterupgradestate) as connection:
            removed = (await connection.scalars(delete(clusternode).where(gone).returning(named))).all()
            await _forget(connection, removed)
            set_offline = update(clusternode).where(lost).returning(named)
            offline = await connection.scalars(
                set_offline.values(node_state=NodeState.OFFLINE.value, timestamp=DatabaseTimeMs())
            )
            return Retired(offline=tuple(sorted(offline)), removed=tuple(sorted(removed)))

    async def remove(
        self,
        node_id: str,
        *,
        allow: Callable[[ClusterNode | None], None] = lambda _: None,
        dead_after_s: float = DEAD_AFTER_S,
    ) -> None:
        """Forget a node and its heartbeat if ``allow``, which sees its row, does not raise; that rolls back.

        One after the other with :meth:`join`, so that a node that comes back in this moment keeps its row.
        """
        async with self._transactions.write(serialised_by=clusterupgradestate) as connection:
            allow(await _read_one(connection, node_id, dead_after_s))
            await connection.execute(delete(clusternode).where(clusternode.c.node_id == node_id))
            await _forget(connection, [node_id])


async def _read_one(connection: AsyncConnection, node_id: str, dead_after_s: float) -> ClusterNode | None:
    rows = await connection.execute(select_members().where(clusternode.c.node_id == node_id))
    found = nodes_of(rows.mappings().all(), dead_after_s)
    return found[0] if found else None


def _lost(after_s: float, but_not: str) -> ColumnElement[bool]:
    beat = clusternodeheartbeat.c
    last_beat = select(beat.database_time).where(beat.node_id == clusternode.c.node_id).scalar_subquery()
    heard_ms = func.coalesce(last_beat, clusternode.c.timestamp)
    return and_(
        clusternode.c.node_state != NodeState.OFFLINE.value,
        clusternode.c.node_id != but_not,
        heard_ms <= DatabaseTimeMs() - round(after_s * 1000),
    )


def _gone(after_s: float, but_not: str) -> ColumnElement[bool]:
    return and_(
        clusternode.c.node_state == NodeState.OFFLINE.value,
        clusternode.c.node_id != but_not,
        clusternode.c.timestamp <= DatabaseTimeMs() - round(after_s * 1000),
    )


async def _forget(connection: AsyncConnection, node_ids: Sequence[str]) -> None:
    for table in (clusternodeheartbeat, nodefigures):
        await connection.execute(delete(table).where(table.c.node_id.in_(node_ids)))
