"""What an administrator and a user do with a mouse, on real node processes."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from simulator.ports import ReservedPort
from tests.support.browser import ON_THE_BROWSERS_LOOP, person
from tests.support.jira_pages import administration, comment, log_in, row_of, see_node, see_state, served_by
from tests.support.processes import NodeProcess, balancer_process, node_process, set_up

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300), ON_THE_BROWSERS_LOOP]

UPGRADES = "/secure/admin/JiraUpgrades.jspa"
BLOG: dict[str, Any] = {"mixed_when": "removed", "node_upgrade_mode": True}


class Machines:
    """Two nodes that keep their ports while they are upgraded, before one load balancer; the blog's rules."""

    def __init__(self, stack: AsyncExitStack, folder: Path, url: str) -> None:
        self._stack = stack
        self._folder = folder
        self._url = url
        self._ports = {name: stack.enter_context(ReservedPort()).port for name in ("node1", "node2")}
        self.nodes: dict[str, NodeProcess] = {}

    async def start(self, node_id: str, version: str) -> None:
        """Start a node and return once it is RUNNING."""
        process = node_process(self._folder, self._url, node_id, version, port=self._ports[node_id], **BLOG)
        self.nodes[node_id] = await self._stack.enter_async_context(process)

    async def stop(self, node_id: str) -> None:
        """Stop a node, as the blog does once it is drained."""
        assert await self.nodes[node_id].stop() == 0

    async def somebody(self, browser: Browser, url: str, *, width: int = 1280) -> Page:
        """A person in front of ``url``."""
        return await self._stack.enter_async_context(person(browser, url, width=width))

    async def balancer(self) -> str:
        """The load balancer's address."""
        return await self._stack.enter_async_context(balancer_process(self._folder, *self.nodes.values()))


async def log_in_on(page: Page, node_id: str) -> None:
    """Log in as a user whom the load balancer has sent to ``node_id``: it takes turns."""
    for _ in range(4):
        await page.context.clear_cookies()
        await page.goto("/login.jsp")
        if await page.locator("footer b").first.inner_text() == node_id:
            break
    await log_in(page, "user1", remember=True)
    await served_by(page, node_id, "7.3.0")


async def test_an_administrator_puts_jira_into_upgrade_mode_and_cancels(chromium: Browser, tmp_path: Path) -> None:
    url = await set_up(tmp_path)
    async with (
        node_process(tmp_path, url, "node1") as node,
        person(chromium, node.url) as admin,
        person(chromium, node.url, width=390) as colleague,
    ):
        await log_in(admin, "admin")
        await administration(admin, "Jira upgrades")
        await log_in(colleague, "admin")
        await administration(colleague, "Jira upgrades")
        await see_state(admin, "STABLE")
        await expect(admin.get_by_role("button", name="Run upgrade tasks")).to_be_disabled()
        await expect(admin.get_by_role("button", name="Cancel upgrade")).to_be_disabled()

        await admin.get_by_role("button", name="Put Jira into upgrade mode").click()

        await expect(admin.get_by_text("Jira is now in upgrade mode.")).to_be_visible()
        for page in (admin, colleague):
            await see_state(page, "READY TO UPGRADE")
            await expect(page.get_by_text("Your instance is undergoing an active upgrade.")).to_be_visible()
            await expect(page.get_by_role("button", name="Put Jira into upgrade mode")).to_be_disabled()

        await colleague.get_by_role("button", name="Cancel upgrade").click()

        for page in (admin, colleague):
            await see_state(page, "STABLE")
            await expect(page.get_by_text("Your instance is undergoing")).to_be_hidden()
        await expect(admin.get_by_text("Jira is now in upgrade mode.")).to_be_hidden()


@pytest.mark.parametrize(("first", "second"), [("node1", "node2"), ("node2", "node1")])
async def test_the_whole_blog_is_done_by_mouse_while_a_remembered_user_works_on(
    chromium: Browser, tmp_path: Path, first: str, second: str
) -> None:
    url = await set_up(tmp_path)
    async with AsyncExitStack() as stack:
        machines = Machines(stack, tmp_path, url)
        await asyncio.gather(*(machines.start(node_id, "7.3.0") for node_id in ("node1", "node2")))
        user = await machines.somebody(chromium, await machines.balancer(), width=390)
        at_first, at_second = [
            await machines.somebody(chromium, machines.nodes[node_id].url) for node_id in (first, second)
        ]
        await log_in_on(user, first)
        await user.get_by_role("link", name="ZDU-25").click()
        for admin in (at_first, at_second):
            await log_in(admin, "admin", remember=True)
            await administration(admin, "Jira upgrades")
        await expect(at_first.get_by_text("All checks passed")).to_be_visible()

        await at_first.get_by_role("button", name="Put Jira into upgrade mode").click()
        await expect(at_first.locator("#node-state")).to_have_text("DRAINING")
        await see_state(at_second, "READY TO UPGRADE")
        await comment(user, "Written while the first node was being drained")
        await served_by(user, second, "7.3.0")
        await machines.stop(first)
        await expect(at_first.get_by_text("This node does not answer at the moment.")).to_be_visible()
        await see_state(at_second, "MIXED")
        await see_node(at_second, first, "OFFLINE")

        await machines.start(first, "7.3.2")
        await see_node(at_second, first, "7.3.2", "ACTIVE")
        await see_state(at_first, "MIXED")
        await expect(at_first.get_by_text("This node does not answer at the moment.")).to_be_hidden()
        await at_second.get_by_role("button", name="Put this node into upgrade mode").click()
        await expect(at_second.locator("#node-state")).to_have_text("DRAINING")
        await comment(user, "Written while the second node was being drained")
        await served_by(user, first, "7.3.2")
        await machines.stop(second)

        await machines.start(second, "7.3.2")
        await see_state(at_first, "READY TO RUN UPGRADE TASKS")
        await at_first.get_by_role("button", name="Run upgrade tasks").click()
        await see_state(at_first, "STABLE")
        await expect(at_first.get_by_text("The cluster's version is 7.3.2 (build 73013).")).to_be_visible()
        await administration(at_first, "Clustering")
        for node_id in (first, second):
            await see_node(at_first, node_id, "7.3.2", "ACTIVE", "RUNNING", "MB")
        await expect(row_of(at_first, first).get_by_title("Your node")).to_be_visible()
        await comment(user, "Written on the upgraded cluster")
        await expect(user.get_by_text("Written while", exact=False)).to_have_count(2)


async def test_a_remembered_user_keeps_working_when_the_node_is_taken_away(chromium: Browser, tmp_path: Path) -> None:
    url = await set_up(tmp_path)
    async with (
        node_process(tmp_path, url, "node1") as node1,
        node_process(tmp_path, url, "node2") as node2,
        balancer_process(tmp_path, node1, node2) as balancer,
        person(chromium, balancer) as user,
    ):
        await log_in(user, "user1", remember=True)
        await user.get_by_role("link", name="Create").click()
        await user.get_by_label("Summary").fill("Begun on one node")
        serving = await user.locator("footer b").first.inner_text()
        gone, left = (node1, node2) if serving == "node1" else (node2, node1)
        assert await gone.stop() == 0

        await user.get_by_role("button", name="Create").click()

        await expect(user.get_by_role("heading", name="Begun on one node")).to_be_visible()
        await expect(user.locator("footer")).to_contain_text(f"Served by {left.node_id}")
        await user.get_by_label("Add a comment").fill("<b>finished</b> on the other")
        await user.get_by_role("button", name="Add", exact=True).click()
        await expect(user.get_by_text("<b>finished</b> on the other")).to_be_visible()


async def test_the_pages_work_by_keyboard_and_without_scripts(chromium: Browser, tmp_path: Path) -> None:
    url = await set_up(tmp_path)
    async with node_process(tmp_path, url, "node1") as node:
        context = await chromium.new_context(base_url=node.url, java_script_enabled=False)
        page = await context.new_page()
        await page.goto("/")
        await expect(page.get_by_label("Username")).to_be_focused()
        await page.keyboard.type("admin")
        await page.keyboard.press("Tab")
        await page.keyboard.type("admin")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="System Dashboard")).to_be_visible()
        await page.goto(UPGRADES)
        await page.get_by_role("button", name="Put Jira into upgrade mode").focus()
        await page.keyboard.press("Enter")
        await see_state(page, "READY TO UPGRADE")
        await context.close()
