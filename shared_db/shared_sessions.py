"""``sharedsession``: sessions that every node knows, for clusters that are told to keep them here.

As of remember-me tokens, the table has only the hash of a session's token.
"""

from sqlalchemy import ColumnElement, delete, insert, select, update

from shared_db.database_time import DatabaseTimeMs
from shared_db.rows import SharedSession
from shared_db.statements import is_storable
from shared_db.tables import sharedsession
from shared_db.transactions import Transactions

USE_NOTED_EVERY_S = 60.0
"""Using a session does not write each time: idle times are hours, and a write for each page would cost a lot."""


class SharedSessionsGateway:
    """The shared sessions."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def create(self, token_hash: str, session: SharedSession, idle_timeout_s: float) -> None:
        """Begin a session; clears away those that have been idle for too long."""
        async with self._transactions.write() as connection:
            await connection.execute(delete(sharedsession).where(sharedsession.c.last_used <= _ago(idle_timeout_s)))
            await connection.execute(
                insert(sharedsession).values(
                    token=token_hash,
                    username=session.username,
                    xsrf_token=session.xsrf_token,
                    remember_me_id=session.remember_me_id,
                    last_used=DatabaseTimeMs(),
                    work=session.work,
                )
            )

    async def find(self, token_hash: str, idle_timeout_s: float) -> SharedSession | None:
        """The session, now used again; None if there is none or it has been idle for too long."""
        if not is_storable(token_hash):
            return None
        session = sharedsession.c
        alive = session.last_used > _ago(idle_timeout_s)
        noted = (session.last_used > _ago(min(USE_NOTED_EVERY_S, idle_timeout_s / 4))).label("noted")
        async with self._transactions.read() as connection:
            row = (
                await connection.execute(select(*session, noted).where(session.token == token_hash, alive))
            ).first()
        if row is None:
            return None
        if not row.noted:
            async with self._transactions.write() as connection:
                await connection.execute(
                    update(sharedsession).where(session.token == token_hash, alive).values(last_used=DatabaseTimeMs())
                )
        return SharedSession(row.username, row.xsrf_token, row.remember_me_id, row.work)

    async def keep_work(self, token_hash: str, work: str) -> None:
        """Replace what a half-done task needs to go on."""
        async with self._transactions.write() as connection:
            await connection.execute(
                update(sharedsession).where(sharedsession.c.token == token_hash).values(work=work)
            )

    async def delete(self, token_hash: str) -> None:
        """End a session, if there is one."""
        async with self._transactions.write() as connection:
            await connection.execute(delete(sharedsession).where(sharedsession.c.token == token_hash))


def _ago(seconds: float) -> ColumnElement[int]:
    return DatabaseTimeMs() - round(seconds * 1000)
