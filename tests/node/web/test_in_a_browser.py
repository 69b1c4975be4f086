"""Every page as it is shown: on a projector and a phone, light and dark, by keyboard, with nothing from elsewhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from node.upgrade_state import UpgradeState
from tests.support.accessibility import troubles_of, walk_by_keyboard
from tests.support.browser import ON_THE_BROWSERS_LOOP, chromium, person
from tests.support.jira_pages import log_in, see_state
from tests.support.web_node import WebNode, member, open_database, web_node

__all__ = ["chromium"]
pytestmark = [pytest.mark.browser, ON_THE_BROWSERS_LOOP]

UPGRADES = "/secure/admin/JiraUpgrades.jspa"
PAGES = {
    "/secure/Dashboard.jspa",
    "/issues/?jql=issue",
    "/issues/?jql=nothing%20like%20it",
    "/browse/ZDU-1",
    "/secure/CreateIssue.jspa",
    "/secure/EditIssue.jspa?key=ZDU-1",
    "/secure/BrowseProjects.jspa",
    "/projects/ZDU",
    "/secure/RapidBoard.jspa?rapidView=1",
    "/secure/views/bulkedit/BulkEdit1.jspa?jql=",
    "/nowhere",
    "/secure/admin/Clustering.jspa",
    "/plugins/servlet/troubleshooting/view",
    "/plugins/servlet/upm",
}
SCHEMES = ("light", "dark")
WIDTHS = (1280, 390)
FOR_AXE = {("light", 1280), ("dark", 390)}
"""It takes its time: each scheme and each width once."""


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[WebNode]:
    """A node with everything on its pages that can be: its own upgrade mode, a silent node, comments and changes."""
    async with await open_database(folder) as database, web_node(database, mode_available=True) as node:
        node.cluster.nodes = [member("node1"), member("node2", "7.3.2", alive=False)]
        await database.issues.edit("ZDU-1", "user1", summary="Another summary", description="A description")
        await database.issues.add_comment("ZDU-1", "user1", "A comment")
        yield node


@asynccontextmanager
async def administrator(browser: Browser, node: WebNode) -> AsyncIterator[Page]:
    """Somebody who is logged in and loads nothing that is not the node's own."""
    async with person(browser, str(node.server.make_url("/"))) as page:
        foreign: list[str] = []
        own = str(node.server.make_url("/"))
        page.on("request", lambda request: None if request.url.startswith(own) else foreign.append(request.url))
        await log_in(page, "admin")
        yield page
        assert not foreign


async def look_at(page: Page, path: str) -> dict[str, list[str]]:
    """What is wrong with the page at ``path``, for each scheme and width."""
    await page.goto(path)
    found = {}
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its words
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 900})
            if troubles := await troubles_of(page, axe=(scheme, width) in FOR_AXE):
                found[f"{path}, {scheme}, {width} px"] = troubles
    return found


async def test_every_page_can_be_read_and_hit_by_everybody(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as node, administrator(chromium, node) as page:
        found: dict[str, Any] = {}
        for path in sorted(PAGES):
            found |= await look_at(page, path)
        for state in UpgradeState:
            node.cluster.state = state
            found |= await look_at(page, f"{UPGRADES}?done=start&node=node1&{state}")
        await page.get_by_text("Administration", exact=True).click()
        found |= {"the menu": await troubles_of(page)} if await troubles_of(page) else {}
        await page.context.clear_cookies()
        await page.goto("/login.jsp")
        await page.get_by_label("Username").fill("admin")
        await page.get_by_label("Password").fill("wrong")
        await page.get_by_role("button", name="Log In").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        found |= {"the log-in page": await troubles_of(page)} if await troubles_of(page) else {}

    assert found == {}


async def test_what_is_wrong_with_a_page_is_found(chromium: Browser) -> None:
    """The measure itself: it must be able to fail."""
    async with person(chromium, "http://127.0.0.1") as page:
        await page.set_content(
            """<body style="background: #fff"><h1>Title</h1><h3>Skips</h3><p style="color: #aaa">pale</p>
            <button style="width: 10px; height: 10px; padding: 0"></button><div style="width: 3000px">wide</div>"""
        )
        found = " / ".join(await troubles_of(page))

    ours = ("contrast 2.32", '"Skips" skips', "no name: <button", "10 x 10", "wider than the screen")
    for trouble in (*ours, "axe, critical: button-name", "axe, serious: color-contrast"):
        assert trouble in found


async def test_the_keyboard_leads_through_jira_upgrades_in_the_order_of_reading(
    chromium: Browser, tmp_path: Path
) -> None:
    async with served(tmp_path) as node, administrator(chromium, node) as page:
        node.cluster.nodes = [member("node1"), member("node2")]
        await page.goto(UPGRADES)

        met = await walk_by_keyboard(page)

    assert met[:5] == ["Skip to content", "JIRA", "Dashboard", "Issues", "Projects"]
    assert met[5:7] == ["Create", "Administration"]
    cards = ["View all health checks", "Check your apps", "Download the latest at atlassian.com"]
    assert [name for name in met if name in {*cards, "Put Jira into upgrade mode"}] == [
        *cards,
        "Put Jira into upgrade mode",
    ]
    assert "Run upgrade tasks" not in met, "what is switched off is passed over"


async def test_the_menu_opens_and_closes_by_keyboard(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as node, administrator(chromium, node) as page:
        menu = page.locator("#administration > summary")
        await menu.focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Jira upgrades")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("link", name="Jira upgrades")).to_be_hidden()
        await expect(menu).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("link", name="Clustering")).to_be_visible()
        await page.get_by_role("heading", name="System Dashboard").click()
        await expect(page.get_by_role("link", name="Clustering")).to_be_hidden()


async def test_a_screen_reader_is_told_the_state_and_what_each_button_is(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as node, administrator(chromium, node) as page:
        node.cluster.nodes = [member("node1"), member("node2")]
        await page.goto(UPGRADES)
        await see_state(page, "STABLE")
        told = await page.get_by_role("main").aria_snapshot()
        assert 'heading "Jira upgrades" [level=1]' in told
        assert 'button "Put Jira into upgrade mode"' in told
        assert 'button "Run upgrade tasks" [disabled]' in told
        assert 'button "Cancel upgrade" [disabled]' in told
        assert 'rowheader "Your node: node1"' in told
        assert not {"✓", "↓", "⚙"} & set(told), "what is there for the eye is not read out"
        assert "status: Cluster status STABLE Your cluster is in a stable condition" in " ".join(told.split())

        node.cluster.state = UpgradeState.READY_TO_UPGRADE

        await see_state(page, "READY TO UPGRADE")
        await expect(page.get_by_role("status").filter(has_text="Cluster status READY TO UPGRADE")).to_be_visible()


async def test_on_a_phone_the_table_of_nodes_is_still_a_table_to_a_screen_reader(
    chromium: Browser, tmp_path: Path
) -> None:
    async with served(tmp_path) as node, administrator(chromium, node) as page:
        await page.set_viewport_size({"width": 390, "height": 900})
        await page.goto("/secure/admin/Clustering.jspa")
        row = page.get_by_role("row", name="node2")

        await expect(row.get_by_role("rowheader")).to_have_text("node2")
        await expect(row.get_by_role("cell")).to_have_count(7)
        assert "NO HEARTBEAT" in await row.inner_text()


async def test_the_clustering_page_shows_a_change_without_a_reload(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as node, administrator(chromium, node) as page:
        await page.goto("/secure/admin/Clustering.jspa")
        await page.evaluate("document.body.dataset.mine = 'still the same document'")
        node.cluster.nodes = [member("node1"), member("node2", state="OFFLINE", alive=False)]

        await expect(page.get_by_role("row", name="node2")).to_contain_text("OFFLINE")
        assert await page.evaluate("document.body.dataset.mine") == "still the same document"


async def test_the_table_of_cards_is_collapsed_and_expanded(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as node, administrator(chromium, node) as page:
        node.cluster.nodes = [member("node1"), member("node2")]
        await page.goto(UPGRADES)
        await page.get_by_text("Collapse table").click()
        await expect(page.get_by_text("All checks passed")).to_be_hidden()
        await expect(page.get_by_role("link", name="View all health checks")).to_be_visible()
        await page.get_by_text("Expand table").click()
        await expect(page.get_by_text("All checks passed")).to_be_visible()

        node.cluster.nodes = [member("node1"), member("node2", alive=False)]
        await page.get_by_text("Collapse table").click()

        await expect(page.get_by_text("No heartbeat from node2.")).to_be_visible()
