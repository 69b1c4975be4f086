"""``zdu calibration-target``: a small application with faults to order, in a process of its own.

It answers as much of Jira's pages as virtual users, probes and auditor look at, keeps its pages in memory and its
data in a SQLite file with the columns that the auditor reads. ``POST /calibration/plant`` makes one fault happen, on
the monotonic clock that all processes of a machine share; ``POST /calibration/reset`` begins anew.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path

import click
from aiohttp import web

from simulator.calibration.cases import SLOW_MS
from zdu.process import Shutdown, announce_ready, run_process

NODE, VERSION, OLDER = "node1", "7.3.2", "7.3.0"
OUTAGE, SLOW_PHASE = "outage", "slow_phase"
LASTING = frozenset({OUTAGE, SLOW_PHASE})
FIRST_ISSUE = "ZDU-1"
_TABLES = """
    DROP TABLE IF EXISTS project; DROP TABLE IF EXISTS jiraissue; DROP TABLE IF EXISTS jiraaction;
    DROP TABLE IF EXISTS changegroup; DROP TABLE IF EXISTS changeitem;
    CREATE TABLE project (id INTEGER PRIMARY KEY, pkey TEXT);
    CREATE TABLE jiraissue
        (id INTEGER PRIMARY KEY, project INTEGER, issuenum INTEGER, summary TEXT, description TEXT);
    CREATE TABLE jiraaction (id INTEGER PRIMARY KEY, issueid INTEGER, author TEXT, actiontype TEXT, actionbody TEXT);
    CREATE TABLE changegroup (id INTEGER PRIMARY KEY, issueid INTEGER, author TEXT);
    CREATE TABLE changeitem (id INTEGER PRIMARY KEY, groupid INTEGER, field TEXT, newstring TEXT);
    INSERT INTO project (id, pkey) VALUES (1, 'ZDU');
"""
_COMMENT = "INSERT INTO jiraaction (issueid, author, actiontype, actionbody) VALUES (?, ?, 'comment', ?)"


@dataclass
class Plan:
    """The fault that is to happen, or has: ``left`` is how often it still will, where it is not a stretch of time."""

    fault: str = ""
    left: int = 0
    happened: int = 0
    from_s: float = 0.0
    to_s: float = 0.0

    def strikes(self, fault: str) -> bool:
        """Whether ``fault`` is to happen at this occasion; then it counts as happened."""
        due = self.fault == fault and self.left > 0
        if due:
            self.left, self.happened = self.left - 1, self.happened + 1
        return due

    def lasts(self, fault: str, now_s: float) -> bool:
        """Whether it is the time of that fault."""
        due = self.fault == fault and self.from_s <= now_s < self.to_s
        self.happened += due
        return due


@dataclass
class Application:
    """Its sessions and pages in memory, its data in a file."""

    database: sqlite3.Connection
    sessions: dict[str, str] = field(default_factory=dict)
    issues: dict[str, list[str]] = field(default_factory=lambda: {FIRST_ISSUE: ["The first issue"]})
    plan: Plan = field(default_factory=Plan)
    tokens: "count[int]" = field(default_factory=lambda: count(1))

    def reset(self) -> None:
        """As if it had just been set up."""
        self.database.executescript(_TABLES)
        self.sessions.clear()
        self.issues = {FIRST_ISSUE: ["The first issue"]}
        self.plan = Plan()

    def keep(self, statement: str, values: tuple[object, ...]) -> None:
        """Write once, twice or not at all, as planted; the pages show it in any case."""
        times = 0 if self.plan.strikes("lost_write") else 2 if self.plan.strikes("double_write") else 1
        for _ in range(times):
            self.database.execute(statement, values)
        self.database.commit()


APPLICATION: web.AppKey[Application] = web.AppKey("application", Application)
_COOKIE = "JSESSIONID"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@click.command()
@click.option("--database", type=click.Path(path_type=Path), required=True, help="The SQLite file it writes.")
@click.option("--exit-with-parent", is_flag=True, help="Stop when standard input closes: leave no orphan behind.")
def calibration_target(database: Path, exit_with_parent: bool) -> int:
    """Serve a small application with faults to order; zdu calibrate starts it by itself."""
    return run_process(lambda shutdown: _serve(database, shutdown), exit_with_parent=exit_with_parent)


async def _serve(database: Path, shutdown: Shutdown) -> int:
    runner = web.AppRunner(build(database), access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        announce_ready(url=f"http://127.0.0.1:{runner.addresses[0][1]}")
        await shutdown.requested.wait()
    finally:
        await runner.cleanup()
    return 0


def build(database: Path) -> web.Application:
    """The application, with its data in ``database``."""
    app = web.Application(middlewares=[_faulty])
    app[APPLICATION] = Application(sqlite3.connect(database))
    app[APPLICATION].reset()
    app.on_cleanup.append(_close)
    app.add_routes(
        [
            web.get("/login.jsp", _login_page),
            web.post("/login.jsp", _log_in),
            web.get("/secure/Dashboard.jspa", _dashboard),
            web.get("/secure/CreateIssue.jspa", _create_page),
            web.post("/secure/CreateIssue.jspa", _create),
            web.get("/browse/{key}", _issue),
            web.post("/secure/AddComment.jspa", _comment),
            web.get("/rest/api/2/serverInfo", _server_info),
            web.post("/calibration/plant", _plant),
            web.post("/calibration/reset", _reset),
            web.get("/calibration/plan", _told),
        ]
    )
    return app


async def _close(app: web.Application) -> None:
    app[APPLICATION].database.close()


@web.middleware
async def _faulty(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the faults that last happen to whatever is asked, and say on each answer who made it."""
    application = request.app[APPLICATION]
    if not request.path.startswith("/calibration/"):
        now_s = asyncio.get_running_loop().time()
        if application.plan.lasts(OUTAGE, now_s) and request.transport is not None:
            request.transport.abort()
        if application.plan.lasts(SLOW_PHASE, now_s):
            await asyncio.sleep(SLOW_MS / 1000)
    try:
        answer = await handler(request)
    except web.HTTPException as refused:
        answer = refused
    whose = request.get("user", "")
    older = whose and _is_page(request) and application.plan.strikes("version_back")
    answer.headers["X-ANODEID"] = NODE
    answer.headers["X-Zdu-Version"] = OLDER if older else VERSION
    if whose:
        answer.headers["X-AUSERNAME"] = whose
    return answer


def _is_page(request: web.Request) -> bool:
    return request.method == "GET" and not request.path.startswith("/rest/")


def _signed_in(request: web.Request) -> str:
    """Who asks. Raises a redirect to the log-in page for a stranger. What strikes once strikes a user's page."""
    application = request.app[APPLICATION]
    token = request.cookies.get(_COOKIE, "")
    if _is_page(request) and token in application.sessions and application.plan.strikes("lost_session"):
        del application.sessions[token]
    user = application.sessions.get(token)
    if user is None:
        raise web.HTTPFound("/login.jsp")
    if _is_page(request) and application.plan.strikes("leaked_session"):
        user = next((other for other in application.sessions.values() if other != user), "somebody else")
    request["user"] = user
    return user


def _page(name: str, user: str = "", body: str = "") -> web.Response:
    head = f'<meta name="ajs-remote-user" content="{user}"><meta name="zdu-page" content="{name}">'
    form = f'<form method="post"><input name="atl_token" value="{name}"></form>'
    html = f"<!doctype html><html><head>{head}</head><body>{form}{body}</body></html>"
    return web.Response(text=html, content_type="text/html")


async def _login_page(_request: web.Request) -> web.Response:
    return _page("login")


async def _log_in(request: web.Request) -> web.Response:
    application = request.app[APPLICATION]
    form = await request.post()
    token = f"session{next(application.tokens)}"
    application.sessions[token] = str(form["os_username"])
    answer = _found("/secure/Dashboard.jspa")
    answer.set_cookie(_COOKIE, token)
    return answer


async def _dashboard(request: web.Request) -> web.Response:
    links = "".join(f'<a href="/browse/{key}">{key}</a>' for key in request.app[APPLICATION].issues)
    return _page("dashboard", _signed_in(request), links)


async def _create_page(request: web.Request) -> web.Response:
    return _page("create", _signed_in(request))


async def _create(request: web.Request) -> web.Response:
    _signed_in(request)
    application, form = request.app[APPLICATION], await request.post()
    number = len(application.issues) + 1
    summary, description = str(form["summary"]), str(form["description"])
    application.issues[f"ZDU-{number}"] = [summary, description]
    application.keep(
        "INSERT INTO jiraissue (project, issuenum, summary, description) VALUES (1, ?, ?, ?)",
        (number, summary, description),
    )
    return _found(f"/browse/ZDU-{number}")


async def _issue(request: web.Request) -> web.Response:
    user, key = _signed_in(request), request.match_info["key"]
    texts = "".join(f"<p>{text}</p>" for text in request.app[APPLICATION].issues.get(key, []))
    return _page("issue", user, f"<h1>{key}</h1>{texts}")


async def _comment(request: web.Request) -> web.Response:
    user, form = _signed_in(request), await request.post()
    key, comment = str(form["key"]), str(form["comment"])
    application = request.app[APPLICATION]
    application.issues[key].append(comment)
    application.keep(_COMMENT, (int(key.removeprefix("ZDU-")), user, comment))
    return _found(f"/browse/{key}")


async def _server_info(request: web.Request) -> web.Response:
    _signed_in(request)
    return web.json_response({"version": VERSION})


async def _plant(request: web.Request) -> web.Response:
    """Make a fault happen, for ``for_s`` from now on or at the next occasion, and say when that is."""
    wanted = await request.json()
    now_s = asyncio.get_running_loop().time()
    lasting = wanted["fault"] in LASTING
    plan = Plan(wanted["fault"], 0 if lasting else 1, 0, now_s, now_s + wanted["for_s"])
    request.app[APPLICATION].plan = plan
    return web.json_response(asdict(plan))


async def _told(request: web.Request) -> web.Response:
    """What has become of the plan."""
    return web.json_response(asdict(request.app[APPLICATION].plan))


async def _reset(request: web.Request) -> web.Response:
    request.app[APPLICATION].reset()
    return web.Response()


def _found(location: str) -> web.Response:
    return web.Response(status=302, headers={"Location": location})
