"""The page as people open it: a file, without a network, by mouse and by keyboard."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from simulator.record.reading import read_run
from simulator.report import render_comparison, render_report
from tests.support.accessibility import troubles_of, walk_by_keyboard
from tests.support.browser import ON_THE_BROWSERS_LOOP, chromium, person
from tests.support.recorded_runs import record_run
from tests.support.synthetic_run import failing_run, passing_run

__all__ = ["chromium"]
pytestmark = [pytest.mark.browser, ON_THE_BROWSERS_LOOP]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = failing_run()
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_report(run.result, run.envelopes, run.requests), encoding="utf-8")
    return path


@pytest_asyncio.fixture(loop_scope="session")
async def page(chromium: Browser, file: Path) -> AsyncIterator[Page]:
    async with person(chromium, file.as_uri()) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(file.as_uri())
        yield page
        assert all(url.startswith(file.as_uri()) for url in asked), asked


def part(page: Page, name: str) -> str:
    return f'#player [data-player="{name}"]'


async def test_a_moment_in_the_address_is_shown_with_its_states_and_users(page: Page, file: Path) -> None:
    await page.goto(f"{file.as_uri()}#t=8.00")
    await page.reload()
    await expect(page.locator(part(page, "clock"))).to_have_text("8.0 s")
    drawing = page.locator("svg.cluster-drawing")
    await expect(drawing).to_have_attribute("aria-label", re.compile("^node1 without a process down"))
    await expect(drawing).to_have_attribute(
        "aria-label", re.compile("node2 7.3.0 RUNNING, load balancer: UP, 24 users")
    )
    await expect(page.locator(".states-strip [data-lit]")).to_have_text("MIXED")


async def test_a_speakers_notes_are_shown_to_those_who_ask_for_them(page: Page, file: Path) -> None:
    notes = page.get_by_text("Look at <node1>.")
    await expect(notes).to_be_hidden()
    await page.goto(f"{file.as_uri()}?notes")
    await expect(notes).to_be_visible()


async def test_it_plays_to_the_end_and_stops_there(page: Page) -> None:
    await page.locator(part(page, "speed")).select_option("20")
    await page.get_by_role("button", name="Play").click()
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()
    await expect(page.locator(part(page, "clock"))).to_have_text("25.4 s")
    await expect(page.get_by_role("button", name="Play")).to_be_visible()
    await expect(page.locator(part(page, "moved"))).to_have_text("36")
    await expect(page.locator(".states-strip [data-lit]")).to_have_text("STABLE")


async def test_keys_step_from_event_to_event_and_leave_the_moment_in_the_address(page: Page) -> None:
    await page.get_by_role("button", name="Play").focus()
    await page.keyboard.press("n")
    await page.keyboard.press("n")
    first = await page.locator(part(page, "event")).text_content()
    assert first
    assert "#t=" in page.url
    await page.keyboard.press("n")
    await expect(page.locator(part(page, "event"))).not_to_have_text(first)
    await page.keyboard.press("p")
    await expect(page.locator(part(page, "event"))).to_have_text(first)
    await page.keyboard.press("End")
    await expect(page.locator(part(page, "clock"))).to_have_text("25.4 s")


async def test_a_failed_request_is_jumped_to_and_its_way_is_shown(page: Page) -> None:
    await page.get_by_role("button", name="Next failed request").click()
    await expect(page.locator(part(page, "way"))).to_contain_text("it is sent to the load balancer")
    await expect(page.locator(part(page, "way"))).to_contain_text("it ends with server error")
    await expect(page.locator("path.way-failed")).to_have_count(1)
    await expect(page.locator(part(page, "failed"))).to_have_text("1")
    await page.get_by_role("button", name="Next failed request").click()
    await expect(page.locator(part(page, "failed"))).not_to_have_text("1")
    await page.get_by_role("button", name="Play").click()
    await expect(page.locator(part(page, "way"))).to_be_hidden()


async def test_a_sentence_about_a_failure_leads_to_its_moment(page: Page) -> None:
    link = page.locator(".failures a").first
    told = (await link.text_content() or "").split()[0]
    await link.click()
    await expect(page.locator(part(page, "clock"))).to_have_text(f"{float(told):.1f} s")
    await expect(page.locator("path.way-failed")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_people_with_other_eyes_and_hands_can_use_it(page: Page, scheme: str) -> None:
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    await page.reload()
    assert await troubles_of(page) == []


async def test_the_keyboard_reaches_everything_and_the_focus_is_always_seen(page: Page) -> None:
    met = await walk_by_keyboard(page)
    assert "▶ Play" in met
    assert "✕ Next failed request" in met


async def test_two_runs_on_one_page_are_for_other_eyes_and_small_screens_too(
    chromium: Browser, tmp_path: Path
) -> None:
    records = [read_run(record_run(tmp_path)) for _ in range(2)]
    results = [failing_run().result, passing_run().result]
    path = tmp_path / "compared.html"
    path.write_text(render_comparison(records, results), encoding="utf-8")
    async with person(chromium, path.as_uri(), width=390) as page:
        await page.goto(path.as_uri())
        assert await troubles_of(page) == []
        await page.emulate_media(color_scheme="dark")
        assert await troubles_of(page) == []


async def test_it_is_no_wider_than_a_telephone(page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.reload()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_on_paper_there_is_no_player_but_all_the_rest(page: Page) -> None:
    await page.emulate_media(media="print")
    await expect(page.locator("#player")).to_be_hidden()
    await expect(page.locator("svg.timeline")).to_be_visible()
    await expect(page.locator(".node-page").first).to_be_visible()
