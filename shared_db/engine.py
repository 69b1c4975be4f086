"""SQLAlchemy's engines, set up for many processes on one database: one to write with, one that can only read.

SQLite: write-ahead log, and ``BEGIN IMMEDIATE`` for every transaction of the writer. With a plain BEGIN a transaction
that reads before it writes must upgrade its lock half-way, which SQLite refuses at once (``database is locked``,
whatever the busy timeout) when another process has written in between.
"""

import sqlite3
from contextlib import closing, suppress
from typing import Any, cast

from sqlalchemy import AdaptedConnection, Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared_db.errors import DatabaseBusy
from shared_db.target import Target
from shared_db.translate import translate

DATABASE_SHARE = 0.8
"""The part of an operation's time limit that the database itself may use up waiting or working: its own clean answer
("locked, nothing written") should come before ours ("no answer in time")."""

SQLITE_WRITERS = 1
"""SQLite has one writer at a time anyway; queueing for a connection costs less than polling for the lock."""

SQLITE_READERS = 4
ONE_STATEMENT = "zdu_one_statement"
"""Execution option of a transaction with a single statement: SQLite begins and commits it in the same call."""

POSTGRES_CONNECTIONS = 5
"""For each of the two engines, so that eight nodes stay below PostgreSQL's default of 100 connections."""


def database_limit_ms(statement_timeout_s: float) -> str:
    """The limit PostgreSQL itself shall keep, in milliseconds."""
    return str(max(1, round(statement_timeout_s * DATABASE_SHARE * 1000)))


def prove_sqlite_file(target: Target) -> None:
    """Open and close the file, which creates it if it is missing. Raises what is wrong with it, for people.

    Ahead of the engines because a connection of aiosqlite that fails to open leaves a thread behind, whose last
    words (a traceback) come after the end of the event loop.
    """
    if target.sqlite_file is None:
        return
    try:
        with closing(sqlite3.connect(target.sqlite_file, timeout=0)) as connection:
            connection.execute("PRAGMA schema_version").close()
    except sqlite3.Error as error:
        known = translate(error, target)
        if not isinstance(known, DatabaseBusy):
            raise known from error


def make_writer(target: Target, statement_timeout_s: float) -> AsyncEngine:
    """The engine for writing transactions."""
    if target.sqlite_file is None:
        return _postgresql(target, statement_timeout_s, read_only=False)
    return _sqlite(target, statement_timeout_s, read_only=False)


def make_reader(target: Target, statement_timeout_s: float) -> AsyncEngine:
    """The engine for reading: its transactions see one moment of the database, and the database refuses writes."""
    if target.sqlite_file is None:
        return _postgresql(target, statement_timeout_s, read_only=True)
    return _sqlite(target, statement_timeout_s, read_only=True)


class _RollsBackFirst(sqlite3.Connection):
    """A connection whose closing ends its transaction, whatever is still alive of it.

    Closing alone does not: the driver closes with ``sqlite3_close_v2``, which puts everything off, the end of the
    transaction included, until the last cursor is gone (sqlite.org/c3ref/close.html). A task that was cancelled in
    the middle of a statement keeps its cursor in its traceback, and would keep the write lock of all processes.
    """

    def close(self) -> None:
        """Roll back, then close."""
        with suppress(sqlite3.Error):  # it is closed, or the file is gone: there is nothing to end
            self.rollback()
        super().close()


def _sqlite(target: Target, statement_timeout_s: float, *, read_only: bool) -> AsyncEngine:
    engine = create_async_engine(
        target.url,
        # None: the driver opens no transactions of its own, so that ours can be IMMEDIATE.
        connect_args={
            "timeout": statement_timeout_s * DATABASE_SHARE,
            "isolation_level": None,
            "factory": _RollsBackFirst,
        },
        pool_size=SQLITE_READERS if read_only else SQLITE_WRITERS,
        max_overflow=0,
        pool_timeout=statement_timeout_s,
    )
    pragmas = ("query_only=ON",) if read_only else ("journal_mode=WAL", "synchronous=NORMAL")

    def prepare(connection: Any, _record: object) -> None:
        try:
            for pragma in pragmas:
                connection.execute(f"PRAGMA {pragma}").close()
        except BaseException:
            # The pool does not know this connection yet, and its thread would outlive the event loop.
            connection.close()
            raise

    statement = "BEGIN" if read_only else "BEGIN IMMEDIATE"

    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get(ONE_STATEMENT):
            # Past the cursor of SQLAlchemy, which would go to the driver's thread three times for this.
            cast(AdaptedConnection, connection.connection.dbapi_connection).run_async(
                lambda driver: driver.execute(statement)
            )

    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "begin", begin)
    return engine


def _postgresql(target: Target, statement_timeout_s: float, *, read_only: bool) -> AsyncEngine:
    limit_ms = database_limit_ms(statement_timeout_s)
    settings = {
        "application_name": "zdu",
        "statement_timeout": limit_ms,
        # A node that hangs in the middle of a transaction must not hold the cluster's locks for ever.
        "idle_in_transaction_session_timeout": limit_ms,
    }
    if target.namespace:
        settings["search_path"] = f'"{target.namespace}"'
    if read_only:
        settings["default_transaction_read_only"] = "on"
    return create_async_engine(
        target.url,
        connect_args={"timeout": statement_timeout_s, "server_settings": settings},
        isolation_level="REPEATABLE READ" if read_only else "READ COMMITTED",
        pool_size=POSTGRES_CONNECTIONS,
        max_overflow=0,
        pool_timeout=statement_timeout_s,
        pool_pre_ping=True,
    )
