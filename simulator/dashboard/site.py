"""The control port: serves the dashboard, feeds it by server-sent events, and hands commands to whoever takes them.

The events' ids are the sequence numbers of the record, so that a page that lost its connection goes on where it was
(WHATWG HTML, server-sent events). The page reads them by ``fetch``, because the token goes in a header.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from simulator.dashboard.feed import Feed, record_line
from simulator.dashboard.guard import refusal
from zdu.errors import ExitCode, UsageError, ZduError

FIGURES_EVERY_S = 0.4
SHUTDOWN_WITHIN_S = 1.0
SAID_GOODBYE_WITHIN_S = 2.0
_MAX_BODY = 16 * 1024
_STATIC = Path(__file__).parent / "static"
_REPORT = Path(__file__).parents[1] / "report"
_SHARED = {
    "cluster_drawing.js": _REPORT / "static" / "cluster_drawing.js",
    "drawing.css": _REPORT / "templates" / "drawing.css",
}
"""The drawing of the cluster is that of the report's player."""
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}
_HTTP_STATUS = {ExitCode.USAGE: 400, ExitCode.FAIL: 409, ExitCode.INTERNAL: 500}

Command = Callable[[Mapping[str, str], Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""Gets the path's words and the body's, and returns the answer. Raises a ZduError, which becomes the answer."""


class Site:
    """One control port on loopback. ``status`` gives the whole state of the cluster at any time."""

    def __init__(self, feed: Feed, token: str, status: Callable[[], dict[str, Any]]) -> None:
        self.feed = feed
        self.token = token
        self._status = status
        self._commands: dict[str, Command] = {}
        self._runner: web.AppRunner | None = None
        self._streams = 0
        self.url = ""

    @property
    def page_url(self) -> str:
        """The dashboard's address for one's own eyes: the token is behind ``#``, which no browser sends anywhere."""
        return f"{self.url}/#token={self.token}"

    def on_post(self, path: str, command: Command) -> None:
        """Let ``POST /api/PATH`` call ``command``; before :meth:`open`."""
        self._commands[path] = command

    async def open(self, port: int = 0) -> None:
        """Listen. Raises UsageError if the port is taken."""
        app = web.Application(client_max_size=_MAX_BODY, middlewares=[self._guard])
        app.router.add_get("/", self._page)
        app.router.add_get("/static/{name}", self._static)
        app.router.add_get("/api/status", self._tell_status)
        app.router.add_get("/api/events", self._events)
        for path, command in self._commands.items():
            app.router.add_post(f"/api/{path}", _handler(command))
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_WITHIN_S)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise UsageError(
                f"port {port} on 127.0.0.1 cannot be used for the dashboard: {error.strerror}",
                hint="Name another port, or 0 for any free one.",
            ) from error
        host, actual = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{actual}"

    async def close(self) -> None:
        """Let the open pages hear the last word, and stop listening."""
        self.feed.close()
        if self._runner is not None:
            async with asyncio.timeout(SAID_GOODBYE_WITHIN_S + SHUTDOWN_WITHIN_S):
                for _ in range(int(SAID_GOODBYE_WITHIN_S / 0.05)):
                    if not self._streams:
                        break
                    await asyncio.sleep(0.05)
                await self._runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        refused = refusal(
            self.token,
            host=request.headers.get(hdrs.HOST),
            authorization=request.headers.get(hdrs.AUTHORIZATION),
            secret=request.path.startswith("/api/"),
        )
        if refused:
            return _problem(refused[0], refused[1])
        try:
            return await handler(request)
        except ZduError as error:
            return _problem(_HTTP_STATUS.get(error.exit_code, 500), error.message, error.hint, error.exit_code)
        except web.HTTPException as error:
            return _problem(error.status, f"{request.method} {request.path}: {error.reason}")

    async def _page(self, _request: web.Request) -> web.Response:
        return _file("index.html")

    async def _static(self, request: web.Request) -> web.Response:
        return _file(request.match_info["name"])

    async def _tell_status(self, _request: web.Request) -> web.Response:
        return _json(self._status())

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """The record from ``Last-Event-ID`` (or ``?after=``) on, and the figures of the moment, until the end."""
        text = request.headers.get("Last-Event-ID") or request.query.get("after", "0")
        if not (text.isascii() and text.isdecimal()):
            raise UsageError(f"after is the number of an event, not {text!r}")
        answer = web.StreamResponse(headers={**_HEADERS, "Content-Type": "text/event-stream"})
        await answer.prepare(request)
        self._streams += 1
        try:
            await self._stream(answer, int(text))
        except (ConnectionResetError, asyncio.CancelledError):
            pass  # whoever read has gone
        finally:
            self._streams -= 1
        return answer

    async def _stream(self, answer: web.StreamResponse, seq: int) -> None:
        feed = self.feed
        seq = min(seq, feed.last_seq)
        moves, failures, phase = feed.last_move, feed.last_failure, ""
        loop = asyncio.get_running_loop()
        figures_due_s = loop.time()
        while True:
            status = self._status()
            if status["phase"] != phase:
                phase = status["phase"]
                await _send(answer, "about", {**status, "at": feed.at})
            for envelope in feed.envelopes_after(seq):
                seq = envelope.seq
                await _send(answer, "record", record_line(envelope), number=seq)
            if loop.time() >= figures_due_s:
                figures_due_s = loop.time() + FIGURES_EVERY_S
                told = feed.moves_after(moves)
                news: dict[str, Any] = {"moves": told} if told is not None else {"at": feed.at}
                news["failures"] = feed.failures_after(failures)
                moves, failures = feed.last_move, feed.last_failure
                await _send(answer, "figures", {**feed.figures(), **news, **_brief(status)})
            if feed.closed:
                if feed.verdict:
                    await _send(answer, "verdict", feed.verdict)
                return
            await feed.changed(within_s=max(0.0, figures_due_s - loop.time()))


def _brief(status: Mapping[str, Any]) -> dict[str, Any]:
    """What of the status may change without an event of the record."""
    return {key: status[key] for key in ("under_way", "next", "users", "waiting", "pause", "target") if key in status}


async def _send(answer: web.StreamResponse, kind: str, words: Mapping[str, Any], *, number: int = 0) -> None:
    head = f"id: {number}\n" if number else ""
    await answer.write(f"{head}event: {kind}\ndata: {json.dumps(words, ensure_ascii=False)}\n\n".encode())


def _handler(command: Command) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        body: Any = {}
        if request.can_read_body:
            try:
                body = await request.json()
            except ValueError:
                raise UsageError("the body is no JSON") from None
        if not isinstance(body, dict):
            raise UsageError("the body is to be a JSON object")
        return _json(await command(request.match_info, body))

    return handle


def _file(name: str) -> web.Response:
    path = _SHARED.get(name) or _STATIC / name
    if path.name != name or path.suffix not in _TYPES or not path.is_file():
        raise web.HTTPNotFound
    return web.Response(body=path.read_bytes(), content_type=_TYPES[path.suffix], charset="utf-8", headers=_HEADERS)


def _json(words: Mapping[str, Any], status: int = 200) -> web.Response:
    text = json.dumps(words, ensure_ascii=False)
    return web.Response(text=text, status=status, content_type="application/json", headers=_HEADERS)


def _problem(status: int, message: str, hint: str = "", exit_code: int = ExitCode.USAGE) -> web.Response:
    return _json({"error": message, "hint": hint, "exit_code": int(exit_code)}, status)
