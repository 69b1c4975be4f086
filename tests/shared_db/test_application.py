"""Transitions, projects, boards, the index journal, messages and shared sessions, on both databases."""

import asyncio

import pytest
from sqlalchemy import event

from node.workflow import BOARD_COLUMNS, STATUSES, TransitionRefused, move
from shared_db import AlreadyExists, Database, NewIssue, SharedSession, User
from shared_db.index_journal import JournalWriter
from tests.support.databases import DatabaseTarget
from tests.support.waiting import eventually


@pytest.fixture
async def project(database: Database) -> Database:
    await database.projects.create("ZDU", "Rehearsal", "admin", board="ZDU board", columns=BOARD_COLUMNS)
    await database.issues.create("ZDU", "One", "", "user1")
    return database


async def test_a_transition_changes_status_history_and_comments_at_once(project: Database) -> None:
    started = await project.issues.transition("ZDU-1", "user1", lambda issue: move(issue, 11))
    done = await project.issues.transition("ZDU-1", "user2", lambda issue: move(issue, 31), "ready")

    assert started is not None
    assert done is not None
    assert (started.status, started.resolution, done.status, done.resolution) == ("3", None, "10001", "Done")
    assert await project.issues.get("ZDU-1") == done
    assert [
        (change.author, item.field, item.new)
        for change in await project.issues.history("ZDU-1")
        for item in change.items
    ] == [("user1", "status", "In Progress"), ("user2", "status", "Done"), ("user2", "resolution", "Done")]
    assert [(comment.author, comment.body) for comment in await project.issues.comments("ZDU-1")] == [
        ("user2", "ready")
    ]


async def test_a_refused_transition_leaves_no_trace(project: Database) -> None:
    with pytest.raises(TransitionRefused, match="To Do"):
        await project.issues.transition("ZDU-1", "user1", lambda issue: move(issue, 31), "never")

    assert await project.issues.history("ZDU-1") == []
    assert await project.issues.comments("ZDU-1") == []
    assert await project.issues.transition("ZDU-9", "user1", lambda issue: move(issue, 11)) is None


async def test_of_two_people_who_move_an_issue_at_the_same_moment_one_is_refused(
    project: Database, database_target: DatabaseTarget
) -> None:
    async with await database_target.open() as other:
        outcomes = await asyncio.gather(
            *(
                database.issues.transition("ZDU-1", "user1", lambda issue: move(issue, 11))
                for database in (project, other)
            ),
            return_exceptions=True,
        )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Issue", "TransitionRefused"]
    assert len(await project.issues.history("ZDU-1")) == 1


async def test_a_project_has_a_board_and_is_renamed(project: Database) -> None:
    await project.projects.create("OTHER", "Another")

    assert [(found.key, found.name, found.lead) for found in await project.projects.all()] == [
        ("OTHER", "Another", ""),
        ("ZDU", "Rehearsal", "admin"),
    ]
    (board,) = await project.projects.boards()
    assert (board.name, board.project_key) == ("ZDU board", "ZDU")
    assert [column.name for column in board.columns] == ["To Do", "In Progress", "Done"]
    assert await project.projects.rename("ZDU", "Dress rehearsal")
    assert not await project.projects.rename("NONE", "Nothing")
    assert (await project.projects.all())[1].name == "Dress rehearsal"
    with pytest.raises(AlreadyExists):
        await project.projects.create("ZDU", "Again")


async def test_statuses_keep_their_order_and_are_created_once(database: Database) -> None:
    await database.projects.create_statuses(STATUSES)
    await database.projects.create_statuses(STATUSES)

    assert await database.projects.statuses() == list(STATUSES)


async def test_every_change_of_an_issue_is_in_the_journal_of_its_node(
    project: Database, database_target: DatabaseTarget
) -> None:
    assert await project.index_journal.newest() == 0, "who has no name writes no journal"
    async with await database_target.open(node_id="node1") as node:
        created = await node.issues.create_many("ZDU", [NewIssue(f"{n}", "", "user1") for n in range(501)])
        await node.issues.edit("ZDU-1", "user1", summary="Two")
        await node.issues.edit("ZDU-1", "user1", summary="Two")
        await node.issues.add_comment("ZDU-2", "user1", "Hello")
        await node.issues.transition("ZDU-1", "user1", lambda issue: move(issue, 11))

    operations = await project.index_journal.after(0, 100)
    ids = [issue.id for issue in created]
    assert [operation.issue_ids for operation in operations] == [
        tuple(ids[:500]),
        (ids[500],),
        (1,),
        (ids[0],),
        (1,),
    ]
    assert {operation.node_id for operation in operations} == {"node1"}
    assert await project.index_journal.after(operations[-1].id, 100) == []
    assert await project.index_journal.newest_by_node() == {"node1": operations[-1].id}
    assert {issue.id for issue in await project.issues.with_ids([*ids, 10**9])} == set(ids)


async def test_counters_tell_how_far_a_node_has_come_with_each_other(database: Database) -> None:
    await database.index_journal.count_up("node1", {"node2": 5, "node3": 7})
    await database.index_journal.count_up("node1", {"node2": 9})
    await database.index_journal.count_up("node2", {})

    assert await database.index_journal.counters("node1") == {"node2": 9, "node3": 7}
    assert await database.index_journal.counters("node2") == {}


async def test_however_many_nodes_have_written_they_are_counted_in_one_statement(database: Database) -> None:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    consumed = {f"node{number}": number for number in range(1, 51)}
    writer = database._transactions._writer.sync_engine
    event.listen(writer, "before_cursor_execute", note)
    try:
        await database.index_journal.count_up("node1", consumed)
        await database.index_journal.count_up("node1", {**consumed, "node7": 99})
    finally:
        event.remove(writer, "before_cursor_execute", note)

    assert await database.index_journal.counters("node1") == {**consumed, "node7": 99}
    assert len([statement for statement in statements if "nodeindexcounter" in statement]) == 2


async def test_nobody_passes_a_journal_entry_that_is_still_being_written(
    project: Database, database_target: DatabaseTarget
) -> None:
    """A reader who remembers the last id it has seen would never look for a smaller one that is shown later."""
    if database_target.kind != "postgresql":
        pytest.skip("SQLite has one writer at a time")

    async def waits() -> bool:
        async with project._transactions.read() as connection:
            sql = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            return later.done() or bool((await connection.exec_driver_sql(sql)).scalar_one())

    async with await database_target.open(node_id="node2") as other:
        async with project._transactions.write() as connection:
            await JournalWriter("node1").note(connection, [1], "UPDATE")
            later = asyncio.create_task(other.issues.create("ZDU", "Later", "", "user1"))
            await eventually(waits, True)
            assert await project.index_journal.after(0, 10) == []
        await later

    operations = await project.index_journal.after(0, 10)
    assert [operation.node_id for operation in operations] == ["node1", "node2"]


async def test_the_journal_and_messages_are_purged_by_age(
    database: Database, database_target: DatabaseTarget
) -> None:
    await database.projects.create("ZDU", "Rehearsal")
    async with await database_target.open(node_id="node1") as node:
        await node.issues.create("ZDU", "One", "", "user1")
        await node.messages.tell("hello")

    newest = await database.index_journal.newest()
    assert await database.index_journal.has(newest)
    assert await database.index_journal.purge(60.0) == 0
    assert await database.messages.purge(60.0) == 0
    assert await database.index_journal.purge(-60.0) == 1
    assert await database.messages.purge(-60.0) == 1
    assert not await database.index_journal.has(newest)


async def test_ids_that_readers_remember_never_come_again_though_all_rows_are_purged(
    database: Database, database_target: DatabaseTarget
) -> None:
    await database.projects.create("ZDU", "Rehearsal")
    async with await database_target.open(node_id="node1") as node:
        for _ in range(2):
            await node.issues.create("ZDU", "One", "", "user1")
            await node.messages.tell("hello")
        operation, message = await database.index_journal.newest(), await database.messages.newest()
        assert await database.index_journal.purge(-60.0) == 2
        assert await database.messages.purge(-60.0) == 2

        await node.issues.create("ZDU", "One", "", "user1")
        await node.messages.tell("news")

    assert len(await database.index_journal.after(operation, 10)) == 1
    assert [news.text for news in await database.messages.after(message, "node2")] == ["news"]


async def test_a_message_reaches_all_others_and_not_its_own_sender(
    database: Database, database_target: DatabaseTarget
) -> None:
    async with await database_target.open(node_id="node1") as node:
        before = await node.messages.newest()
        await node.messages.tell("hello")
        await node.projects.create("ZDU", "Rehearsal")

    heard = await database.messages.after(before, "node2")
    assert [(message.source, message.text) for message in heard] == [("node1", "hello"), ("node1", "projects")]
    assert await database.messages.after(before, "node1") == []
    assert await database.messages.after(heard[-1].id, "node2") == []


async def test_what_any_one_node_may_do_is_claimed_by_one_and_heard_by_nobody_afterwards(
    database: Database, database_target: DatabaseTarget
) -> None:
    async with await database_target.open(node_id="node1") as node:
        await node.messages.ask_any("please")
        await node.messages.tell("for you", to="node2")
    (request, _), (also,) = await database.messages.after(0, "node2"), await database.messages.after(0, "node3")
    assert request == also

    node_ids = ("node2", "node3", "node4")
    claims = await asyncio.gather(*(database.messages.claim(request.id, node_id) for node_id in node_ids))

    assert sorted(claims) == [False, False, True]
    assert await database.messages.claim(request.id, node_ids[claims.index(True)]), "claiming twice is claiming once"
    assert [message.text for message in await database.messages.after(0, "node2")] == ["for you"]
    assert not await database.messages.claim(request.id + 1, "node2"), "nobody was free to choose who does that"


async def test_the_last_administrator_stays_one_whoever_asks(
    database: Database, database_target: DatabaseTarget
) -> None:
    await database.users.create_many([User(name, name, "-", administrator=True) for name in ("ada", "bob")])
    async with await database_target.open(node_id="node2") as other:
        taken = await asyncio.gather(
            database.users.set_administrator("ADA", administrator=False),
            other.users.set_administrator("bob", administrator=False),
        )

    assert sorted(taken) == [False, True]
    people = [await database.users.get(name) for name in ("ada", "bob")]
    assert sorted(person.administrator for person in people if person) == [False, True]


async def test_a_shared_session_is_found_by_its_hash_until_it_is_idle_or_deleted(database: Database) -> None:
    session = SharedSession("user1", "xsrf", None, "")
    await database.shared_sessions.create("a" * 64, session, 60.0)

    assert await database.shared_sessions.find("a" * 64, 60.0) == session
    assert await database.shared_sessions.find("b" * 64, 60.0) is None
    assert await database.shared_sessions.find("\x00", 60.0) is None
    assert await database.shared_sessions.find("a" * 64, -60.0) is None, "idle for too long"
    await database.shared_sessions.keep_work("a" * 64, "half done")
    assert await database.shared_sessions.find("a" * 64, 60.0) == SharedSession("user1", "xsrf", None, "half done")
    await database.shared_sessions.delete("a" * 64)
    assert await database.shared_sessions.find("a" * 64, 60.0) is None


async def test_killing_a_users_sessions_takes_tokens_and_shared_sessions_and_tells_the_others(
    database: Database, database_target: DatabaseTarget
) -> None:
    async with await database_target.open(node_id="node1") as node:
        token_id = await node.remember_me.create("User1", "h" * 64, 600.0)
        other_id = await node.remember_me.create("user2", "i" * 64, 600.0)
        await node.shared_sessions.create("a" * 64, SharedSession("User1", "x", token_id, ""), 60.0)
        await node.users.forget_sessions("user1", "sessions abc")

    assert await database.remember_me.find(token_id, "h" * 64) is None
    assert await database.remember_me.find(other_id, "i" * 64) == "user2"
    assert await database.shared_sessions.find("a" * 64, 60.0) is None
    assert [message.text for message in await database.messages.after(0, "node2")] == ["sessions abc"]
