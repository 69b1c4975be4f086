"""Attacks on every route there is: a new route is attacked without anybody thinking of it."""

import ast
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from node.passwords import hash_password
from node.web.access import Access, Route
from node.web.app import routes
from node.web.logins import FREE_FAILURES
from node.web.templating import Templates
from shared_db import Database, NewUser
from tests.node.web.test_access import _name, _path
from tests.support.web_node import COST, Browser, WebNode, open_database, web_node

_ROUTES = routes()
_PAGES = [route for route in _ROUTES if route.method == "GET" and not route.path.startswith(("/rest", "/static"))]
_NO_CHECK = {"X-Atlassian-Token": "no-check"}
_MARKUP = "\"'><svg/onload=alert(1)>"
_EVIL = "https://evil.example/"
_REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
async def hostile(tmp_path: Path, templates: Templates) -> AsyncIterator[Browser]:
    """An administrator in a node whose every text is markup, half-way through a bulk edit."""
    async with await open_database(tmp_path, "hostile.db") as database:
        name = f"mallory{_MARKUP}"
        await database.users.create_many([NewUser(name, _MARKUP, hash_password("x", COST, "cd" * 8), True)])
        await database.projects.create("EVIL", _MARKUP, name, board=_MARKUP, columns=())
        await database.issues.edit("ZDU-1", name, summary=_MARKUP, description=_MARKUP)
        await database.issues.add_comment("ZDU-1", name, _MARKUP)
        async with web_node(database, templates) as node:
            browser = Browser(node)
            form = {"os_username": name, "os_password": "x", "os_cookie": "true"}
            assert (await browser.post("/login.jsp", form)).status == 302
            yield browser


@pytest.mark.parametrize("route", _PAGES, ids=_name)
async def test_no_page_shows_a_text_as_markup(hostile: Browser, route: Route) -> None:
    names = ("jql", "startIndex", "key", "os_destination", "done", "node", "rapidView", "project", "id", "logout")
    for query in ({}, {"key": "ZDU-1", "rapidView": "1"}, dict.fromkeys(names, _MARKUP)):
        answer = await hostile.get(_path(route), params=query)
        assert "<svg/onload" not in answer.text
        assert answer.status < 500


async def test_what_was_typed_comes_back_as_text_when_it_is_refused(hostile: Browser, stranger: Browser) -> None:
    refused = [
        await hostile.submit("/secure/CreateIssue.jspa", summary="", description=_MARKUP, project=_MARKUP),
        await hostile.submit("/secure/EditIssue.jspa?key=ZDU-1", summary=_MARKUP + "x" * 300, description=_MARKUP),
        await hostile.submit("/secure/AddComment.jspa", key="ZDU-1", comment="\x00" + _MARKUP),
        await hostile.submit("/secure/WorkflowUIDispatcher.jspa", key="ZDU-1", action="31", comment=_MARKUP),
        await hostile.submit("/secure/views/bulkedit/BulkEdit3.jspa", id=_MARKUP),
        await stranger.post("/login.jsp", {"os_username": _MARKUP, "os_password": "x", "os_destination": _MARKUP}),
    ]

    assert [answer.status for answer in refused] == [400, 400, 400, 409, 409, 401]
    assert not any("<svg/onload" in answer.text for answer in refused)


@pytest.mark.parametrize("route", _ROUTES, ids=_name)
async def test_no_route_leads_to_another_site(admin: Browser, stranger: Browser, route: Route) -> None:
    names = ("os_destination", "returnUrl", "url", "done", "id", "key", "jql", "node")
    for browser in (admin, stranger):
        for value in (_EVIL, "//evil.example/"):
            answer = await browser.request(
                route.method,
                _path(route),
                params=dict.fromkeys(names, value),
                headers={**_NO_CHECK, "Referer": _EVIL, "X-Forwarded-Host": "evil.example"},
            )
            assert answer.location == "" or re.match(r"/(?![/\\])", answer.location), answer.location


@pytest.mark.parametrize("route", _ROUTES, ids=_name)
async def test_every_cookie_is_closed_to_scripts_and_other_sites(
    node: WebNode, stranger: Browser, route: Route
) -> None:
    await stranger.log_in("admin", remember=True)
    stranger.jar.clear(lambda morsel: morsel.key == "JSESSIONID")  # so that this very route signs in silently

    answer = await stranger.request(route.method, _path(route), headers=_NO_CHECK)

    cookies = answer.headers.getall("Set-Cookie", [])  # type: ignore[attr-defined]  # a multi-dict in truth
    assert bool(cookies) == (route.access is not Access.PUBLIC)
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/" in cookie


async def test_guessing_is_slowed_down_at_every_door_together(node: WebNode, stranger: Browser) -> None:
    form = {"os_username": "admin", "os_password": "wrong"}
    rest = {"username": "admin", "password": "wrong"}
    basic = {"Authorization": "Basic YWRtaW46d3Jvbmc="}
    for attempt in range(FREE_FAILURES):
        door = attempt % 3
        answer = (
            await stranger.post("/login.jsp", form)
            if door == 0
            else await stranger.post("/rest/auth/1/session", json=rest)
            if door == 1
            else await stranger.get("/rest/api/2/serverInfo", headers=basic)
        )
        assert answer.status == 401

    right = {"Authorization": "Basic YWRtaW46YWRtaW4="}
    assert (await stranger.log_in("admin")).status == 403
    assert (await stranger.post("/rest/auth/1/session", json={**rest, "password": "admin"})).status == 403
    assert (await stranger.get("/rest/api/2/serverInfo", headers=right)).status == 401
    node.clock.advance(60.0)
    assert (await stranger.log_in("admin")).status == 302


async def test_no_password_and_no_token_can_be_read_from_the_database(node: WebNode, stranger: Browser) -> None:
    await stranger.log_in("user1", remember=True)

    async with node.database._transactions.read() as connection:
        rows: list[Any] = []
        for table in ("cwd_user", "remembermetoken", "sharedsession"):
            rows += (await connection.exec_driver_sql(f"SELECT * FROM {table}")).all()
        credentials = (await connection.exec_driver_sql("SELECT credential FROM cwd_user")).scalars().all()

    assert all(str(credential).startswith("scrypt$") for credential in credentials)
    for name in ("JSESSIONID", "seraph.rememberme.cookie", "atlassian.xsrf.token"):
        secret = stranger.cookie(name).partition(":")[2] or stranger.cookie(name)
        assert secret
        assert secret not in str(rows)


async def test_a_path_with_a_line_break_forges_no_line_of_the_log(
    node: WebNode, user: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    node.context.log = logging.getLogger("forged")
    await user.get("/secure/Dashboard.jspa")  # the user is in the cache now, the projects are not
    node.context.database = None

    answer = await user.get("/projects/x%0a2017-03-07 main INFO forged")

    assert answer.status == 503
    assert "%0a" in caplog.text.lower()
    assert not any(line.startswith("2017-03-07 main INFO forged") for line in caplog.text.splitlines())


def test_no_statement_is_put_together_from_text() -> None:
    """The node has no SQL at all; in shared_db a statement in words may hold only what is named here."""
    known = {"_CREATION_LOCK", "self._transactions.target.namespace", "database_limit_ms(limit)"}
    known |= {"serialised_by.name", "pragma"}
    for file in sorted((_REPOSITORY / "node").rglob("*.py")):
        assert "sqlalchemy" not in file.read_text(encoding="utf-8"), file
    for file in sorted((_REPOSITORY / "shared_db").rglob("*.py")):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and _is_raw(call.func) and call.args:
                statement = call.args[0]
                parts = {ast.unparse(p.value) for p in ast.walk(statement) if isinstance(p, ast.FormattedValue)}
                assert isinstance(statement, ast.Constant | ast.JoinedStr | ast.IfExp), f"{file}: {statement.lineno}"
                assert parts <= known, f"{file.name}: {parts - known}"


def _is_raw(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in {"text", "exec_driver_sql"}


async def test_rights_that_are_taken_are_gone_with_the_next_request(admin: Browser, node: WebNode) -> None:
    other = Browser(node)
    group = "/rest/api/2/group/user?groupname=jira-administrators"
    assert (await admin.post(group, json={"name": "user2"})).status == 201
    await other.log_in("user2")
    assert (await other.get("/rest/api/2/cluster/nodes")).status == 200

    gone = await admin.request("DELETE", f"{group}&username=user2", headers=_NO_CHECK)

    assert gone.status == 200
    assert (await other.get("/rest/api/2/cluster/nodes")).status == 403
    last = await admin.request("DELETE", f"{group}&username=admin", headers=_NO_CHECK)
    assert (last.status, "last administrator" in last.text) == (400, True)
    assert (await admin.get("/rest/api/2/cluster/nodes")).status == 200


async def test_rights_of_others_are_not_for_the_asking(user: Browser, db: Database) -> None:
    group = "/rest/api/2/group/user?groupname=jira-administrators"
    assert (await user.post(group, json={"name": "user1"})).status == 403
    found = await db.users.get("user1")
    assert found
    assert not found.administrator
