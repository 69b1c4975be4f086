"""The door to the database: opens it, and holds one gateway for each kind of data in it."""

import asyncio
from typing import Self

from sqlalchemy import text

from shared_db.engine import make_reader, make_writer, prove_sqlite_file
from shared_db.errors import DatabaseBusy
from shared_db.index_journal import IndexJournalGateway, JournalWriter
from shared_db.issues import IssuesGateway
from shared_db.locks import LocksGateway
from shared_db.messages import MessagesGateway, MessageWriter
from shared_db.nodes import NodesGateway
from shared_db.projects import ProjectsGateway
from shared_db.properties import PropertiesGateway
from shared_db.remember_me import RememberMeGateway
from shared_db.schema import SchemaGateway
from shared_db.shared_sessions import SharedSessionsGateway
from shared_db.target import Target, parse_target
from shared_db.transactions import CLOSE_LIMIT_S, Transactions
from shared_db.upgrade_state import UpgradeStateGateway
from shared_db.users import UsersGateway

STATEMENT_TIMEOUT_S = 10.0
_OPEN_RETRY_S = 0.05


class Database:
    """One open database; make it with :meth:`open`, end it with :meth:`close`, or use it in ``async with``."""

    def __init__(
        self, target: Target, statement_timeout_s: float, features: frozenset[str], node_id: str = ""
    ) -> None:
        self._transactions = Transactions(
            target,
            make_writer(target, statement_timeout_s),
            make_reader(target, statement_timeout_s),
            statement_timeout_s,
        )
        self.schema = SchemaGateway(self._transactions)
        self.properties = PropertiesGateway(self._transactions)
        self.nodes = NodesGateway(self._transactions)
        self.upgrade_state = UpgradeStateGateway(self._transactions)
        self.locks = LocksGateway(self._transactions)
        messages = MessageWriter(node_id)
        self.messages = MessagesGateway(self._transactions, messages)
        self.index_journal = IndexJournalGateway(self._transactions)
        self.users = UsersGateway(self._transactions, messages, features)
        self.remember_me = RememberMeGateway(self._transactions, features)
        self.shared_sessions = SharedSessionsGateway(self._transactions)
        self.projects = ProjectsGateway(self._transactions, messages, features)
        self.issues = IssuesGateway(self._transactions, features, JournalWriter(node_id))

    @classmethod
    async def open(
        cls,
        url: str,
        namespace: str = "",
        statement_timeout_s: float = STATEMENT_TIMEOUT_S,
        features: frozenset[str] = frozenset(),
        node_id: str = "",
    ) -> "Database":
        """Connect, and prove it with one statement.

        ``namespace`` is a PostgreSQL schema, created by ``schema.create_base()``; SQLite has none and ignores it. A
        missing SQLite file is created, its directory is not. ``features`` are those of the release that will use
        this object, ``node_id`` is the node in whose name the others are told of changes. No operation takes longer
        than ``statement_timeout_s`` (changes of schema: a multiple of it).

        Raises UsageError for a URL that cannot be meant, DatabaseUnavailable and its kin if there is no way in.
        """
        target = parse_target(url, namespace)
        prove_sqlite_file(target)
        database = cls(target, statement_timeout_s, features, node_id)
        try:
            await database._check(statement_timeout_s)
        except BaseException:
            await database.close()
            raise
        return database

    @property
    def name(self) -> str:
        """Which database this is, in words and without its password."""
        return str(self._transactions.target)

    async def close(self, limit_s: float = CLOSE_LIMIT_S) -> None:
        """Close all connections, within about ``limit_s``. Calling it twice does no harm."""
        await self._transactions.close(limit_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    async def _check(self, limit_s: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        while True:
            try:
                async with self._transactions.write(limit_s=max(deadline - loop.time(), 0.001)) as connection:
                    await connection.execute(text("SELECT 1"))
                async with self._transactions.read() as connection:
                    await connection.execute(text("SELECT 1"))
            except DatabaseBusy:
                # Switching a fresh SQLite file to its write-ahead log does not wait for others who do the same.
                if loop.time() >= deadline:
                    raise
                await asyncio.sleep(_OPEN_RETRY_S)
            else:
                return
