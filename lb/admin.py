"""The operator's side on its own port: a status page, the same as JSON, the events as they come, and admin states."""

import asyncio
import json
from pathlib import Path

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from lb.admin_guard import refusal
from lb.balancer import Balancer
from lb.pool import Admin
from lb.status import event_json, node_json, status_json
from zdu.durations import format_duration

MAX_WAIT_MS = 30_000
PAGE_EVENTS = 20
_REQUEST_LIMIT_S = 5.0
_SHUTDOWN_LIMIT_S = 0.5


class AdminSite:
    """Serves the admin port."""

    def __init__(self, balancer: Balancer, url: str = "") -> None:
        self._balancer = balancer
        self.data_url = url
        self._runner: web.AppRunner | None = None
        templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            undefined=StrictUndefined,
            autoescape=select_autoescape(["html"]),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._page = templates.get_template("status.html")

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=16 * 1024, middlewares=[self.guard])
        app.router.add_get("/", self.page)
        app.router.add_get("/status.json", self.status)
        app.router.add_get("/events", self.events)
        app.router.add_post("/nodes/{name}/state", self.set_state)
        return app

    async def open(self, host: str, port: int) -> int:
        """Listen, and return the port. Raises OSError if the address is taken or not ours."""
        self._runner = web.AppRunner(
            self.application(),
            access_log=None,
            handle_signals=False,
            shutdown_timeout=_SHUTDOWN_LIMIT_S,
            handler_cancellation=True,
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Stop listening and end long polls."""
        self._balancer.journal.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let nobody in who may not; unknown paths are guarded too."""
        token = self._balancer.config.admin_token
        refused = refusal(
            token.get_secret_value() if token else None,
            authorization=request.headers.get(hdrs.AUTHORIZATION),
            host=request.headers.get(hdrs.HOST),
        )
        if refused is None:
            return await handler(request)
        response = _problem(refused.status, refused.message)
        if refused.status == web.HTTPUnauthorized.status_code:
            response.headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="zdu-lb"'
        return response

    async def page(self, _request: web.Request) -> web.Response:
        """The status page."""
        status = status_json(self._balancer)
        events = [event_json(entry) for entry in self._balancer.journal.after(0)[-PAGE_EVENTS:]]
        html = self._page.render(
            status=status,
            events=list(reversed(events)),
            data_url=self.data_url,
            age=lambda at_s: _age(status["now_s"] - at_s) if at_s is not None else "never",
            duration=_age,
            drain_deadline=format_duration(self._balancer.config.drain.deadline),
        )
        return web.Response(text=html, content_type="text/html", headers=_NO_STORE)

    async def status(self, _request: web.Request) -> web.Response:
        """The state now."""
        return web.json_response(status_json(self._balancer), headers=_NO_STORE)

    async def events(self, request: web.Request) -> web.Response:
        """Events with a higher number than ``after``; waits up to ``wait_ms`` for the first one."""
        journal = self._balancer.journal
        after = _integer(request, "after", 0, 2**53)
        wait_ms = _integer(request, "wait_ms", 0, MAX_WAIT_MS)
        entries = await journal.wait_after(after, wait_ms / 1000)
        body = {
            "events": [event_json(entry) for entry in entries],
            "first_seq": journal.first_seq,
            "last_seq": journal.last_seq,
            "now_s": self._balancer.now(),
        }
        return web.json_response(body, headers=_NO_STORE)

    async def set_state(self, request: web.Request) -> web.Response:
        """Set a node's admin state: ``{"state": "ready|drain|maint"}``."""
        name = request.match_info["name"]
        if name not in self._balancer.addresses:
            known = ", ".join(self._balancer.addresses)
            return _problem(404, f"no node is called {name}; known: {known}")
        if request.content_type != "application/json":
            # A page of another site can make a browser post a form, but not JSON.
            return _problem(415, 'send JSON such as {"state": "drain"} with Content-Type: application/json')
        try:
            async with asyncio.timeout(_REQUEST_LIMIT_S):
                wish = await request.json()
            admin = Admin(str(wish["state"]).upper())
        except TimeoutError:
            return _problem(408, "the request's body did not come")
        except (ValueError, KeyError, TypeError):
            return _problem(400, 'expected {"state": "ready"}, "drain" or "maint"')
        view = self._balancer.set_admin(name, admin)
        return web.json_response(node_json(self._balancer, view), headers=_NO_STORE)


_NO_STORE = {"Cache-Control": "no-store"}


def _problem(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status, headers=_NO_STORE)


def _integer(request: web.Request, name: str, default: int, highest: int) -> int:
    text = request.query.get(name, str(default))
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not 0 <= number <= highest:
        message = json.dumps({"error": f"{name}: expected a whole number from 0 to {highest}, not {text!r}"})
        raise web.HTTPBadRequest(text=message, content_type="application/json")
    return number


def _age(seconds: float) -> str:
    """A duration for people: 4s, 12m 5s, 3h 2m, 5d 1h; as HAProxy's page writes it."""
    whole = max(0, int(seconds))
    units = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
    parts = []
    for unit, size in units:
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"
