"""What an administrator and a user do with a mouse, on real node processes."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browser import person
from tests.support.processes import balancer_process, node_process, set_up

pytestmark = [pytest.mark.browser, pytest.mark.slow]

UPGRADES = "/secure/admin/JiraUpgrades.jspa"
BLOG: dict[str, Any] = {"mixed_when": "removed", "node_upgrade_mode": True}


async def log_in(page: Page, username: str, *, remember: bool = False) -> None:
    """By the log-in page, wherever the browser is sent to it."""
    await page.goto("/")
    await page.get_by_label("Username").fill(username)
    await page.get_by_label("Password").fill(username)
    if remember:
        await page.get_by_label("Remember my login on this computer").check()
    await page.get_by_role("button", name="Log In").click()
    await expect(page.get_by_role("heading", name="System Dashboard")).to_be_visible()


async def open_upgrades(page: Page) -> None:
    """By the menu."""
    await page.get_by_role("link", name="Jira upgrades").click()
    await expect(page.get_by_role("heading", name="Jira upgrades")).to_be_visible()


async def see_state(page: Page, lozenge: str) -> None:
    """The page shows it, without being reloaded."""
    await expect(page.locator("#cluster-state")).to_have_text(lozenge)


async def test_an_administrator_puts_jira_into_upgrade_mode_and_cancels(chromium: Browser, tmp_path: Path) -> None:
    url = await set_up(tmp_path)
    async with (
        node_process(tmp_path, url, "node1") as node,
        person(chromium, node.url) as admin,
        person(chromium, node.url, width=390) as colleague,
    ):
        await log_in(admin, "admin")
        await open_upgrades(admin)
        await log_in(colleague, "admin")
        await open_upgrades(colleague)
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


async def test_the_whole_upgrade_of_two_nodes_is_done_by_mouse(chromium: Browser, tmp_path: Path) -> None:
    url = await set_up(tmp_path)
    async with (
        node_process(tmp_path, url, "node2", **BLOG) as old2,
        person(chromium, old2.url) as at_node2,
    ):
        async with (
            node_process(tmp_path, url, "node1", **BLOG) as old1,
            person(chromium, old1.url) as at_node1,
        ):
            await log_in(at_node1, "admin")
            await log_in(at_node2, "admin")
            await open_upgrades(at_node1)
            await open_upgrades(at_node2)
            await expect(at_node1.get_by_text("All checks passed")).to_be_visible()
            await at_node1.get_by_role("button", name="Put Jira into upgrade mode").click()
            await expect(at_node1.locator("#node-state")).to_have_text("DRAINING")
            await see_state(at_node2, "READY TO UPGRADE")
            assert await old1.stop() == 0
            await expect(at_node1.get_by_text("This node does not answer at the moment.")).to_be_visible()
        await see_state(at_node2, "MIXED")
        await expect(at_node2.locator("[data-node=node1]")).to_contain_text("OFFLINE")

        async with (
            node_process(tmp_path, url, "node1", "7.3.2", **BLOG) as new1,
            person(chromium, new1.url) as at_node1,
        ):
            await log_in(at_node1, "admin")
            await open_upgrades(at_node1)
            await expect(at_node2.locator("[data-node=node1]")).to_contain_text("7.3.2")
            await see_state(at_node1, "MIXED")
            await at_node2.get_by_role("button", name="Put this node into upgrade mode").click()
            await expect(at_node2.locator("#node-state")).to_have_text("DRAINING")
            assert await old2.stop() == 0

            async with node_process(tmp_path, url, "node2", "7.3.2", **BLOG):
                await see_state(at_node1, "READY TO RUN UPGRADE TASKS")
                await at_node1.get_by_role("button", name="Run upgrade tasks").click()
                await see_state(at_node1, "STABLE")
                await expect(at_node1.locator("[data-node=node2]")).to_contain_text("7.3.2")
                await expect(at_node1.get_by_text("The cluster's version is 7.3.2 (build 73013).")).to_be_visible()


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
