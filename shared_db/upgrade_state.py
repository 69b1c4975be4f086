"""``clusterupgradestate``: the append-only history of the cluster's upgrade state.

Nodes watch the cluster and each other at the same time, and several may want the same change at once. So that none
is made twice, reading, deciding and appending are one transaction, and these transactions run one after the other
over all processes; ``UNIQUE(order_number)`` stands behind that as a second wall.
"""

from collections.abc import Callable

from sqlalchemy import insert, select

from shared_db.database_time import DatabaseTimeMs
from shared_db.rows import ClusterSnapshot, NewUpgradeState, UpgradeStateRow
from shared_db.snapshot import read_current, read_snapshot, upgrade_state_of
from shared_db.tables import clusterupgradestate
from shared_db.transactions import Transactions

Decide = Callable[[ClusterSnapshot], NewUpgradeState | None]
"""A pure decision: the row to append, None to leave everything as it is, or an exception, which rolls back."""


class UpgradeStateGateway:
    """The cluster's upgrade state and its history."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def current(self) -> UpgradeStateRow | None:
        """The newest row; None in a database that was never part of a cluster."""
        async with self._transactions.read() as connection:
            return await read_current(connection)

    async def snapshot(self, dead_after_s: float) -> ClusterSnapshot:
        """The state and the members at one moment, which may have passed by now: not for a decision that is written.

        ``dead_after_s`` is the age of a heartbeat from which a member counts as not alive.
        """
        async with self._transactions.read() as connection:
            return await read_snapshot(connection, dead_after_s)

    async def history(self) -> list[UpgradeStateRow]:
        """All rows, oldest first."""
        async with self._transactions.read() as connection:
            rows = await connection.execute(select(clusterupgradestate).order_by(clusterupgradestate.c.order_number))
            return [upgrade_state_of(row) for row in rows.mappings()]

    async def change(self, decide: Decide, dead_after_s: float) -> UpgradeStateRow | None:
        """Let ``decide`` see the cluster, and append the row it wants. Returns the row once it is committed.

        ``dead_after_s`` is the age of a heartbeat from which a member counts as not alive. An exception of
        ``decide`` rolls back and reaches the caller as it is.
        """
        async with self._transactions.write(serialised_by=clusterupgradestate) as connection:
            seen = await read_snapshot(connection, dead_after_s)
            wanted = decide(seen)
            if wanted is None:
                return None
            row = await connection.execute(
                insert(clusterupgradestate)
                .values(
                    database_time=DatabaseTimeMs(),
                    cluster_build_number=wanted.build_number,
                    cluster_version=wanted.version,
                    state=wanted.state,
                    order_number=1 if seen.current is None else seen.current.order_number + 1,
                )
                .returning(*clusterupgradestate.c)
            )
            return upgrade_state_of(row.mappings().one())
