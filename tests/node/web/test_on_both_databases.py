"""The way through the application once on SQLite and once on PostgreSQL."""

from node.passwords import hash_password
from node.web.templating import Templates
from shared_db import Database, NewUser
from tests.support.web_node import COST, Browser, web_node


async def test_a_user_works_and_is_moved_and_works_on(database: Database, templates: Templates) -> None:
    await database.users.create_many([NewUser("user1", "User One", hash_password("user1", COST, "ab" * 8))])
    await database.projects.create("ZDU", "Zero Downtime")
    async with web_node(database, templates) as node1, web_node(database, templates, node_id="node2") as node2:
        here = Browser(node1)
        assert (await here.log_in("user1", remember=True)).status == 302
        assert (await here.submit("/secure/CreateIssue.jspa", summary="Größe 'x' 🙂")).location == "/browse/ZDU-1"
        token = await here.xsrf_token()
        there = here.at(node2)

        commented = await there.post("/secure/AddComment.jspa", {"atl_token": token, "key": "ZDU-1", "comment": "💬"})
        assert commented.location == "/browse/ZDU-1#comment-1"
        edited = await there.submit("/secure/EditIssue.jspa?key=ZDU-1", summary="Größe 'y'", description="Ä\nÖ")
        assert edited.status == 302
        page = (await there.get("/browse/ZDU-1")).text
        assert all(text in page for text in ("Größe &#39;y&#39;", "💬", "Ä\nÖ", "<del>Größe &#39;x&#39; 🙂</del>"))
        assert "<b>1</b>–<b>1</b> of <b>1</b>" in (await there.get("/issues/?jql=größe")).text
        for odd in ("%25", "_", "'", "\\", "%00"):
            assert (await there.get("/issues/", params={"jql": odd})).status == 200
