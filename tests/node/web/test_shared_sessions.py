"""Sessions in the database: what people wish for. And the end of sessions on all nodes, wherever they are kept."""

from collections.abc import AsyncIterator

import pytest

from node.caches import SESSIONS_KILLED
from node.web.templating import Templates
from shared_db import Database
from tests.support.web_node import Browser, WebNode, web_node

DASHBOARD = "/secure/Dashboard.jspa"
BULK = "/secure/views/bulkedit/BulkEdit{}.jspa"
_NO_CHECK = {"X-Atlassian-Token": "no-check"}


@pytest.fixture
async def shared(db: Database, templates: Templates) -> AsyncIterator[tuple[WebNode, WebNode]]:
    async with (
        web_node(db, templates, kept_in="database") as node1,
        web_node(db, templates, kept_in="database", node_id="node2") as node2,
    ):
        yield node1, node2


async def test_a_shared_session_goes_on_at_another_node_with_its_form_and_its_half_done_work(
    shared: tuple[WebNode, WebNode],
) -> None:
    here = Browser(shared[0])
    await here.log_in("user1")
    token = await here.xsrf_token()
    chosen = await here.submit(BULK.format(1), **{"issue_ZDU-1": "on"})
    there = here.at(shared[1])

    form = {"atl_token": token, "id": chosen.location.partition("?id=")[2], "comment": "Begun on node 1"}
    changed = await there.post(BULK.format(2), form)

    assert (changed.status, changed.location.startswith(BULK.format(3))) == (302, True)
    assert "X-Zdu-Signed-In" not in changed.headers, "nobody is even signed in again"
    assert "Set-Cookie" not in changed.headers
    assert [node.context.sessions.count() for node in shared] == [0, 0], "no node has anything to lose"


async def test_a_shared_session_that_is_logged_out_is_gone_on_all_nodes(shared: tuple[WebNode, WebNode]) -> None:
    here, there = Browser(shared[0]), Browser(shared[1])
    await here.log_in("user1")
    stolen = {"Cookie": f"JSESSIONID={here.cookie('JSESSIONID')}"}
    assert (await there.get(DASHBOARD, headers=stolen)).status == 200

    await here.submit("/secure/Logout.jspa")

    assert (await there.get(DASHBOARD, headers=stolen)).status == 302


async def test_the_database_does_not_know_a_shared_sessions_token(
    shared: tuple[WebNode, WebNode], db: Database
) -> None:
    browser = Browser(shared[0])
    await browser.log_in("user1")

    assert await db.shared_sessions.find(browser.cookie("JSESSIONID"), 60.0) is None, "only its hash"


@pytest.mark.parametrize("kept_in", ["memory", "database"])
async def test_an_administrator_ends_a_users_sessions_on_all_nodes(
    db: Database, templates: Templates, kept_in: str
) -> None:
    async with (
        web_node(db, templates, kept_in=kept_in) as node1,  # type: ignore[arg-type]  # parametrised
        web_node(db, templates, kept_in=kept_in, node_id="node2") as node2,  # type: ignore[arg-type]  # parametrised
    ):
        admin, here, there, else_where = Browser(node1), Browser(node1), Browser(node2), Browser(node2)
        await admin.log_in("admin")
        await here.log_in("user1")
        await there.log_in("user1", remember=True)
        await else_where.log_in("user2")

        before = await db.messages.newest()

        killed = await admin.request("DELETE", "/rest/api/2/user/session/USER1", headers=_NO_CHECK)
        told = await db.messages.after(before, "node2")
        assert [message.text.partition(" ")[0] for message in told] == [SESSIONS_KILLED]
        for message in told:
            node2.context.local.hear(message.text)

        assert killed.status == 204
        assert [(await browser.get(DASHBOARD)).status for browser in (here, there)] == [302, 302]
        assert [(await browser.get(DASHBOARD)).status for browser in (admin, else_where)] == [200, 200]
        assert (await admin.request("DELETE", "/rest/api/2/user/session/nobody", headers=_NO_CHECK)).status == 404


async def test_f23_rights_that_were_taken_hold_on_another_node_until_it_hears_of_it(
    db: Database, node: WebNode, other_node: WebNode, admin: Browser
) -> None:
    group = "/rest/api/2/group/user?groupname=jira-administrators"
    await admin.post(group, json={"name": "user2"})
    there = Browser(other_node)
    await there.log_in("user2")
    assert (await there.get("/rest/api/2/cluster/nodes")).status == 200

    await admin.request("DELETE", f"{group}&username=user2", headers=_NO_CHECK)
    assert (await there.get("/rest/api/2/cluster/nodes")).status == 200, "its cache has not heard of it yet"
    for message in await db.messages.after(0, "node2"):
        other_node.context.local.hear(message.text)

    assert (await there.get("/rest/api/2/cluster/nodes")).status == 403
