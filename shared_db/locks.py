"""``clusterlockstatus``: cluster-wide locks that a killed node cannot hold for ever.

As in Jira a lock belongs to a node, is kept by renewing it, and is anybody's once it is older than its expiry.
"""

from sqlalchemy import or_, select, update

from shared_db.database_time import DatabaseTimeMs
from shared_db.statements import insert_or
from shared_db.tables import clusterlockstatus
from shared_db.transactions import Transactions


class LocksGateway:
    """Locks by name, each held by at most one node."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def acquire(self, name: str, node_id: str, expiry_s: float) -> bool:
        """Take the lock, or renew it if this node has it. False while another node holds it.

        A lock that was last renewed ``expiry_s`` ago or longer may be taken over.
        """
        lock = clusterlockstatus.c
        taken = {"locked_by_node": node_id, "update_time": DatabaseTimeMs()}
        free = or_(
            lock.locked_by_node.is_(None),
            lock.locked_by_node == node_id,
            lock.update_time <= DatabaseTimeMs() - round(expiry_s * 1000),
        )
        async with self._transactions.write() as connection:
            statement = (
                insert_or(connection, clusterlockstatus)
                .values(lock_name=name, **taken)
                .on_conflict_do_update(index_elements=["lock_name"], set_=taken, where=free)
                .returning(lock.id)
            )
            return (await connection.execute(statement)).first() is not None

    async def release(self, name: str, node_id: str) -> None:
        """Give the lock back; nothing happens if another node has it by now."""
        lock = clusterlockstatus.c
        async with self._transactions.write() as connection:
            await connection.execute(
                update(clusterlockstatus)
                .where(lock.lock_name == name, lock.locked_by_node == node_id)
                .values(locked_by_node=None, update_time=DatabaseTimeMs())
            )

    async def holder(self, name: str) -> str | None:
        """The node that holds the lock, dead or alive, expired or not; None if nobody does."""
        async with self._transactions.read() as connection:
            holder = await connection.scalar(
                select(clusterlockstatus.c.locked_by_node).where(clusterlockstatus.c.lock_name == name)
            )
            return None if holder is None else str(holder)
