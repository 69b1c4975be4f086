"""The dashboard of a living cluster, in a real browser, by mouse and by keyboard, on a real cluster."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.accessibility import troubles_of
from tests.support.browser import ON_THE_BROWSERS_LOOP, person
from tests.support.living import cluster_up, run_on_the_dashboard
from tests.support.zdu_runs import STILL

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(500), ON_THE_BROWSERS_LOOP]

USERS = 8


async def lit(page: Page, state: str) -> None:
    await expect(page.locator("#states [aria-current=step]")).to_have_text(state)


async def a_fault_is_put_on_and_taken_back(page: Page, phone: Page) -> None:
    await page.locator("#fault").select_option("net.latency")
    await page.locator("#fault-node").select_option("node2")
    await page.locator("#fault-for").fill("")
    await page.get_by_role("textbox", name="latency").fill("soon")
    await page.keyboard.press("Enter")
    await expect(page.locator("#answer")).to_contain_text("expected a duration")
    await page.get_by_role("textbox", name="latency").fill("20ms")
    await page.keyboard.press("Enter")
    for each in (page, phone):
        await expect(each.locator("#faults-on")).to_contain_text("net.latency on node2 (probability 1, latency 20ms")
        await expect(each.locator("#faults-on")).to_contain_text("takes effect")
        assert await troubles_of(each) == []
    await phone.get_by_role("button", name="Take back net.latency on node2").focus()
    await phone.keyboard.press("Enter")
    for each in (page, phone):
        await expect(each.locator("#faults-none")).to_be_visible()
    await expect(phone.get_by_role("button", name="Put it on")).to_be_focused()


async def test_an_upgrade_is_led_from_the_dashboard_and_ends_with_its_verdict(
    chromium: Browser, tmp_path: Path
) -> None:
    with cluster_up(tmp_path, "--users", str(USERS)) as up:
        url, _, secret = str(up.status["dashboard"]).partition("#")
        async with person(chromium, url) as page, person(chromium, url, width=390) as phone:
            page.on("dialog", lambda dialog: dialog.accept())
            await page.goto(f"/#{secret}")
            await phone.goto(f"/#{secret}")
            assert secret not in page.url, "the token does not stay in the address"
            await lit(page, "STABLE")
            await expect(page.locator("circle.user")).to_have_count(USERS)
            await page.get_by_role("button", name="10 more").focus()
            await page.keyboard.press("Enter")
            await expect(page.locator("circle.user")).to_have_count(USERS + 10)
            await page.get_by_role("button", name="10 fewer").click()
            await expect(phone.locator("circle.user")).to_have_count(USERS)
            await a_fault_is_put_on_and_taken_back(page, phone)
            await page.get_by_role("button", name="Start", exact=True).click()
            for each in (page, phone):
                await lit(each, "READY TO UPGRADE")
            await expect(page.get_by_role("button", name="Roll all nodes")).to_have_class("primary")
            await page.get_by_label("Version to upgrade to").select_option("7.3.2")
            await page.get_by_role("button", name="Roll all nodes").click()
            await lit(page, "MIXED")
            await lit(page, "READY TO RUN UPGRADE TASKS")
            for node in ("node1", "node2"):
                row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=node))
                await expect(row).to_contain_text("7.3.2")
                await expect(row).to_contain_text("ACTIVE")
            assert int(await page.locator("#f-moved").inner_text()) > 0
            await expect(page.locator("#answer")).to_have_text("every node runs 7.3.2.")
            await page.get_by_role("button", name="Start", exact=True).click()
            await expect(page.locator("#answer")).to_contain_text("in upgrade mode already")
            await page.get_by_role("button", name="Finalise").click()
            await lit(page, "STABLE")
            await expect(page.locator("#events")).to_contain_text("there is no way back to 7.3.0")
            await page.reload()
            await lit(page, "STABLE")
            await expect(page.locator("circle.user")).to_have_count(USERS)
            for each in (page, phone):
                assert await troubles_of(each) == []
            await page.get_by_role("button", name="Stop everything").click()
            for each in (page, phone):
                await expect(each.locator("#verdict")).to_contain_text(re.compile("PASS|FAIL|INCONCLUSIVE"))
            await expect(page.get_by_role("button", name="Finalise")).to_be_disabled()
            shown = await page.locator("#verdict").inner_text()
        words = {0: "PASS", 1: "FAIL", 2: "INCONCLUSIVE"}  # which of them depends on what else the machine does
        assert words[up.ended()] in shown


async def test_an_address_without_the_token_shows_nothing_and_says_why(chromium: Browser, tmp_path: Path) -> None:
    with cluster_up(tmp_path, "--users", "0", "--nodes", "1") as up:
        async with person(chromium, str(up.status["dashboard"]).partition("#")[0]) as stranger:
            await stranger.goto("/")
            await expect(stranger.get_by_role("alert")).to_contain_text("without its token")
            await stranger.goto("/#token=0000")
            await stranger.reload()
            await expect(stranger.get_by_role("alert")).to_contain_text("without its token")


async def test_a_run_goes_on_step_by_step_at_the_press_of_the_space_bar(chromium: Browser, tmp_path: Path) -> None:
    with run_on_the_dashboard(tmp_path, STILL, "--step") as (run, address):
        url, _, secret = address.partition("#")
        async with person(chromium, url) as page:
            await page.goto(f"/?notes#{secret}")
            await expect(page.get_by_role("button", name="Go on")).to_be_visible()
            await expect(page.get_by_role("button", name="Finalise")).to_be_hidden()
            assert await troubles_of(page) == []
            await page.keyboard.press("Space")
            await expect(page.get_by_role("button", name="Go on")).to_be_hidden()
            await expect(page.locator("#step")).not_to_have_text("Nothing has happened yet")
            await expect(page.get_by_role("note")).to_have_text("Nothing will happen.")
            await expect(page.locator("#verdict")).to_contain_text("INCONCLUSIVE")
            assert await troubles_of(page) == []
    assert run.returncode == 2
