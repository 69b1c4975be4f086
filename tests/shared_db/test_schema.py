"""The schema over the life of two releases: base, expanded, filled, while nodes of both work on it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared_db import Database, DatabaseNotSetUp, NewIssue, StepFailed
from shared_db.steps import Step, StepKind
from tests.support.databases import DatabaseTarget
from zdu.errors import UsageError

ADD = "73013-add-jiraissue-summary-lower"
FILL = "73013-fill-jiraissue-summary-lower"
INDEX = "73013-index-jiraissue-summary-lower"


@pytest.fixture
async def newer(database: Database, database_target: DatabaseTarget) -> AsyncIterator[Database]:
    """The same database as a node of 7.3.2 opens it; ``database`` is the one of a node of 7.3.0."""
    await database.projects.create("ZDU", "Rehearsal")
    async with await database_target.open(features=frozenset({"jiraissue.summary_lower"})) as newer:
        yield newer


async def found(database: Database, text: str) -> list[str]:
    return [issue.key for issue in (await database.issues.search(text, 0, 50))[0]]


async def test_a_fresh_database_is_not_set_up_until_the_tables_are_made(database_target: DatabaseTarget) -> None:
    async with await database_target.open() as database:
        assert not await database.schema.is_set_up()
        with pytest.raises(DatabaseNotSetUp, match="no tables") as error:
            await database.users.count()
        assert "zdu db setup" in error.value.hint

        await database.schema.create_base()
        await database.schema.create_base()

        assert await database.schema.is_set_up()
        assert await database.schema.applied() == set()


async def test_expanding_applies_each_step_once(newer: Database) -> None:
    assert await newer.schema.expand([ADD]) == [ADD]
    assert await newer.schema.expand([ADD]) == []
    assert await newer.schema.expand([]) == []
    assert await newer.schema.applied() == {ADD}


async def test_a_task_runs_once(newer: Database) -> None:
    await newer.schema.expand([ADD])

    assert await newer.schema.run_task(FILL)
    assert not await newer.schema.run_task(FILL)
    assert await newer.schema.run_task(INDEX)
    assert await newer.schema.applied() == {ADD, FILL, INDEX}


async def test_steps_are_known_by_name_and_kind(newer: Database) -> None:
    with pytest.raises(UsageError, match="'nonsense'"):
        await newer.schema.expand(["nonsense"])
    with pytest.raises(UsageError, match=FILL):
        await newer.schema.expand([FILL])
    with pytest.raises(UsageError, match=ADD):
        await newer.schema.run_task(ADD)


async def test_a_node_of_the_old_release_works_on_the_expanded_schema(database: Database, newer: Database) -> None:
    before = await database.issues.create("ZDU", "Before", "", "user1")
    await newer.schema.expand([ADD])

    assert await database.issues.get(before.key) == before
    assert (await database.issues.create("ZDU", "After", "", "user1")).key == "ZDU-2"
    edited = await database.issues.edit("ZDU-2", "user1", summary="Later")
    assert edited is not None
    assert edited.summary == "Later"
    assert await found(database, "later") == ["ZDU-2"]


async def test_what_one_release_writes_the_other_reads(database: Database, newer: Database) -> None:
    await newer.schema.expand([ADD])

    written = await newer.issues.create("ZDU", "New node", "", "user1")
    assert await database.issues.get(written.key) == written
    changed = await database.issues.edit(written.key, "user1", summary="Old node")
    assert await newer.issues.get(written.key) == changed


async def test_before_the_fill_task_a_newer_node_still_finds_what_older_ones_write(
    database: Database, newer: Database
) -> None:
    await newer.schema.expand([ADD])
    await database.issues.create("ZDU", "Missing", "", "user1")
    await newer.issues.create("ZDU", "Stale", "", "user1")
    await database.issues.edit("ZDU-2", "user1", summary="Renamed")

    for node in (database, newer):
        assert await found(node, "missing") == ["ZDU-1"]
        assert await found(node, "stale") == []
        assert await found(node, "renamed") == ["ZDU-2"]


async def test_after_the_fill_task_summaries_are_found_in_any_case_of_any_language(
    database: Database, newer: Database
) -> None:
    await newer.schema.expand([ADD])
    await database.issues.create("ZDU", "ÄRGER", "", "user1")
    await newer.issues.create("ZDU", "Stale", "", "user1")
    await database.issues.edit("ZDU-2", "user1", summary="ÖL")
    await newer.schema.run_task(FILL)
    await newer.schema.run_task(INDEX)

    assert await found(newer, "ärger") == ["ZDU-1"]
    assert await found(newer, "öl") == ["ZDU-2"]
    assert await found(newer, "stale") == []
    await newer.issues.create("ZDU", "ÜBER", "", "user1")
    await newer.issues.edit("ZDU-2", "user1", summary="ØRE 50%")
    assert await found(newer, "über") == ["ZDU-3"]
    assert await found(newer, "øre 50%") == ["ZDU-2"]


async def test_the_fill_task_fills_more_than_one_batch(database: Database, newer: Database) -> None:
    await newer.schema.expand([ADD])
    await database.issues.create_many("ZDU", [NewIssue(f"Ä {n}", "", "user1") for n in range(1101)])

    await newer.schema.run_task(FILL)

    assert (await newer.issues.search("ä ", 0, 1))[1] == 1101


async def test_a_step_that_is_cut_short_ends_cancelled_although_cleaning_up_after_it_fails(
    newer: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As alembic does when it copies a table: it catches everything, and drops the copy first."""

    def cut_short(op: object) -> None:
        current = asyncio.current_task()
        assert current is not None
        try:
            current.cancel()
            op.execute("CREATE TABLE copy (id INTEGER)")  # type: ignore[attr-defined]  # alembic's Operations
        except BaseException:
            op.execute("DROP TABLE copy")  # type: ignore[attr-defined]  # alembic's Operations
            raise

    with monkeypatch.context() as patch:
        patch.setattr("shared_db.schema.find_step", lambda name, kind: Step(name, kind, cut_short))
        work = asyncio.create_task(newer.schema.contract([FILL]))
        await asyncio.wait([work])

    assert work.cancelled()
    assert await newer.schema.applied() == set(), "the connection is of use again, and nothing has happened"


async def test_a_failing_task_is_rolled_back_whole_and_can_be_tried_again(
    newer: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_a_task(op: object) -> None:
        op.execute("UPDATE project SET pname = 'half done'")  # type: ignore[attr-defined]  # alembic's Operations
        op.execute("UPDATE project SET no_such_column = 1")  # type: ignore[attr-defined]  # alembic's Operations

    broken = Step(FILL, StepKind.TASK, half_a_task)
    await newer.schema.expand([ADD])
    with monkeypatch.context() as patch:
        patch.setattr("shared_db.schema.find_step", lambda _name, _kind: broken)
        with pytest.raises(StepFailed, match=FILL):
            await newer.schema.run_task(FILL)

    assert await newer.schema.applied() == {ADD}
    async with newer._transactions.read() as connection:
        assert (await connection.exec_driver_sql("SELECT pname FROM project")).scalar_one() == "Rehearsal"
    assert await newer.schema.run_task(FILL)


async def test_a_dropped_database_is_gone(database_target: DatabaseTarget) -> None:
    async with await database_target.open() as database:
        await database.schema.create_base()
        await database.schema.drop()
    async with await database_target.open() as database:
        assert not await database.schema.is_set_up()
