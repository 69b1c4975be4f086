import pytest

from node.services import ApplicationState
from tests.support.web_node import Browser, WebNode
from zdu.errors import ZduError


@pytest.mark.parametrize(
    ("path", "page", "words"),
    [
        ("/secure/Dashboard.jspa", "dashboard", "System Dashboard"),
        ("/issues/", "issues", "The first issue"),
        ("/browse/ZDU-1", "issue", "Its description"),
        ("/secure/CreateIssue.jspa", "create", "Create Issue"),
        ("/secure/EditIssue.jspa?key=ZDU-1", "edit", "Its description"),
        ("/secure/admin/JiraUpgrades.jspa", "upgrades", "Put Jira into upgrade mode"),
    ],
)
async def test_each_page_says_what_it_is_and_for_whom(admin: Browser, path: str, page: str, words: str) -> None:
    answer = await admin.get(path)

    assert (answer.status, answer.page, answer.meta("ajs-remote-user")) == (200, page, "admin")
    assert words in answer.text
    assert "(v7.3.0#73011-sha1:" in answer.text
    assert ":node1)" in answer.text


async def test_the_root_leads_to_the_dashboard(user: Browser) -> None:
    answer = await user.get("/")

    assert (answer.status, answer.location) == (302, "/secure/Dashboard.jspa")


async def test_a_created_issue_is_shown_at_once(user: Browser) -> None:
    created = await user.submit("/secure/CreateIssue.jspa", summary="  Fresh  ", description="One\r\nTwo")

    assert (created.status, created.location) == (302, "/browse/ZDU-3")
    page = await user.get("/browse/ZDU-3")
    assert '<h1 id="summary-val">Fresh</h1>' in page.text
    assert "One\nTwo" in page.text


async def test_an_edit_changes_the_issue_and_writes_its_history(user: Browser) -> None:
    path = "/secure/EditIssue.jspa?key=ZDU-1"
    edited = await user.submit(path, summary="Renamed", description="Its description")

    assert (edited.status, edited.location) == (302, "/browse/ZDU-1")
    page = (await user.get("/browse/ZDU-1")).text
    assert "<del>The first issue</del>" in page
    assert "<ins>Renamed</ins>" in page
    assert "Description</dt>" not in page, "the description did not change"


async def test_an_edit_without_change_of_a_text_with_several_lines_leaves_no_trace(user: Browser) -> None:
    await user.submit("/secure/CreateIssue.jspa", summary="Lines", description="One\r\nTwo")
    await user.submit("/secure/EditIssue.jspa?key=ZDU-3", summary="Lines", description="One\r\nTwo")

    assert await user.node.database.issues.history("ZDU-3") == []


async def test_a_comment_appears_below_the_issue(user: Browser) -> None:
    added = await user.submit("/secure/AddComment.jspa", key="ZDU-1", comment="Seen on node 1")

    assert (added.status, added.location) == (302, "/browse/ZDU-1#comment-1")
    assert "Seen on node 1" in (await user.get("/browse/ZDU-1")).text


@pytest.mark.parametrize(
    ("path", "fields", "message"),
    [
        ("/secure/CreateIssue.jspa", {"summary": " "}, "You must specify a summary of the issue."),
        ("/secure/CreateIssue.jspa", {}, "You must specify a summary of the issue."),
        ("/secure/CreateIssue.jspa", {"summary": "x" * 256}, "Summary must be less than 256 characters."),
        ("/secure/CreateIssue.jspa", {"summary": "a\nb"}, "newline characters"),
        ("/secure/CreateIssue.jspa", {"summary": "a\x00b"}, "cannot be stored"),
        ("/secure/CreateIssue.jspa", {"summary": "ok", "description": "x" * 32_768}, "exceeds the allowed limit"),
        ("/secure/EditIssue.jspa?key=ZDU-1", {"summary": ""}, "You must specify a summary of the issue."),
        ("/secure/AddComment.jspa", {"key": "ZDU-1", "comment": " \r\n"}, "Comment body can not be empty!"),
        ("/secure/AddComment.jspa", {"key": "ZDU-1", "comment": "a\x00"}, "cannot be stored"),
    ],
)
async def test_a_wrong_form_comes_back_with_what_is_wrong(
    user: Browser, path: str, fields: dict[str, str], message: str
) -> None:
    answer = await user.submit(path, **fields)

    assert answer.status == 400
    assert message in answer.text
    assert answer.page in {"create", "edit", "issue"}


async def test_what_was_typed_is_still_there_when_a_form_is_refused(user: Browser) -> None:
    answer = await user.submit("/secure/CreateIssue.jspa", summary="", description="A long story")

    assert "A long story</textarea>" in answer.text


async def test_the_longest_summary_is_accepted(user: Browser) -> None:
    answer = await user.submit("/secure/CreateIssue.jspa", summary="x" * 255)

    assert answer.status == 302


@pytest.mark.parametrize("path", ["/browse/ZDU-99", "/browse/nonsense", "/browse/ZDU-1%00", "/nowhere"])
async def test_what_does_not_exist_is_a_404_page(user: Browser, path: str) -> None:
    answer = await user.get(path)

    assert (answer.status, answer.page) == (404, "error")


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/secure/EditIssue.jspa?key=ZDU-99", {"summary": "x"}),
        ("/secure/AddComment.jspa", {"key": "ZDU-99", "comment": "x"}),
        ("/secure/AddComment.jspa", {"comment": "x"}),
    ],
)
async def test_writing_to_an_issue_that_does_not_exist_is_a_404(
    user: Browser, path: str, fields: dict[str, str]
) -> None:
    assert (await user.submit(path, **fields)).status == 404


async def test_the_list_is_shown_in_pages(user: Browser) -> None:
    for number in range(3, 26):
        issue = await user.node.database.issues.create("ZDU", f"Number {number}", "", "user1")
        user.node.context.local.index.put(issue)

    first = (await user.get("/issues/")).text
    second = (await user.get("/issues/?jql=&startIndex=20")).text

    assert "<b>1</b>–<b>20</b> of <b>25</b>" in first
    assert 'rel="next" href="/issues/?jql=&amp;startIndex=20"' in first
    assert 'rel="prev"' not in first
    assert "<b>21</b>–<b>25</b> of <b>25</b>" in second
    assert 'rel="next"' not in second


async def test_the_search_finds_words_and_a_little_jql(user: Browser) -> None:
    for jql in ("another", "summary ~ another", 'project = ZDU AND text ~ "ANOTHER" ORDER BY created'):
        page = (await user.get("/issues/", params={"jql": jql})).text
        assert "Another thing" in page, jql
        assert "The first issue" not in page, jql


async def test_a_search_without_result_says_so(user: Browser) -> None:
    assert "No issues were found" in (await user.get("/issues/?jql=zebra")).text


@pytest.mark.parametrize("start", ["-1", "x", "1e3", "99999999999999999999"])
async def test_a_start_that_is_no_number_is_a_400(user: Browser, start: str) -> None:
    assert (await user.get(f"/issues/?startIndex={start}")).status == 400


_EVIL = "<script>alert(1)</script>\"'&"


async def test_everything_people_write_is_escaped_everywhere(user: Browser) -> None:
    await user.submit("/secure/CreateIssue.jspa", summary=_EVIL, description=_EVIL)
    await user.submit("/secure/AddComment.jspa", key="ZDU-3", comment=_EVIL)
    await user.submit("/secure/EditIssue.jspa?key=ZDU-3", summary=_EVIL + "2", description=_EVIL + "2")

    for path in (
        "/browse/ZDU-3",
        "/issues/",
        "/secure/Dashboard.jspa",
        "/secure/EditIssue.jspa?key=ZDU-3",
        f"/issues/?jql={_EVIL}",
        f"/login.jsp?os_destination={_EVIL}",
    ):
        answer = await user.get(path)
        assert "alert(1)" in answer.text or answer.status == 302, path
        assert "<script>alert" not in answer.text, path
        assert "\"'&" not in answer.text.replace("&#34;", ""), path


async def test_a_failed_log_in_escapes_the_name(stranger: Browser) -> None:
    answer = await stranger.post("/login.jsp", {"os_username": _EVIL, "os_password": "x", "os_destination": _EVIL})

    assert answer.status == 401
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (ApplicationState.STARTING, "JIRA is starting"),
        (ApplicationState.FIRST_RUN, "JIRA is not set up"),
        (ApplicationState.ERROR, "JIRA could not be started"),
        (ApplicationState.MAINTENANCE, "maintenance"),
        (ApplicationState.STOPPING, "JIRA is stopping"),
    ],
)
async def test_a_node_that_cannot_serve_says_so_with_503(
    node: WebNode, user: Browser, state: ApplicationState, words: str
) -> None:
    node.cluster.application_state = state

    page = await user.get("/secure/Dashboard.jspa")
    rest = await user.get("/rest/api/2/serverInfo")

    assert (page.status, page.page) == (503, "error")
    assert words in page.text
    assert page.headers["Retry-After"] == "2"
    assert rest.status == 503
    assert words in rest.text
    closed = page.headers.get("Connection") == "close"
    assert closed == (state is ApplicationState.STOPPING)


async def test_a_draining_node_serves_everything(node: WebNode, user: Browser) -> None:
    node.cluster.application_state = ApplicationState.DRAINING

    assert (await user.get("/secure/Dashboard.jspa")).status == 200
    assert (await user.submit("/secure/CreateIssue.jspa", summary="While draining")).status == 302


async def test_trouble_with_the_database_is_a_503_without_details(
    node: WebNode, user: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise ZduError("cannot reach postgresql://secret@db", hint="Start it.")

    monkeypatch.setattr(node.database.issues, "search", fail)

    answer = await user.get("/secure/Dashboard.jspa")

    assert (answer.status, answer.page) == (503, "error")
    assert "secret" not in answer.text
    assert "secret" in caplog.text, "the log tells"


async def test_a_defect_is_a_500_page_and_its_traceback_is_in_the_log_only(
    node: WebNode, user: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(node.database.issues, "search", fail)

    page = await user.get("/secure/Dashboard.jspa")
    rest = await user.get("/rest/api/2/issue/picker")

    assert (page.status, page.page, rest.status) == (500, "error", 500)
    assert "secret" not in page.text + rest.text
    assert "Traceback" not in page.text + rest.text
    assert "RuntimeError: a secret detail" in caplog.text
