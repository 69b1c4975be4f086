import asyncio

import pytest

from node.services import ApplicationState
from node.web.limits import WebLimits
from node.web.traffic import Traffic
from tests.support.waiting import begun
from tests.support.web_node import Browser, WebNode

PATIENCE_S = 5.0


async def test_idle_waits_for_the_last_request() -> None:
    traffic = Traffic()
    await asyncio.wait_for(traffic.idle(), PATIENCE_S)

    with traffic.request():
        with traffic.request():
            assert traffic.in_flight == 2
        waiting = asyncio.create_task(traffic.idle())
        await begun(waiting)
    await asyncio.wait_for(waiting, PATIENCE_S)
    assert (traffic.in_flight, traffic.served) == (0, 2)


class _Hold:
    """A database call that takes until it is let go."""

    def __init__(self) -> None:
        self.entered, self.let_go = asyncio.Event(), asyncio.Event()

    async def search(self, *_: object) -> tuple[list[object], int]:
        self.entered.set()
        await self.let_go.wait()
        return [], 0


async def test_a_request_in_flight_is_finished_while_new_ones_are_refused(
    node: WebNode, user: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = _Hold()
    monkeypatch.setattr(node.database.issues, "search", hold.search)
    slow = asyncio.create_task(user.get("/secure/Dashboard.jspa"))
    await asyncio.wait_for(hold.entered.wait(), PATIENCE_S)

    assert node.context.traffic.in_flight == 1
    node.cluster.application_state = ApplicationState.STOPPING
    refused = await user.get("/secure/Dashboard.jspa")
    assert (refused.status, refused.headers["Connection"]) == (503, "close")
    assert not slow.done()
    hold.let_go.set()
    answer = await asyncio.wait_for(slow, PATIENCE_S)
    assert (answer.status, answer.page, answer.headers["Connection"]) == (200, "dashboard", "close")
    await asyncio.wait_for(node.context.traffic.idle(), PATIENCE_S)


async def test_health_checks_are_no_traffic(node: WebNode, stranger: Browser) -> None:
    await stranger.get("/status")

    assert node.context.traffic.served == 0


async def test_a_request_that_takes_too_long_is_a_503(
    node: WebNode, user: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node.database.issues, "search", _Hold().search)
    node.context.limits = WebLimits(request_timeout_s=0.05)

    page, rest = await user.get("/secure/Dashboard.jspa"), await user.get("/rest/api/2/issue/picker")

    assert (page.status, rest.status) == (503, 503)
    assert page.headers["Retry-After"] == "2"
    assert node.context.traffic.in_flight == 0
