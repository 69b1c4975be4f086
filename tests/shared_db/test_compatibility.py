"""Every statement of two neighbouring releases against every schema that they meet while one follows the other.

One database is walked from the oldest release to the newest. At each release: the base (all is contracted for the
release before), expanded by the new one's first node, migrated by its upgrade tasks, contracted once it is STABLE.
The nodes of both work on it all the time, and what must work of each is said by :func:`expected`. Statements that do
not name the table that a release changes are left out there: to them all its states are the same.
"""

import inspect
import re
from collections.abc import Awaitable, Callable
from itertools import count, pairwise

from sqlalchemy import event

from node.releases import Release, find_release, known_versions
from shared_db import ChangeItem, Database, Moved, NewUser, StatementRefused
from shared_db.issues import IssuesGateway
from shared_db.projects import ProjectsGateway
from shared_db.remember_me import RememberMeGateway
from shared_db.steps import COLUMNS, AddedColumn
from shared_db.tables import metadata
from shared_db.users import UsersGateway
from tests.support.databases import DatabaseTarget

STATES = ("base", "expanded", "migrated", "contracted")
PAIRS = list(pairwise(find_release(version) for version in known_versions()))
_number = count(1)


async def _create_project(database: Database) -> None:
    await database.projects.create(f"P{next(_number)}", "Another")


async def _create_user(database: Database) -> None:
    await database.users.create_many([NewUser(f"user{next(_number)}", "Somebody", "secret")])


async def _edit(database: Database) -> None:
    await database.issues.edit("ZDU-1", "user1", f"Summary {next(_number)}", f"Description {next(_number)}")


async def _transition(database: Database) -> None:
    moved = Moved("3", None, (ChangeItem("status", "To Do", "In Progress"),))
    await database.issues.transition("ZDU-1", "user1", lambda _: moved, "Text")


async def _remember(database: Database) -> None:
    await database.remember_me.create("user1", "hash", 60.0)


Operation = tuple[str, Callable[[Database], Awaitable[object]], frozenset[str]]

OPERATIONS: tuple[Operation, ...] = (
    ("projects.create", _create_project, frozenset({"project"})),
    ("issues.create", lambda db: db.issues.create("ZDU", "Summary", "Text", "user1"), frozenset({"jiraissue"})),
    ("issues.edit", _edit, frozenset({"changegroup", "changeitem"})),
    ("issues.add_comment", lambda db: db.issues.add_comment("ZDU-1", "user1", "Text"), frozenset({"jiraaction"})),
    ("issues.transition", _transition, frozenset({"changegroup", "changeitem", "jiraaction"})),
    ("issues.comment_many", lambda db: db.issues.comment_many(["ZDU-1"], "user1", "Text"), frozenset({"jiraaction"})),
    ("users.create_many", _create_user, frozenset({"cwd_user"})),
    ("remember_me.create", _remember, frozenset({"remembermetoken"})),
    ("issues.get", lambda db: db.issues.get("ZDU-1"), frozenset()),
    ("issues.search", lambda db: db.issues.search("summary", 0, 10), frozenset()),
    ("issues.details", lambda db: db.issues.details("ZDU-1"), frozenset()),
    ("issues.with_ids", lambda db: db.issues.with_ids([1]), frozenset()),
    ("issues.following", lambda db: db.issues.following(0, 1), frozenset()),
    ("issues.count", lambda db: db.issues.count(), frozenset()),
    ("issues.comments", lambda db: db.issues.comments("ZDU-1"), frozenset()),
    ("issues.history", lambda db: db.issues.history("ZDU-1"), frozenset()),
    ("users.get", lambda db: db.users.get("user1"), frozenset()),
    ("users.count", lambda db: db.users.count(), frozenset()),
    ("users.set_administrator", lambda db: db.users.set_administrator("user1", administrator=True), frozenset()),
    ("users.forget_sessions", lambda db: db.users.forget_sessions("nobody", "sessions x"), frozenset()),
    ("projects.rename", lambda db: db.projects.rename("ZDU", "Another name"), frozenset()),
    ("projects.all", lambda db: db.projects.all(), frozenset()),
    ("projects.boards", lambda db: db.projects.boards(), frozenset()),
    ("projects.statuses", lambda db: db.projects.statuses(), frozenset()),
    ("remember_me.find", lambda db: db.remember_me.find(1, "hash"), frozenset()),
    ("remember_me.revoke", lambda db: db.remember_me.revoke(1, "hash"), frozenset()),
    ("remember_me.delete", lambda db: db.remember_me.delete(1), frozenset()),
)
"""What nodes do, by gateway and method, and the tables that it inserts into."""

NOT_BY_NODES = {"issues.create_many", "projects.create_statuses"}
"""Only the set-up does this; ``issues.create`` is it with one issue."""


def expected(column: AddedColumn, state: str, *, newer: bool, inserts: frozenset[str]) -> str:
    """What must come of an operation: ``works``, ``refused``, or nothing that must be."""
    inserts_there = column.table in inserts
    match state, newer:
        case "base", True:  # before its own expand step: never in a cluster, and the proof that it needs the column
            return "refused" if inserts_there else ""
        case "contracted", False:  # what must not be done before the STABLE row
            return "refused" if inserts_there else "works"
    return "works"


async def _tables_named(database: Database) -> dict[str, set[str]]:
    """The tables that the statements of each operation name, as seen by running them."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    named = {}
    for engine in (database._transactions._writer, database._transactions._reader):
        event.listen(engine.sync_engine, "before_cursor_execute", note)
    for name, operation, _ in OPERATIONS:
        statements.clear()
        await operation(database)
        named[name] = set(re.findall(r"\w+", " ".join(statements))) & set(metadata.tables)
    return named


async def _deviations(
    database: Database, release: Release, column: AddedColumn, state: str, named: dict[str, set[str]]
) -> list[str]:
    """What a node of ``release`` could not do in ``state`` and should, or could and should not."""
    found = []
    for name, operation, inserts in OPERATIONS:
        if column.table not in named[name]:
            continue
        outcome, detail = "works", ""
        try:
            await operation(database)
        except StatementRefused as refused:
            outcome, detail = "refused", f": {refused.reason} in {refused.statement}"
        wanted = expected(column, state, newer=release.build == column.build, inserts=inserts)
        if wanted not in ("", outcome):
            found.append(f"{name} of {release.version} on the schema {state} for {column.feature}: {outcome}{detail}")
    return found


async def _enter(database: Database, newer: Release, state: str) -> None:
    match state:
        case "expanded":
            await database.schema.expand(newer.expand_steps)
        case "migrated":
            done = await database.schema.applied()
            for task in newer.upgrade_tasks:
                if task not in done:
                    await database.schema.run_task(task)
        case "contracted":
            await database.schema.contract(newer.contract_steps)


async def test_each_statement_of_neighbouring_releases_works_on_each_schema_that_it_must(
    database: Database, database_target: DatabaseTarget
) -> None:
    await database.projects.create("ZDU", "Rehearsal")
    await database.issues.create("ZDU", "First", "", "user1")
    async with await database_target.open() as oldest:
        named = await _tables_named(oldest)
    deviations: list[str] = []
    for older, newer in PAIRS:
        (column,) = (column for column in COLUMNS if column.feature in newer.features - older.features)
        async with (
            await database_target.open(older.features) as old_node,
            await database_target.open(newer.features) as new_node,
        ):
            for state in STATES:
                await _enter(new_node, newer, state)
                if state != "base":  # there the older one has just been tried, as the newer one of the pair before
                    deviations += await _deviations(old_node, older, column, state, named)
                deviations += await _deviations(new_node, newer, column, state, named)

    assert deviations == []
    assert {table for tables in named.values() for table in tables} >= {column.table for column in COLUMNS}


def test_every_method_of_the_gateways_whose_tables_releases_change_is_among_the_operations() -> None:
    gateways = {
        "issues": IssuesGateway,
        "projects": ProjectsGateway,
        "users": UsersGateway,
        "remember_me": RememberMeGateway,
    }
    methods = {
        f"{name}.{method}"
        for name, gateway in gateways.items()
        for method, _ in inspect.getmembers(gateway, inspect.iscoroutinefunction)
        if not method.startswith("_")
    }

    assert methods == {name for name, _, _ in OPERATIONS} | NOT_BY_NODES


def test_each_release_but_the_first_adds_one_column_with_all_its_steps() -> None:
    assert [newer.build for _, newer in PAIRS] == [column.build for column in COLUMNS]
    for (older, newer), column in zip(PAIRS, COLUMNS, strict=True):
        add, fill, index, require = (step.name for step in column.steps())
        assert newer.expand_steps == (*older.expand_steps, add)
        assert newer.upgrade_tasks == (*older.upgrade_tasks, fill, index)
        assert newer.contract_steps == (*older.contract_steps, require)
        assert newer.features == older.features | {column.feature}
