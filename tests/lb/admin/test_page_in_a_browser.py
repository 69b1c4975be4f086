"""The status page as an operator uses it: it refreshes itself, its buttons work, and it fits a telephone."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.support.accessibility import troubles_of
from tests.support.balancers import RunningBalancer, running_balancer
from tests.support.browser import ON_THE_BROWSERS_LOOP, chromium, person
from tests.support.http_nodes import HttpNode

__all__ = ["chromium"]
pytestmark = [pytest.mark.browser, ON_THE_BROWSERS_LOOP]


@pytest_asyncio.fixture(loop_scope="session")
async def lb() -> AsyncIterator[RunningBalancer]:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two) as running:
        yield running


async def test_buttons_drain_a_node_within_the_time_that_was_typed(lb: RunningBalancer, chromium: Browser) -> None:
    async with person(chromium, lb.admin_url) as page:
        await page.goto("/")
        await page.get_by_label("Drain within").fill("90s")
        await page.get_by_role("button", name="drain node1").click()
        await expect(page.locator("#node-node1 .word")).to_have_text("DRAIN")
        await expect(page.locator("#node-node1")).to_contain_text("deadline in 1m")
        assert lb.balancer.view("node1").admin == "DRAIN"
        await expect(page.get_by_role("button", name="drain node1")).to_be_disabled()
        await page.get_by_role("button", name="ready node1").click()
        await expect(page.locator("#node-node1 .word")).to_have_text("UP")
        await expect(page.get_by_label("Drain within")).to_have_value("90s")


async def test_a_deadline_that_is_none_is_said_beside_the_nodes(lb: RunningBalancer, chromium: Browser) -> None:
    async with person(chromium, lb.admin_url) as page:
        await page.goto("/")
        await page.get_by_label("Drain within").fill("soon")
        await page.get_by_role("button", name="drain node1").click()
        await expect(page.get_by_role("alert")).to_contain_text("expected a duration with its unit")
        await expect(page.get_by_role("button", name="drain node1")).to_be_enabled()


async def test_what_happens_shows_without_a_reload_and_without_losing_the_focus(
    lb: RunningBalancer, chromium: Browser
) -> None:
    async with person(chromium, lb.admin_url) as page:
        await page.goto("/")
        await page.get_by_role("button", name="maint node2").focus()
        await page.evaluate("document.body.dataset.mine = 'still the same document'")
        await lb.client.post(f"{lb.admin_url}/nodes/node1/state", json={"state": "maint"})
        await expect(page.locator("#node-node1 .word")).to_have_text("MAINT")
        await expect(page.locator(".events li").first).to_contain_text("set by the operator")
        await expect(page.get_by_role("button", name="maint node2")).to_be_focused()
        assert await page.evaluate("document.body.dataset.mine") == "still the same document"


async def test_it_says_when_the_load_balancer_is_gone(chromium: Browser) -> None:
    async with HttpNode() as node, running_balancer(node) as lb, person(chromium, lb.admin_url) as page:
        await page.goto("/")
        await lb.server.stop()
        await expect(page.get_by_role("status")).to_contain_text("what you see is old")


@pytest.mark.parametrize("width", [390, 1280])
async def test_the_page_fits_the_screen_and_can_be_read_by_everybody(
    lb: RunningBalancer, chromium: Browser, width: int
) -> None:
    async with person(chromium, lb.admin_url, width=width) as page:
        await page.goto("/")
        for node in ("node1", "node2"):
            await expect(page.locator(f"#node-{node} .word")).to_have_text("UP")
        assert await troubles_of(page) == []
        await page.emulate_media(color_scheme="dark")
        assert await troubles_of(page) == []
