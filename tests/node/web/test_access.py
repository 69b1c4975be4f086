"""Who gets where: every route of the table, tried by strangers, users and from other sites."""

import io

import pytest

from node.web.access import Access, Route
from node.web.app import routes
from tests.support.web_node import Browser

_ROUTES = routes()
_GUARDED = [route for route in _ROUTES if route.access in {Access.SIGNED_IN, Access.ADMINISTRATOR}]
_FOR_ADMINISTRATORS = [route for route in _ROUTES if route.access is Access.ADMINISTRATOR]
_WRITES = [route for route in _GUARDED if route.method != "GET"]
_JSON = {"Content-Type": "application/json"}


def _name(route: Route) -> str:
    return f"{route.method} {route.path}"


_EXAMPLES = {"{key}": "ZDU-1", "{project}": "ZDU", "{board}": "1", "{username}": "user2", "{node_id}": "node2"}

_WRITES_FOR_EVERYBODY = {
    "POST /secure/Logout.jspa",
    "POST /secure/CreateIssue.jspa",
    "POST /secure/EditIssue.jspa",
    "POST /secure/AddComment.jspa",
    "POST /secure/WorkflowUIDispatcher.jspa",
    "POST /secure/views/bulkedit/BulkEdit1.jspa",
    "POST /secure/views/bulkedit/BulkEdit2.jspa",
    "POST /secure/views/bulkedit/BulkEdit3.jspa",
    "DELETE /rest/auth/1/session",
    "POST /rest/api/2/issue",
    "PUT /rest/api/2/issue/{key}",
    "POST /rest/api/2/issue/{key}/comment",
    "POST /rest/api/2/issue/{key}/transitions",
}
"""What a user who is no administrator may change. A new route for writing is for administrators, or is named here."""


def _path(route: Route) -> str:
    path = route.path
    for name, example in _EXAMPLES.items():
        path = path.replace(name, example)
    assert "{" not in path, f"the tests need an example for {route.path}"
    return path


@pytest.mark.parametrize("route", _GUARDED, ids=_name)
async def test_a_stranger_gets_nothing(stranger: Browser, route: Route) -> None:
    answer = await stranger.request(route.method, _path(route), headers={"X-Atlassian-Token": "no-check"})

    assert "ZDU-1" not in answer.text
    if route.path.startswith("/rest/"):
        assert answer.status == 401
        assert '"errorMessages"' in answer.text
    else:
        assert answer.status == 302
        assert answer.location.startswith("/login.jsp?os_destination=%2F")


@pytest.mark.parametrize(
    "path", ["/nowhere", "/secure/admin/Other.jspa", "/rest/nowhere", "/static/../app.py", "/static/nothing.css"]
)
async def test_a_stranger_does_not_even_learn_which_paths_exist(stranger: Browser, path: str) -> None:
    answer = await stranger.get(path)

    assert answer.status == (401 if path.startswith("/rest") else 302)


def test_only_status_log_in_and_what_it_looks_like_is_open_to_strangers() -> None:
    open_ones = {_name(route) for route in _ROUTES if route.access in {Access.PUBLIC, Access.LOG_IN}}

    assert open_ones == {
        "GET /ready",
        "GET /status",
        "GET /login.jsp",
        "POST /login.jsp",
        "POST /rest/auth/1/session",
        "GET /static/node.css",
        "GET /static/icon.svg",
        "GET /static/live.js",
        "GET /static/menu.js",
        "GET /static/refresh.js",
        "GET /static/upgrades.js",
    }


def test_everything_about_the_cluster_is_for_administrators() -> None:
    about = (
        "/secure/admin/",
        "/plugins/servlet/",
        "/rest/api/2/cluster/",
        "/rest/zdu-simulator/",
        "/rest/api/2/index/",
    )
    about_the_cluster = {_name(route) for route in _ROUTES if route.path.startswith(about)}

    assert about_the_cluster
    assert about_the_cluster <= {_name(route) for route in _FOR_ADMINISTRATORS}


def test_every_write_is_for_administrators_unless_it_is_a_users_daily_work() -> None:
    assert {_name(route) for route in _WRITES if route.access is not Access.ADMINISTRATOR} == _WRITES_FOR_EVERYBODY
    assert {route.method for route in _ROUTES} == {"GET", "POST", "PUT", "DELETE"}, "all that the XSRF check knows"


@pytest.mark.parametrize("route", _FOR_ADMINISTRATORS, ids=_name)
async def test_a_user_who_is_no_administrator_gets_403(user: Browser, route: Route) -> None:
    answer = await user.request(route.method, _path(route), headers={"X-Atlassian-Token": "no-check"})

    assert answer.status == 403
    assert "administrators only" in answer.text
    assert user.node.cluster.actions == []


async def test_a_user_does_not_see_the_way_to_the_administration(user: Browser, admin: Browser) -> None:
    assert "JiraUpgrades" not in (await user.get("/secure/Dashboard.jspa")).text
    assert "JiraUpgrades" in (await admin.get("/secure/Dashboard.jspa")).text


@pytest.mark.parametrize("token", [None, "", "wrong", "é"])
@pytest.mark.parametrize("route", [route for route in _WRITES if not route.path.startswith("/rest/")], ids=_name)
async def test_a_form_without_its_xsrf_token_is_refused(admin: Browser, route: Route, token: str | None) -> None:
    form = {"action": "start", "summary": "x", "key": "ZDU-1", "comment": "x"}
    answer = await admin.post(_path(route), form if token is None else {**form, "atl_token": token})

    assert (answer.status, answer.page) == (403, "error")
    assert "XSRF Security Token Missing" in answer.text
    assert admin.node.cluster.actions == []
    assert (await admin.node.database.issues.search("", 0, 10))[1] == 2
    assert (await admin.get("/")).location == "/secure/Dashboard.jspa", "still signed in"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {**_JSON, "Origin": "https://evil.example"},
        {**_JSON, "Origin": "null"},
        {**_JSON, "Origin": "http://[broken"},
    ],
)
@pytest.mark.parametrize("route", [route for route in _WRITES if route.path.startswith("/rest/")], ids=_name)
async def test_a_rest_write_that_another_site_could_have_sent_is_refused(
    admin: Browser, route: Route, headers: dict[str, str]
) -> None:
    answer = await admin.request(route.method, _path(route), headers=headers, skip_auto_headers=["Content-Type"])

    assert answer.status == 403
    assert "XSRF check failed" in answer.text
    assert admin.node.cluster.actions == []


async def test_a_rest_write_passes_with_json_with_the_header_or_with_basic_authentication(
    admin: Browser, stranger: Browser
) -> None:
    start, cancel = "/rest/api/2/cluster/zdu/start", "/rest/api/2/cluster/zdu/cancel"
    own = f"http://127.0.0.1:{admin.node.server.port}"

    assert (await admin.post(start, headers={"X-Atlassian-Token": "no-check"})).status == 201
    assert (await admin.post(cancel, headers={**_JSON, "Origin": own})).status == 201
    assert (await admin.post(start, headers=_JSON)).status == 201
    basic = {"Authorization": "Basic YWRtaW46YWRtaW4="}
    assert (await stranger.post(cancel, headers=basic)).status == 201
    assert (await stranger.post(start, headers={**basic, "Origin": "https://evil.example"})).status == 403


@pytest.mark.parametrize(
    "path",
    ["/secure/Dashboard.jspa", "/login.jsp", "/nowhere", "/rest/api/2/serverInfo", "/status", "/static/node.css"],
)
async def test_every_answer_names_its_node_and_forbids_what_browsers_must_not_do(admin: Browser, path: str) -> None:
    headers = (await admin.get(path)).headers

    assert (headers["X-ANODEID"], headers["X-Zdu-Version"], headers["X-Zdu-Build"]) == ("node1", "7.3.0", "73011")
    assert headers["X-AREQUESTID"].count("x") == 2
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert (headers["Cache-Control"] == "no-store") == (not path.startswith("/static"))


async def test_a_signed_in_answer_names_the_user_and_a_digest_of_the_session(
    user: Browser, stranger: Browser
) -> None:
    headers = (await user.get("/secure/Dashboard.jspa")).headers

    assert headers["X-AUSERNAME"] == "user1"
    assert headers["X-ASESSIONID"]
    assert headers["X-ASESSIONID"] not in user.cookie("JSESSIONID")
    assert "X-AUSERNAME" not in (await stranger.get("/login.jsp")).headers


async def test_the_pages_use_nothing_that_the_content_policy_forbids(admin: Browser) -> None:
    for path in ("/secure/Dashboard.jspa", "/browse/ZDU-1", "/secure/admin/JiraUpgrades.jspa", "/issues/"):
        text = (await admin.get(path)).text
        assert " style=" not in text
        assert "<style" not in text
        assert " onclick=" not in text
        assert text.count("<script") == text.count('<script type="module" src="/static/')


async def test_the_style_sheet_is_not_sent_twice(stranger: Browser) -> None:
    first = await stranger.get("/static/node.css")
    again = await stranger.get("/static/node.css", headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status, first.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert (again.status, again.text) == (304, "")


async def test_head_is_answered_like_get_without_a_body(user: Browser) -> None:
    answer = await user.request("HEAD", "/secure/Dashboard.jspa")

    assert (answer.status, answer.text) == (200, "")


async def test_a_method_that_a_page_does_not_know_is_a_405(user: Browser) -> None:
    answer = await user.request("OPTIONS", "/secure/Dashboard.jspa")

    assert (answer.status, answer.page, answer.headers["Allow"]) == (405, "error", "GET,HEAD")


async def test_a_body_beyond_a_mebibyte_is_a_413(user: Browser) -> None:
    def large() -> io.BytesIO:
        return io.BytesIO(b"x" * 1_100_000)

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    page = await user.post("/secure/CreateIssue.jspa", data=large(), headers=form)
    rest = await user.post("/rest/api/2/issue", data=large(), headers=_JSON)

    assert (page.status, page.page, rest.status) == (413, "error", 413)
    assert '"errorMessages"' in rest.text


async def test_forms_of_other_kinds_are_refused(user: Browser) -> None:
    token = await user.xsrf_token()
    plain = await user.post("/secure/CreateIssue.jspa", data=b"x", headers={"Content-Type": "text/plain"})
    many = await user.post("/secure/CreateIssue.jspa", {"atl_token": token, **{f"f{n}": "x" for n in range(60)}})

    assert (plain.status, many.status) == (415, 400)
