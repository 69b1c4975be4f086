"""A node that has just started: pages wait, health checks do not."""

import asyncio
from contextlib import suppress

from tests.support.waiting import until
from tests.support.web_node import Browser, WebNode


async def test_pages_wait_on_a_cold_node_and_count_as_in_flight_and_status_does_not(
    node: WebNode, user: Browser
) -> None:
    node.context.config = node.context.config.model_copy(update={"warm_up": 3600.0, "warm_up_delay": 3600.0})
    node.cluster.running_since_s = asyncio.get_running_loop().time()

    page = asyncio.create_task(user.get("/secure/Dashboard.jspa"))
    await until(lambda: node.context.traffic.in_flight == 1, "the page has arrived")

    assert (await user.get("/status")).status == 200
    assert not page.done()
    page.cancel()
    with suppress(asyncio.CancelledError):
        await page


async def test_a_warm_node_answers_at_once(node: WebNode, user: Browser) -> None:
    node.context.config = node.context.config.model_copy(update={"warm_up": 1.0, "warm_up_delay": 3600.0})
    node.cluster.running_since_s = asyncio.get_running_loop().time() - 1.0

    assert (await asyncio.wait_for(user.get("/secure/Dashboard.jspa"), 30)).page == "dashboard"
