"""``clustermessage``: what nodes tell each other, read by each of them again and again.

A message goes to all others, to one of them, or to any one: then the node that claims it first acts on it. It is
written in the transaction that makes the change it tells of, so nobody hears of a change before it is there.
"""

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared_db.database_time import DatabaseTimeMs
from shared_db.rows import ClusterMessage
from shared_db.statements import take_turn
from shared_db.tables import clustermessage
from shared_db.transactions import Transactions

TO_ALL = "ALL"
TO_ANY = "ANY"
"""Our own word: the reference tells of ``claimed_by_node`` and not how such a message is addressed."""

MESSAGE_MAX_LENGTH = 255
_PAGE = 1000


class MessageWriter:
    """Writes messages from one node, in the transactions that make the changes. Without a name it writes nothing."""

    def __init__(self, node_id: str) -> None:
        self._node_id = node_id

    async def tell(self, connection: AsyncConnection, message: str, to: str = TO_ALL) -> None:
        """Tell all others, or whom ``to`` names. As a transaction's last thing."""
        if len(message) > MESSAGE_MAX_LENGTH:
            raise ValueError(f"a cluster message has at most {MESSAGE_MAX_LENGTH} characters, not {len(message)}")
        if not self._node_id:
            return
        await take_turn(connection, clustermessage)
        await connection.execute(
            insert(clustermessage).values(
                source_node=self._node_id, destination_node=to, message=message, message_time=DatabaseTimeMs()
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
        """What others have told ``node_id`` since that message, oldest first.

        Among it is what any one node may act on and none has claimed yet.
        """
        message = clustermessage.c
        async with self._transactions.read() as connection:
            rows = await connection.execute(
                select(message.id, message.source_node, message.message)
                .where(
                    message.id > message_id,
                    message.source_node != node_id,
                    or_(
                        message.destination_node.in_((TO_ALL, node_id)),
                        and_(message.destination_node == TO_ANY, message.claimed_by_node.is_(None)),
                    ),
                )
                .order_by(message.id)
                .limit(_PAGE)
            )
            return [ClusterMessage(row.id, row.source_node, row.message) for row in rows]

    async def tell(self, message: str, to: str = TO_ALL) -> None:
        """Tell all others, or the one named, something that goes with no change of data."""
        async with self._transactions.write() as connection:
            await self._writer.tell(connection, message, to)

    async def ask_any(self, message: str) -> None:
        """Ask for something that one node is to do, whichever it is."""
        await self.tell(message, TO_ANY)

    async def claim(self, message_id: int, node_id: str) -> bool:
        """Take on what any one node may do; False if another has. Claiming it twice is claiming it once."""
        message = clustermessage.c
        async with self._transactions.write() as connection:
            claimed = await connection.execute(
                update(clustermessage)
                .where(
                    message.id == message_id,
                    message.destination_node == TO_ANY,
                    or_(message.claimed_by_node.is_(None), message.claimed_by_node == node_id),
                )
                .values(claimed_by_node=node_id)
            )
            return claimed.rowcount == 1

    async def purge(self, older_than_s: float) -> int:
        """Forget messages older than that; how many they were. A look at the first one decides."""
        old = clustermessage.c.message_time <= DatabaseTimeMs() - round(older_than_s * 1000)
        async with self._transactions.read() as connection:
            if not await connection.scalar(select(old).order_by(clustermessage.c.id).limit(1)):
                return 0
        async with self._transactions.write() as connection:
            return (await connection.execute(delete(clustermessage).where(old))).rowcount
