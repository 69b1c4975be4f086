"""Fixtures that give each test a database of its own, once on SQLite and once on PostgreSQL.

PostgreSQL comes from ``python -m tests.support.postgres``, which ``make test`` uses; each test gets a namespace of
its own on that server, dropped afterwards.
"""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import update

from shared_db import Database
from shared_db.tables import clusterlockstatus, clusternodeheartbeat
from tests.support.postgres import URL_VARIABLE, postgres_is_required
from zdu.clock import Entropy


@dataclass(frozen=True)
class DatabaseTarget:
    """What a configuration says about a database: give both to whatever opens it."""

    kind: str
    url: str
    namespace: str = ""

    async def open(
        self, features: frozenset[str] = frozenset(), statement_timeout_s: float = 30.0, node_id: str = ""
    ) -> Database:
        """Open it; the caller closes it."""
        return await Database.open(
            self.url, self.namespace, statement_timeout_s=statement_timeout_s, features=features, node_id=node_id
        )


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_target(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DatabaseTarget]:
    """A database of this test's own, still without tables."""
    if request.param == "sqlite":
        yield DatabaseTarget("sqlite", f"sqlite+aiosqlite:///{tmp_path / 'zdu.db'}")
        return
    target = DatabaseTarget("postgresql", postgres_url(), f"test_{Entropy().token(8)}")
    yield target
    async with await target.open() as database:
        await database.schema.drop()


@pytest.fixture
async def database(database_target: DatabaseTarget) -> AsyncIterator[Database]:
    """That database, open and with the tables of the oldest release."""
    async with await database_target.open() as database:
        await database.schema.create_base()
        yield database


@pytest.fixture(name="postgres_url")
def a_postgres_url() -> str:
    """The URL of the test server, for tests that bring a namespace of their own."""
    return postgres_url()


def postgres_url() -> str:
    """The test server's URL; skips the test if there is none, and fails it where one is required."""
    url = os.environ.get(URL_VARIABLE, "")
    if not url:
        reason = f"{URL_VARIABLE} is not set; run the tests with: make test"
        if postgres_is_required():
            pytest.fail(reason)
        pytest.skip(reason)
    return url


async def age_heartbeat(database: Database, node_id: str, seconds: float) -> None:
    """Make a node's last heartbeat that much older, as if the node had been killed back then."""
    async with database._transactions.write() as connection:
        beat = clusternodeheartbeat.c
        await connection.execute(
            update(clusternodeheartbeat)
            .where(beat.node_id == node_id)
            .values(database_time=beat.database_time - round(seconds * 1000))
        )


async def age_lock(database: Database, name: str, seconds: float) -> None:
    """Make a lock that much older, as if whoever holds it had been killed back then."""
    async with database._transactions.write() as connection:
        lock = clusterlockstatus.c
        await connection.execute(
            update(clusterlockstatus)
            .where(lock.lock_name == name)
            .values(update_time=lock.update_time - round(seconds * 1000))
        )
