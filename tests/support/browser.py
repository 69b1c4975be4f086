"""A real Chromium for tests, driven by Playwright.

Without Chromium those tests are skipped with the reason, and fail where a browser is required: in CI, or when
``ZDU_REQUIRE_BROWSER`` is set. ``ZDU_CHROMIUM`` names another program than Debian's.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
"""Chromium as root, in a container, without talking to anybody but the page under test."""

PATIENCE_MS = 60_000
"""How long a page may take to show what it should: a browser beside other tests is slow at times."""
expect.set_options(timeout=PATIENCE_MS)


def chromium_path() -> Path:
    """The program. Skips the test if there is none, and fails it where one is required."""
    path = Path(os.environ.get("ZDU_CHROMIUM", "/usr/bin/chromium"))
    if not path.exists():
        reason = f"there is no Chromium at {path}; install Debian's package chromium, or set ZDU_CHROMIUM"
        if os.environ.get("CI") or os.environ.get("ZDU_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@asynccontextmanager
async def chromium_browser() -> AsyncIterator[Browser]:
    """A headless browser with a profile of its own."""
    path = chromium_path()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(_QUIET))
        try:
            yield browser
        finally:
            await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One headless browser for all tests of a session: starting one takes longer than most of them.

    They share its process and the event loop it was started on (``ON_THE_BROWSERS_LOOP``); nothing else: each
    :func:`person` has a profile of their own.
    """
    async with chromium_browser() as browser:
        yield browser


ON_THE_BROWSERS_LOOP = pytest.mark.asyncio(loop_scope="session")
"""For every module whose tests use :func:`chromium`; fixtures of theirs that are asynchronous need that loop, too."""


@asynccontextmanager
async def person(browser: Browser, base_url: str, *, width: int = 1280) -> AsyncIterator[Page]:
    """Somebody with cookies of their own. A script error on any page, or anything it may not load, fails the test."""
    context = await browser.new_context(base_url=base_url, viewport={"width": width, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if "Content Security Policy" in said.text else None)
    try:
        yield page
    finally:
        await context.close()
    assert not troubles
