"""Visitors of a small application with a log-in, in the test's own process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from simulator.certify.certification import check_command
from simulator.certify.target import Target
from simulator.certify.visitors import Pace, Visit, Visitor
from simulator.load.client import RecordingClient
from simulator.record.recorder import Recorder
from tests.support.waiting import until
from zdu.clock import SystemClock
from zdu.errors import UsageError


class Application:
    """Knows who is logged in by a cookie, wants a token in its form, and can forget everybody."""

    def __init__(self) -> None:
        self.sessions: set[str] = set()

    async def home(self, request: web.Request) -> web.Response:
        if request.cookies.get("sid") not in self.sessions:
            raise web.HTTPFound("/login")
        return web.Response(text="Welcome", headers={"X-Node": "a"})

    async def form(self, _: web.Request) -> web.Response:
        return web.Response(text='<input type="hidden" name="csrf" value="t1">', content_type="text/html")

    async def log_in(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("csrf") != "t1" or form.get("password") != "secret":
            raise web.HTTPFound("/login?error")
        self.sessions.add(str(form["user"]))
        answer = web.Response(status=302, headers={"Location": "/home"})
        answer.set_cookie("sid", str(form["user"]))
        return answer


@asynccontextmanager
async def serving(application: Application) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/home", application.home)
    app.router.add_get("/login", application.form)
    app.router.add_post("/login", application.log_in)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.fixture
def recorder(tmp_path: Path):  # type: ignore[no-untyped-def]  # a generator of Recorder
    made = Recorder(tmp_path, SystemClock())
    yield made
    made.close()


def target(url: str, password: str = "secret") -> Target:
    form = {"user": "u{n}", "password": password}
    return Target(url, "/home", text="Welcome", login="/login", form=form, node_header="X-Node")


async def test_a_visitor_logs_in_reads_and_logs_in_again_when_the_session_is_lost(recorder: Recorder) -> None:
    application = Application()
    async with serving(application) as url:
        aim = target(url)
        client = RecordingClient(url, recorder, count(1), session="s3", timeout_s=5, answers=aim)
        visitor = Visitor(3, aim, client)
        assert await visitor.view("view")
        assert application.sessions == {"u3"}
        application.sessions.clear()
        assert not await visitor.view("view")
        assert await visitor.view("view")
        await visitor.close()
    seen = [(request.kind, request.outcome, request.node) for request in recorder.requests]
    log_in = [("open_login", "ok", ""), ("log_in", "ok", "")]
    assert seen == [*log_in, ("view", "ok", "a"), ("view", "login_page", ""), *log_in, ("view", "ok", "a")]


@pytest.mark.parametrize(("password", "told"), [("wrong", "not_logged_in"), ("secret", "")])
async def test_a_system_that_is_not_well_is_not_measured(recorder: Recorder, password: str, told: str) -> None:
    async with serving(Application()) as url:
        visit = Visit(target(url, password), recorder, url, Pace(1, 1, 5))
        if told:
            with pytest.raises(UsageError, match=told):
                await visit.first_look()
        else:
            await visit.first_look()
    assert recorder.requests == []


async def test_a_system_that_cannot_be_reached_is_told_with_what_to_try(recorder: Recorder, tmp_path: Path) -> None:
    async with serving(Application()) as url:
        gone = url
        secure = url.replace("http://", "https://")
        with pytest.raises(UsageError, match=r"does not answer as it should.*: tls, no secure connection") as caught:
            await Visit(Target(secure), recorder, url, Pace(1, 1, 5)).first_look()
        assert "SSL_CERT_FILE" in caught.value.hint
    with pytest.raises(UsageError, match="refused, nobody accepted the connection") as caught:
        await Visit(Target(gone), recorder, gone, Pace(1, 1, 5)).first_look()
    assert caught.value.hint == "Is it up, and is that its port?"


def test_a_command_that_cannot_be_run_is_told_with_what_to_try(tmp_path: Path) -> None:
    script = tmp_path / "upgrade.sh"
    script.write_text("true\n")
    with pytest.raises(UsageError, match="cannot be run") as caught:
        check_command([str(script), "now"])
    assert "chmod +x" in caught.value.hint
    with pytest.raises(UsageError, match="no-such-program cannot be run") as caught:
        check_command(["no-such-program"])
    assert "sh -c" in caught.value.hint
    check_command(["sh", "-c", "true"])


async def test_everybody_stops_when_asked(recorder: Recorder) -> None:
    async with serving(Application()) as url, asyncio.timeout(30):
        visit = Visit(target(url), recorder, url, Pace(2, 50, 5))
        async with asyncio.TaskGroup() as working:
            visit.start(working)
            await until(lambda: len({request.session for request in recorder.requests}) == 4)
            visit.stop()
        visit.record_end()
    assert {request.outcome for request in recorder.requests} == {"ok"}
