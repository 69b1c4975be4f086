"""The page as people open it: a file, without a network, by mouse and by keyboard."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
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
from zdu.events import BalancerObserved, Envelope, Event, NodeBack, NodeTakenOut

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


async def test_the_link_to_a_failed_request_opens_with_its_way(page: Page) -> None:
    await page.get_by_role("button", name="Next failed request").click()
    way = await page.locator(part(page, "way")).inner_text()
    assert "#t=" in page.url
    await page.reload()
    await expect(page.locator(part(page, "way"))).to_have_text(re.compile(re.escape(way.splitlines()[0])))
    await expect(page.locator("path.way-failed")).to_have_count(1)


async def test_a_sentence_about_a_failure_leads_to_its_moment(page: Page) -> None:
    link = page.locator(".failures a").first
    told = (await link.text_content() or "").split()[0]
    await link.click()
    await expect(page.locator(part(page, "clock"))).to_have_text(f"{float(told):.1f} s")
    await expect(page.locator("path.way-failed")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_people_with_other_eyes_and_hands_can_use_it(page: Page, scheme: str) -> None:
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  # one of its words
    await page.reload()
    assert await troubles_of(page) == []


async def test_the_keyboard_reaches_everything_and_the_focus_is_always_seen(page: Page) -> None:
    met = await walk_by_keyboard(page)
    assert "▶ Play" in met
    assert "✕ Next failed request" in met


def earlier(envelope: Envelope, by_s: float) -> tuple[float, Event]:
    """An event as it would be recorded if the upgrade had begun so much earlier."""
    event = envelope.event
    if envelope.t_s < 5:
        return envelope.t_s, event
    if isinstance(event, NodeTakenOut | NodeBack | BalancerObserved):
        event = replace(event, at_s=event.at_s - by_s)
    return envelope.t_s - by_s, event


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that failed beside one that passed and whose first node was out two seconds earlier."""
    folder = tmp_path_factory.mktemp("compared")
    runs = [failing_run(), passing_run()]
    records = [
        read_run(record_run(folder, [earlier(envelope, by_s) for envelope in run.envelopes], run.requests))
        for run, by_s in zip(runs, (0.0, 2.0), strict=True)
    ]
    path = folder / "compared.html"
    path.write_text(render_comparison(records, [run.result for run in runs]), encoding="utf-8")
    return path


async def test_two_runs_on_one_page_are_for_other_eyes_and_small_screens_too(
    chromium: Browser, compared: Path
) -> None:
    async with person(chromium, compared.as_uri(), width=390) as page:
        await page.goto(compared.as_uri())
        for _ in range(3):
            await page.get_by_role("button", name="Event ▸").click()
        await expect(page.locator("#pair [data-lit]")).to_have_count(2)
        assert await troubles_of(page) == []
        await page.emulate_media(color_scheme="dark")
        assert await troubles_of(page) == []


async def test_two_runs_are_played_on_one_axis_that_begins_at_a_chosen_moment(
    chromium: Browser, compared: Path
) -> None:
    async with person(chromium, compared.as_uri()) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(compared.as_uri())
        shown = [page.locator(f'#pair [data-run="{run}"] [data-player=clock]') for run in (0, 1)]
        began = [await clock.inner_text() for clock in shown]
        assert began[0] == began[1]
        await page.get_by_label("Time counts from").select_option("out")
        await expect(page.locator("#pair [data-player=at]")).to_have_text("0.0 s")
        out_s = [float((await clock.inner_text()).split()[0]) for clock in shown]
        assert out_s[0] - out_s[1] == pytest.approx(2.0, abs=0.11)
        for run in (0, 1):
            drawing = page.locator(f'#pair [data-run="{run}"] svg.cluster-drawing')
            await expect(drawing).to_have_attribute("aria-label", re.compile("node1 7.3.0 .*, out"))
        await page.get_by_label("Moment of both runs").focus()
        await page.keyboard.press("End")
        await expect(page.locator('#pair [data-run="0"] [data-player=failed]')).not_to_have_text("0")
        await expect(page.locator('#pair [data-run="1"] [data-player=failed]')).to_have_text("0")
        at = await page.locator("#pair [data-player=at]").inner_text()
        await page.reload()
        await expect(page.locator("#pair [data-player=at]")).to_have_text(at)
        await expect(page.get_by_label("Time counts from")).to_have_value("out")
        await page.locator("#pair [data-player=speed]").select_option("20")
        await page.keyboard.press("Home")
        await page.get_by_role("button", name="Play").click()
        await expect(page.locator("#pair [data-player=at]")).to_have_text(at)
        assert set(asked) == {compared.as_uri()}, "it needs nothing but itself"


async def test_it_is_no_wider_than_a_telephone(page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.reload()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_on_paper_there_is_no_player_but_all_the_rest(page: Page) -> None:
    await page.emulate_media(media="print")
    await expect(page.locator("#player")).to_be_hidden()
    await expect(page.locator("svg.timeline")).to_be_visible()
    await expect(page.locator(".node-page").first).to_be_visible()
