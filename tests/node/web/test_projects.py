"""Projects, boards, the workflow and bulk edit, as people and programs use them."""

import json
from typing import Any

import pytest

from tests.support.web_node import Answer, Browser, WebNode

TRANSITIONS = "/rest/api/2/issue/ZDU-1/transitions"
BULK = "/secure/views/bulkedit/BulkEdit{}.jspa"
_JSON = {"Content-Type": "application/json"}


async def _found(browser: Browser, jql: str) -> list[str]:
    answer = await browser.get("/rest/api/2/search", params={"jql": jql})
    return [issue["key"] for issue in json.loads(answer.text)["issues"]]


async def test_an_issue_is_moved_along_its_workflow_by_the_buttons_on_its_page(user: Browser) -> None:
    page = await user.get("/browse/ZDU-1")
    assert '<dd id="status-val"><span class="lozenge grey">To Do</span></dd>' in page.text
    assert "Start progress" in page.text
    assert "Reopen" not in page.text

    moved = await user.submit("/secure/WorkflowUIDispatcher.jspa", key="ZDU-1", action="11", comment="mine now")
    await user.submit("/secure/WorkflowUIDispatcher.jspa", key="ZDU-1", action="31")

    assert (moved.status, moved.location) == (302, "/browse/ZDU-1")
    page = await user.get("/browse/ZDU-1")
    assert '<dd id="status-val"><span class="lozenge green">Done</span></dd>' in page.text
    assert '<dd id="resolution-val">Done</dd>' in page.text
    assert "mine now" in page.text
    assert "<del>To Do</del>" in page.text
    assert await _found(user, "status = done") == ["ZDU-1"]


@pytest.mark.parametrize("action", ["31", "11111", "0", ""])
async def test_a_transition_that_the_workflow_does_not_have_is_refused_and_nothing_is_written(
    user: Browser, action: str
) -> None:
    refused = await user.submit("/secure/WorkflowUIDispatcher.jspa", key="ZDU-1", action=action, comment="lost?")

    assert (refused.status, refused.page) == (409, "issue")
    assert "it can be moved by: Start progress" in refused.text
    assert "lost?" in refused.text, "what was typed is not lost"
    assert await user.node.database.issues.comments("ZDU-1") == []
    assert (await user.submit("/secure/WorkflowUIDispatcher.jspa", key="ZDU-99", action="11")).status == 404


async def test_programs_move_issues_too(user: Browser) -> None:
    ways = json.loads((await user.get(TRANSITIONS)).text)["transitions"]
    assert [(way["id"], way["name"], way["to"]["name"]) for way in ways] == [("11", "Start progress", "In Progress")]

    assert (await user.post(TRANSITIONS, json={"transition": {"id": "11"}})).status == 204
    again = await user.post(TRANSITIONS, json={"transition": {"id": "11"}})

    assert (again.status, "In Progress" in again.text) == (400, True)
    issue = json.loads((await user.get("/rest/api/2/issue/ZDU-1")).text)
    assert issue["fields"]["status"] == {"id": "3", "name": "In Progress"}
    no_transitions: list[dict[str, Any]] = [{}, {"transition": {}}, {"transition": {"id": "x"}}]
    for body in (*no_transitions, {"transition": {"id": "9" * 30}}):
        assert (await user.post(TRANSITIONS, json=body)).status == 400
    assert (await user.post(TRANSITIONS.replace("-1", "-9"), json={"transition": {"id": "11"}})).status == 404


async def test_a_board_shows_each_issue_in_the_column_of_its_status(user: Browser) -> None:
    await user.post(TRANSITIONS, json={"transition": {"id": "11"}})

    page = await user.get("/secure/RapidBoard.jspa?rapidView=1")

    assert (page.status, page.page) == (200, "board")
    columns = page.text.split('<section class="column"')[1:]
    assert [("ZDU-1" in column, "ZDU-2" in column) for column in columns] == [
        (False, True),
        (True, False),
        (False, False),
    ]
    for board in ("2", "x", ""):
        assert (await user.get("/secure/RapidBoard.jspa", params={"rapidView": board})).status in {400, 404}
    boards = json.loads((await user.get("/rest/agile/1.0/board")).text)["values"]
    assert [board["name"] for board in boards] == ["ZDU board"]
    issues = json.loads((await user.get("/rest/agile/1.0/board/1/issue")).text)
    assert [issue["key"] for issue in issues["issues"]] == ["ZDU-2", "ZDU-1"]
    assert (await user.get("/rest/agile/1.0/board/7/issue")).status == 404


async def test_a_project_counts_its_issues_by_status(user: Browser) -> None:
    page = await user.get("/projects/zdu")

    assert (page.status, page.page) == (200, "project")
    assert "Zero Downtime" in page.text
    assert '<a href="/issues/?jql=project%20%3D%20ZDU%20AND%20status%20%3D%20%22To%20Do%22">2</a>' in page.text
    assert "/projects/ZDU" in (await user.get("/secure/BrowseProjects.jspa")).text
    assert (await user.get("/projects/NONE")).status == 404


async def test_an_administrator_creates_and_renames_a_project_and_issues_go_there(
    admin: Browser, user: Browser
) -> None:
    created = await admin.post("/rest/api/2/project", json={"key": "NEW", "name": "New", "lead": "user1"})
    assert (created.status, json.loads(created.text)["key"]) == (201, "NEW")
    written = await user.submit("/secure/CreateIssue.jspa", project="NEW", summary="First")
    by_program = await user.post(
        "/rest/api/2/issue", json={"fields": {"project": {"key": "NEW"}, "summary": "Second"}}
    )
    assert (written.location, by_program.status) == ("/browse/NEW-1", 201)
    assert await _found(user, "project = NEW") == ["NEW-2", "NEW-1"]
    await admin.request("PUT", "/rest/api/2/project/new", json={"name": "Newer"})
    assert "Newer" in (await user.get("/projects/NEW")).text
    assert "NEW board" in (await user.get("/secure/BrowseProjects.jspa")).text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"key": "ZDU", "name": "Again"}, "projectKey"),
        ({"key": "lower", "name": "x"}, "projectKey"),
        ({"key": 7, "name": "x"}, "projectKey"),
        ({"key": "NEW", "name": " "}, "projectName"),
        ({"key": "NEW", "name": "x" * 81}, "projectName"),
        ({"key": "NEW", "name": "a\x00"}, "projectName"),
        ({"key": "NEW", "name": "x", "lead": "nobody"}, "projectLead"),
        ({"key": "NEW", "name": "x", "lead": 3}, "projectLead"),
    ],
)
async def test_a_project_that_cannot_be_is_refused_with_the_field_at_fault(
    admin: Browser, body: dict[str, object], field: str
) -> None:
    refused = await admin.post("/rest/api/2/project", json=body)

    assert (refused.status, list(json.loads(refused.text)["errors"])) == (400, [field])
    assert [project.key for project in await admin.node.database.projects.all()] == ["ZDU"]


async def test_a_search_names_project_and_status_and_refuses_an_unknown_one(user: Browser) -> None:
    assert await _found(user, 'project = ZDU AND status = "To Do" AND text ~ description') == ["ZDU-1"]
    assert await _found(user, "project = OTHER") == []
    assert (await user.get("/rest/api/2/search", params={"jql": "status = Odd"})).status == 400
    assert "does not exist" in (await user.get("/issues/", params={"jql": "status = Odd"})).text


async def test_the_picker_suggests_by_summary(user: Browser) -> None:
    answer = json.loads((await user.get("/rest/api/2/issue/picker?query=FIRST")).text)

    assert [issue["key"] for issue in answer["sections"][0]["issues"]] == ["ZDU-1"]


async def _begin_bulk(browser: Browser) -> str:
    chosen = await browser.submit(BULK.format(1), **{"issue_ZDU-1": "on", "issue_ZDU-2": "on"})
    assert chosen.status == 302
    return chosen.location.partition("?id=")[2]


async def _finish_bulk(browser: Browser, number: str) -> list[Answer]:
    changed = await browser.submit(BULK.format(2), id=number, comment="In bulk")
    return [changed, await browser.submit(BULK.format(3), id=number)]


async def test_a_bulk_edit_comments_all_chosen_issues(user: Browser) -> None:
    assert "issue_ZDU-1" in (await user.get(BULK.format(1))).text
    number = await _begin_bulk(user)
    assert "ZDU-1, ZDU-2" in (await user.get(f"{BULK.format(2)}?id={number}")).text
    assert (await user.get(f"{BULK.format(3)}?id={number}")).page == "work_lost", "nothing to confirm yet"

    changed, confirmed = await _finish_bulk(user, number)

    assert "In bulk" not in (await user.get(f"{BULK.format(3)}?id={number}")).text, "it is done"
    assert (changed.location, confirmed.location) == (f"{BULK.format(3)}?id={number}", "/issues/")
    for key in ("ZDU-1", "ZDU-2"):
        assert [comment.body for comment in await user.node.database.issues.comments(key)] == ["In bulk"]


async def test_a_bulk_edit_without_issues_or_without_a_comment_goes_no_further(user: Browser) -> None:
    assert (await user.submit(BULK.format(1))).status == 400
    number = await _begin_bulk(user)
    assert (await user.submit(BULK.format(2), id=number, comment=" ")).status == 400
    assert (await user.submit(BULK.format(2), id="another", comment="x")).page == "work_lost"


async def test_a_bulk_edit_of_an_issue_that_is_not_there_changes_none(user: Browser) -> None:
    chosen = await user.submit(BULK.format(1), **{"issue_ZDU-1": "on", "issue_ZDU-77": "on"})
    _, confirmed = await _finish_bulk(user, chosen.location.partition("?id=")[2])

    assert confirmed.status == 409
    assert await user.node.database.issues.comments("ZDU-1") == []


async def test_f16_remember_me_brings_back_the_user_on_another_node_and_not_the_half_done_bulk_edit(
    other_node: WebNode, stranger: Browser
) -> None:
    await stranger.log_in("user1", remember=True)
    number = await _begin_bulk(stranger)

    there = await stranger.at(other_node).submit(BULK.format(2), id=number, comment="In bulk")

    assert (there.status, there.page) == (409, "work_lost")
    assert "Please begin again" in there.text
