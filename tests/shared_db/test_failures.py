"""What people are told when the database is missing, locked, full or gone; and that nothing is left broken."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from shared_db import (
    Database,
    DatabaseBusy,
    DatabaseError,
    DatabaseFull,
    DatabaseTimeout,
    DatabaseUnavailable,
    NewUpgradeState,
)
from tests.support.databases import DatabaseTarget, postgres_url
from tests.support.waiting import turns

STABLE = NewUpgradeState("STABLE", 73011, "7.3.0")


async def refusal(url: str, namespace: str = "", statement_timeout_s: float = 5.0) -> DatabaseError:
    with pytest.raises(DatabaseError) as caught:
        await Database.open(url, namespace, statement_timeout_s=statement_timeout_s)
    return caught.value


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    error = await refusal(f"sqlite:///{tmp_path}/none/zdu.db")

    assert isinstance(error, DatabaseUnavailable)
    assert f"no directory {tmp_path}/none" in error.message
    assert error.hint


async def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    error = await refusal(f"sqlite:///{tmp_path}")

    assert isinstance(error, DatabaseUnavailable)
    assert str(tmp_path) in error.message


async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("Dear diary, " * 1000)

    error = await refusal(f"sqlite:///{file}")

    assert isinstance(error, DatabaseUnavailable)
    assert "no SQLite database" in error.message
    assert file.read_text() == "Dear diary, " * 1000


async def test_a_server_that_is_not_there_is_named(unused_tcp_port: int) -> None:
    error = await refusal(f"postgresql://bob:secret@127.0.0.1:{unused_tcp_port}/jira")

    assert isinstance(error, DatabaseUnavailable)
    assert f"127.0.0.1:{unused_tcp_port}" in error.message
    assert "nothing listens there" in error.message
    assert "secret" not in str(error)


async def test_a_server_that_never_answers_ends_in_a_timeout() -> None:
    client_gone = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()
        client_gone.set()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await refusal(f"postgresql://bob:secret@127.0.0.1:{port}/jira", statement_timeout_s=0.3)
        async with asyncio.timeout(5):
            await client_gone.wait()

    assert isinstance(error, DatabaseTimeout)
    assert "secret" not in str(error)


async def test_a_missing_postgresql_database_is_named_with_the_way_to_make_it() -> None:
    url = make_url(postgres_url()).set(database="no_such_database")

    error = await refusal(url.render_as_string(hide_password=False))

    assert isinstance(error, DatabaseUnavailable)
    assert "'no_such_database'" in error.message
    assert error.hint == "Create it: createdb no_such_database"


@pytest.mark.parametrize("change", [{"password": "wrong-secret"}, {"username": "nobody_we_know"}])
async def test_a_wrong_user_or_password_is_told_without_the_password(change: dict[str, str]) -> None:
    url = make_url(postgres_url()).set(**change)  # type: ignore[arg-type]  # the two keys are strings both

    error = await refusal(url.render_as_string(hide_password=False))

    assert isinstance(error, DatabaseUnavailable)
    assert "user or password" in error.message
    assert str(url.password) not in str(error)


@asynccontextmanager
async def write_lock(target: DatabaseTarget) -> AsyncIterator[None]:
    """Somebody else who holds what every change of the upgrade state needs."""
    if target.kind == "sqlite":
        file = sqlite3.connect(str(make_url(target.url).database), isolation_level=None)
        file.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            file.close()
        return
    async with await target.open() as other, other._transactions.write() as connection:
        await connection.exec_driver_sql("LOCK TABLE clusterupgradestate IN ACCESS EXCLUSIVE MODE")
        yield


async def test_a_write_lock_that_never_comes_ends_in_a_timeout_and_later_all_is_well(
    database: Database, database_target: DatabaseTarget
) -> None:
    async with await database_target.open(statement_timeout_s=0.5) as hasty:
        async with write_lock(database_target):
            with pytest.raises(DatabaseTimeout) as error:
                await hasty.upgrade_state.change(lambda _: STABLE, 5)
            assert error.value.hint
            if database_target.kind == "sqlite":
                assert isinstance(error.value, DatabaseBusy)

        assert await hasty.upgrade_state.history() == []
        assert await hasty.upgrade_state.change(lambda _: STABLE, 5) is not None


async def test_readers_are_not_held_up_by_a_writer(database: Database, database_target: DatabaseTarget) -> None:
    await database.projects.create("ZDU", "Rehearsal")
    async with await database_target.open() as other, database._transactions.write() as connection:
        await connection.exec_driver_sql("UPDATE project SET pcounter = 7")

        async with other._transactions.read() as reader:
            assert (await reader.exec_driver_sql("SELECT pcounter FROM project")).scalar_one() == 0


async def test_the_readers_connections_refuse_to_write(database: Database) -> None:
    with pytest.raises(DatabaseError):
        async with database._transactions.read() as connection:
            await connection.exec_driver_sql("DELETE FROM project")


async def test_a_cancelled_write_leaves_no_half_and_no_lock_behind(database: Database) -> None:
    await database.projects.create("ZDU", "Rehearsal")
    acknowledged = 0
    for count in range(60):
        task = asyncio.create_task(database.issues.create("ZDU", "Cancelled or not", "", "user1"))
        await turns(count)
        task.cancel()
        try:
            await task
            acknowledged += 1
        except asyncio.CancelledError:
            pass

    issues, total = await database.issues.search("", 0, 100)
    assert total >= acknowledged
    assert [issue.number for issue in issues] == list(range(total, 0, -1))
    assert (await database.issues.create("ZDU", "Still works", "", "user1")).number == total + 1


async def test_a_connection_that_is_cut_gives_the_lock_back_although_a_cursor_of_it_is_alive(tmp_path: Path) -> None:
    """As in the traceback of a task that was cancelled in the middle of a statement."""
    url = f"sqlite+aiosqlite:///{tmp_path}/zdu.db"
    async with (
        await Database.open(url) as cut,
        await Database.open(url, statement_timeout_s=1.0) as other,
    ):
        await cut.schema.create_base()
        async with cut._transactions._writer.connect() as connection:
            await connection.exec_driver_sql("DELETE FROM propertyentry")
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            cursor = await driver.execute("SELECT name FROM sqlite_master")
            assert await cursor.fetchone()
            await connection.invalidate()
        await other.properties.set("key", "value")
        assert cursor is not None, "it was alive all the time"


async def test_many_writers_of_one_process_queue_instead_of_failing(database: Database) -> None:
    await database.projects.create("ZDU", "Rehearsal")

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(database.issues.create("ZDU", "Busy", "", "user1")) for _ in range(60)]

    assert sorted(task.result().number for task in tasks) == list(range(1, 61))


async def test_a_full_disk_is_told_and_nothing_is_half_written(tmp_path: Path) -> None:
    async with await Database.open(f"sqlite:///{tmp_path}/zdu.db") as database:
        await database.schema.create_base()
        await database.projects.create("ZDU", "Rehearsal")
        async with database._transactions.write() as connection:
            # The writer's one connection keeps this limit: SQLite then answers as if the disk were full.
            pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
            await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

        with pytest.raises(DatabaseFull, match="disk is full"):
            await database.issues.create("ZDU", "Large", "x" * 100_000, "user1")

        assert await database.issues.search("", 0, 10) == ([], 0)


async def test_closing_twice_does_no_harm(database: Database) -> None:
    await database.close()
    await database.close()


async def test_a_postgresql_connection_that_was_cut_is_replaced(database_target: DatabaseTarget) -> None:
    if database_target.kind == "sqlite":
        pytest.skip("SQLite has no connections that a server could cut")
    async with await database_target.open() as database, await database_target.open() as other:
        await database.schema.create_base()
        async with other._transactions.write() as connection:
            mine = "SELECT pg_backend_pid()"
            async with database._transactions.write() as cut:
                pid = (await cut.exec_driver_sql(mine)).scalar_one()
            await connection.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")

        assert await database.upgrade_state.change(lambda _: STABLE, 5) is not None


async def test_a_connection_cut_in_the_middle_is_told_as_the_database_gone(database_target: DatabaseTarget) -> None:
    if database_target.kind == "sqlite":
        pytest.skip("SQLite has no connections that a server could cut")
    async with await database_target.open() as database, await database_target.open() as other:
        with pytest.raises(DatabaseUnavailable):
            async with database._transactions.write() as cut:
                pid = (await cut.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one()
                async with other._transactions.write() as connection:
                    await connection.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
                await cut.exec_driver_sql("SELECT 1")
