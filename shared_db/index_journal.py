"""``replicatedindexoperation``, ``nodeindexcounter``: what changed on which node, and how far each has replayed it.

Every node has a search index of its own. It brings its own changes there at once; the others' it finds here.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared_db.database_time import DatabaseTimeMs
from shared_db.rows import IndexOperation
from shared_db.statements import insert_or, take_turn
from shared_db.tables import nodeindexcounter, replicatedindexoperation
from shared_db.transactions import Transactions

_IDS_PER_ROW = 500


class JournalWriter:
    """Writes one node's operations, in the transactions that make the changes. Without a name it writes nothing.

    The nameless one is the set-up, which works before there is any index.
    """

    def __init__(self, node_id: str) -> None:
        self._node_id = node_id

    async def note(self, connection: AsyncConnection, issue_ids: Sequence[int], operation: str) -> None:
        """Note that these issues have changed. ``operation`` is Jira's word: CREATE or UPDATE. As the last thing."""
        if not self._node_id or not issue_ids:
            return
        await take_turn(connection, replicatedindexoperation)
        await connection.execute(
            insert(replicatedindexoperation).values(index_time=DatabaseTimeMs()),
            [
                {
                    "node_id": self._node_id,
                    "affected_index": "ISSUE",
                    "entity_type": "ISSUE",
                    "affected_ids": ",".join(map(str, issue_ids[first : first + _IDS_PER_ROW])),
                    "operation": operation,
                    "filename": "",
                }
                for first in range(0, len(issue_ids), _IDS_PER_ROW)
            ],
        )


class IndexJournalGateway:
    """Reading the journal."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def newest(self) -> int:
        """The id of the last operation; 0 before the first."""
        async with self._transactions.read() as connection:
            return await connection.scalar(select(func.max(replicatedindexoperation.c.id))) or 0

    async def after(self, operation_id: int, limit: int) -> list[IndexOperation]:
        """The operations of all nodes since that one, oldest first."""
        operation = replicatedindexoperation.c
        async with self._transactions.read() as connection:
            rows = await connection.execute(
                select(operation.id, operation.node_id, operation.index_time, operation.affected_ids)
                .where(operation.id > operation_id)
                .order_by(operation.id)
                .limit(limit)
            )
            return [
                IndexOperation(row.id, row.node_id, row.index_time, tuple(map(int, row.affected_ids.split(","))))
                for row in rows
            ]

    async def newest_by_node(self) -> dict[str, int]:
        """The id of each node's last operation."""
        operation = replicatedindexoperation.c
        async with self._transactions.read() as connection:
            rows = await connection.execute(
                select(operation.node_id, func.max(operation.id).label("newest")).group_by(operation.node_id)
            )
            return {row.node_id: row.newest for row in rows}

    async def has(self, operation_id: int) -> bool:
        """Whether that operation is still there, and with it all that came after."""
        operation = replicatedindexoperation.c.id
        async with self._transactions.read() as connection:
            return await connection.scalar(select(operation).where(operation == operation_id)) is not None

    async def count_up(self, node_id: str, consumed: Mapping[str, int]) -> None:
        """Record how far ``node_id`` has replayed each node's operations."""
        if not consumed:
            return
        async with self._transactions.write() as connection:
            for sender, operation_id in consumed.items():
                await connection.execute(
                    insert_or(connection, nodeindexcounter)
                    .values(node_id=node_id, sending_node_id=sender, index_operation_id=operation_id)
                    .on_conflict_do_update(
                        index_elements=["node_id", "sending_node_id"], set_={"index_operation_id": operation_id}
                    )
                )

    async def counters(self, node_id: str) -> dict[str, int]:
        """How far ``node_id`` has replayed each node's operations, as recorded last."""
        counter = nodeindexcounter.c
        async with self._transactions.read() as connection:
            rows = await connection.execute(
                select(counter.sending_node_id, counter.index_operation_id).where(counter.node_id == node_id)
            )
            return {row.sending_node_id: row.index_operation_id for row in rows}

    async def purge(self, older_than_s: float) -> int:
        """Forget operations older than that; how many they were. A look at the first one decides."""
        operation = replicatedindexoperation.c
        old = operation.index_time <= DatabaseTimeMs() - round(older_than_s * 1000)
        async with self._transactions.read() as connection:
            if not await connection.scalar(select(old).order_by(operation.id).limit(1)):
                return 0
        async with self._transactions.write() as connection:
            gone = await connection.execute(delete(replicatedindexoperation).where(old))
            return gone.rowcount
