"""``clustermessage``: what nodes tell each other, read by each of them again and again.

A message goes to all others. It is written in the transaction that makes the change it tells of, so nobody hears of
a change before it is there.
"""

from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared_db.database_time import DatabaseTimeMs
from shared_db.rows import ClusterMessage
from shared_db.statements import take_turn
from shared_db.tables import clustermessage
from shared_db.transactions import Transactions

TO_ALL = "ALL"
MESSAGE_MAX_LENGTH = 255
_PAGE = 1000


class MessageWriter:
    """Writes messages from one node, in the transactions that make the changes. Without a name it writes nothing."""

    def __init__(self, node_id: str) -> None:
        self._node_id = node_id

    async def tell(self, connection: AsyncConnection, message: str) -> None:
        """Tell all others. As a transaction's last thing."""
        if len(message) > MESSAGE_MAX_LENGTH:
            raise ValueError(f"a cluster message has at most {MESSAGE_MAX_LENGTH} characters, not {len(message)}")
        if not self._node_id:
            return
        await take_turn(connection, clustermessage)
        await connection.execute(
            insert(clustermessage).values(
                source_node=self._node_id, destination_node=TO_ALL, message=message, message_time=DatabaseTimeMs()
            )
        )


class MessagesGateway:
    """Reading messages."""

    def __init__(self, transactions: Transactions, writer: MessageWriter) -> None:
        self._transactions = transactions
        self._writer = writer

    async def newest(self) -> int:
        """The id of the last message; 0 before the first."""
        async with self._transactions.read() as connection:
            return await connection.scalar(select(func.max(clustermessage.c.id))) or 0

    async def after(self, message_id: int, node_id: str) -> list[ClusterMessage]:
        """What others have told ``node_id`` since that message, oldest first."""
        message = clustermessage.c
        async with self._transactions.read() as connection:
            rows = await connection.execute(
                select(message.id, message.source_node, message.message)
                .where(
                    message.id > message_id,
                    message.source_node != node_id,
                    or_(message.destination_node == TO_ALL, message.destination_node == node_id),
                )
                .order_by(message.id)
                .limit(_PAGE)
            )
            return [ClusterMessage(row.id, row.source_node, row.message) for row in rows]

    async def tell(self, message: str) -> None:
        """Tell all others something that goes with no change of data."""
        async with self._transactions.write() as connection:
            await self._writer.tell(connection, message)

    async def purge(self, older_than_s: float) -> int:
        """Forget messages older than that; how many they were. A look at the first one decides."""
        old = clustermessage.c.message_time <= DatabaseTimeMs() - round(older_than_s * 1000)
        async with self._transactions.read() as connection:
            if not await connection.scalar(select(old).order_by(clustermessage.c.id).limit(1)):
                return 0
        async with self._transactions.write() as connection:
            return (await connection.execute(delete(clustermessage).where(old))).rowcount
