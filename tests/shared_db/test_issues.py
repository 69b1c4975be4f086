import pytest

from shared_db import AlreadyExists, ChangeItem, Database, DatabaseError, NewIssue, ValueRejected


@pytest.fixture
async def project(database: Database) -> Database:
    await database.projects.create("ZDU", "Rehearsal")
    return database


async def test_issues_get_consecutive_keys_of_their_project(project: Database) -> None:
    await project.projects.create("OTHER", "Another")

    first = await project.issues.create("ZDU", "One", "text", "user1")
    other = await project.issues.create("OTHER", "Elsewhere", "", "user1")
    second = await project.issues.create("ZDU", "Two", "", "user2")

    assert [issue.key for issue in (first, other, second)] == ["ZDU-1", "OTHER-1", "ZDU-2"]
    assert await project.issues.get("ZDU-1") == first
    assert (first.summary, first.description, first.reporter) == ("One", "text", "user1")
    assert first.created_ms == pytest.approx(first.updated_ms, abs=1000)


async def test_many_issues_are_created_at_once(project: Database) -> None:
    created = await project.issues.create_many("ZDU", [NewIssue(f"Issue {n}", "", "user1") for n in range(1, 31)])

    assert [issue.key for issue in created] == [f"ZDU-{number}" for number in range(1, 31)]
    assert (await project.issues.create("ZDU", "Next", "", "user1")).key == "ZDU-31"
    assert await project.issues.create_many("ZDU", []) == []


@pytest.mark.parametrize(
    "key", ["ZDU-2", "OTHER-1", "ZDU", "ZDU-", "-1", "ZDU--1", "ZDU-1x", "ZDU-²", "ZDU-" + "9" * 30, "Z\x00-1", ""]
)
async def test_a_key_without_an_issue_is_none(project: Database, key: str) -> None:
    await project.issues.create("ZDU", "One", "", "user1")

    assert await project.issues.get(key) is None
    assert await project.issues.edit(key, "user1", summary="New") is None
    assert await project.issues.add_comment(key, "user1", "Hello") is None
    assert await project.issues.comments(key) == []
    assert await project.issues.history(key) == []


async def test_a_project_must_exist_and_cannot_be_made_twice(project: Database) -> None:
    with pytest.raises(AlreadyExists, match="ZDU"):
        await project.projects.create("ZDU", "Again")
    with pytest.raises(DatabaseError, match="no project NONE"):
        await project.issues.create("NONE", "One", "", "user1")


@pytest.mark.parametrize("summary", ["x" * 256, "a\x00b", "\udcff"])
async def test_a_summary_that_cannot_be_stored_is_refused_and_costs_no_key(project: Database, summary: str) -> None:
    with pytest.raises(ValueRejected):
        await project.issues.create("ZDU", summary, "", "user1")

    longest = await project.issues.create("ZDU", "ä" * 255, "", "user1")
    assert longest.key == "ZDU-1"
    with pytest.raises(ValueRejected):
        await project.issues.edit("ZDU-1", "user1", summary=summary)
    assert await project.issues.get("ZDU-1") == longest


async def test_an_edit_records_who_changed_what(project: Database) -> None:
    await project.issues.create("ZDU", "Old", "Same", "user1")

    edited = await project.issues.edit("ZDU-1", "user2", summary="New", description="Other")
    await project.issues.edit("ZDU-1", "user3", description="")

    assert edited is not None
    assert (edited.summary, edited.description, edited.reporter) == ("New", "Other", "user1")
    assert edited.updated_ms >= edited.created_ms
    assert [(change.author, change.items) for change in await project.issues.history("ZDU-1")] == [
        ("user2", (ChangeItem("summary", "Old", "New"), ChangeItem("description", "Same", "Other"))),
        ("user3", (ChangeItem("description", "Other", ""),)),
    ]


async def test_an_edit_that_changes_nothing_leaves_no_trace(project: Database) -> None:
    issue = await project.issues.create("ZDU", "Same", "text", "user1")

    assert await project.issues.edit("ZDU-1", "user2", summary="Same") == issue
    assert await project.issues.edit("ZDU-1", "user2") == issue
    assert await project.issues.history("ZDU-1") == []


async def test_comments_come_in_the_order_they_were_made(project: Database) -> None:
    await project.issues.create("ZDU", "One", "", "user1")
    await project.issues.create("ZDU", "Two", "", "user1")

    first = await project.issues.add_comment("ZDU-1", "user1", "Hello")
    await project.issues.add_comment("ZDU-2", "user1", "Elsewhere")
    second = await project.issues.add_comment("ZDU-1", "user2", "World ✓\n")

    assert await project.issues.comments("ZDU-1") == [first, second]
    assert first is not None
    assert (first.author, first.body) == ("user1", "Hello")


async def test_a_search_finds_summaries_in_any_case_newest_first(project: Database) -> None:
    for summary in ("Printer on fire", "Coffee is cold", "The PRINTER again", "Ärger mit Öl"):
        await project.issues.create("ZDU", summary, "", "user1")

    issues, total = await project.issues.search("printer", 0, 50)
    assert ([issue.key for issue in issues], total) == (["ZDU-3", "ZDU-1"], 2)
    issues, total = await project.issues.search("Ärger", 0, 50)
    assert [issue.key for issue in issues] == ["ZDU-4"]


async def test_a_search_gives_one_page_and_the_total(project: Database) -> None:
    await project.issues.create_many("ZDU", [NewIssue(f"Issue {n}", "", "user1") for n in range(1, 8)])

    issues, total = await project.issues.search("", 2, 3)
    assert ([issue.key for issue in issues], total) == (["ZDU-5", "ZDU-4", "ZDU-3"], 7)
    assert await project.issues.search("", 10**30, 3) == ([], 7)
    assert await project.issues.search("", -5, 0) == ([], 7)


@pytest.mark.parametrize("text", ["%", "_", "50% of", "a_b", "c/d", "'; drop table jiraissue; --"])
async def test_a_search_takes_every_character_for_itself(project: Database, text: str) -> None:
    for summary in ("plain", "axb", f"with {text} in it"):
        await project.issues.create("ZDU", summary, "", "user1")

    issues, _ = await project.issues.search(text, 0, 50)

    assert [issue.key for issue in issues] == ["ZDU-3"]


async def test_a_search_for_what_cannot_be_stored_finds_nothing(project: Database) -> None:
    await project.issues.create("ZDU", "One", "", "user1")
    assert await project.issues.search("a\x00", 0, 50) == ([], 0)
