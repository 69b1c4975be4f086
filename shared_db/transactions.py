"""One transaction at a time: with a time limit, serialised where asked for, and with errors for people.

Every method of a gateway is one ``async with`` of :meth:`Transactions.read` or :meth:`Transactions.write`: when it
returns, the work is committed; when it raises, nothing of it happened (a time limit that strikes during the commit
itself is the one case where that is unknown, and DatabaseTimeout says so).
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import Table, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared_db.engine import ONE_STATEMENT, database_limit_ms
from shared_db.errors import DatabaseTimeout
from shared_db.target import Target
from shared_db.translate import translate

CLOSE_LIMIT_S = 5.0

_LEAST_CLOSE_S = 0.5
"""A connection that is well closes within it, however little time the caller has left."""


class Transactions:
    """The two engines of one database, and the time limit of each operation on them."""

    def __init__(self, target: Target, writer: AsyncEngine, reader: AsyncEngine, statement_timeout_s: float) -> None:
        self.target = target
        self.statement_timeout_s = statement_timeout_s
        self._writer = writer
        self._reader = reader

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one moment of the database and cannot write."""
        async with self._limited(self.statement_timeout_s), self._reader.begin() as connection:
            yield connection

    @asynccontextmanager
    async def write(
        self, *, serialised_by: Table | None = None, limit_s: float | None = None
    ) -> AsyncIterator[AsyncConnection]:
        """A transaction that commits at the end of the block.

        With ``serialised_by``, all such transactions on that table run one after the other, over all processes; what
        is read inside is what the one before committed. ``limit_s`` replaces the usual time limit.
        """
        limit = self.statement_timeout_s if limit_s is None else limit_s
        async with self._limited(limit), self._writer.begin() as connection:
            if connection.dialect.name == "postgresql":
                if limit_s is not None:
                    await connection.execute(text(f"SET LOCAL statement_timeout = {database_limit_ms(limit)}"))
                if serialised_by is not None:
                    # As the first statement: READ COMMITTED takes its view of the data anew for each later one.
                    # On SQLite BEGIN IMMEDIATE has done the same already.
                    await connection.execute(text(f"LOCK TABLE {serialised_by.name} IN SHARE ROW EXCLUSIVE MODE"))
            yield connection

    @asynccontextmanager
    async def write_once(self) -> AsyncIterator[AsyncConnection]:
        """A transaction of exactly one statement.

        For what every node writes all the time: on SQLite the write lock is held within one call of the library, and
        not while this process waits for its turn between BEGIN and COMMIT, and all others with it.
        """
        once = self._writer.execution_options(**{ONE_STATEMENT: True})
        async with self._limited(self.statement_timeout_s), once.begin() as connection:
            yield connection

    async def close(self, limit_s: float = CLOSE_LIMIT_S) -> None:
        """Close all connections. What does not close within ``limit_s`` is left to the end of the process."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(limit_s, _LEAST_CLOSE_S)):
                await asyncio.gather(self._writer.dispose(), self._reader.dispose())

    @asynccontextmanager
    async def _limited(self, limit_s: float) -> AsyncIterator[None]:
        scope = asyncio.timeout(limit_s)
        try:
            async with scope:
                yield
        except TimeoutError as error:
            if not scope.expired():
                raise translate(error, self.target) from error
            raise DatabaseTimeout(
                f"{self.target}: no answer within {limit_s:g} s", hint="Is the database locked, overloaded or gone?"
            ) from error
        except (SQLAlchemyError, OSError, sqlite3.Error) as error:
            raise translate(error, self.target) from error
