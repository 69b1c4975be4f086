"""The admin port itself: its guard, its page, and the REST side behind both."""

import socket
from collections.abc import Sequence
from pathlib import Path

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from lb.admin.answers import NO_STORE, Problem
from lb.admin.api import Api, Reload
from lb.admin.guard import refusal
from lb.admin.page import StatusPage
from lb.balancer import Balancer
from lb.listening import Listening
from lb.status import figures
from lb.telemetry.telemetry import Telemetry

_SHUTDOWN_LIMIT_S = 0.5
_STATIC = Path(__file__).parent / "static"
_FILES = {"status.css": "text/css", "status.js": "text/javascript"}
_FILE_HEADERS = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
_PAGE_HEADERS = {
    **NO_STORE,
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
}


class AdminSite:
    """Serves the admin port. ``url`` is where users' requests go."""

    def __init__(self, balancer: Balancer, telemetry: Telemetry, url: str = "") -> None:
        self._balancer = balancer
        self._telemetry = telemetry
        self._api = Api(balancer, telemetry)
        self._page = StatusPage()
        self._files = {name: (_STATIC / name).read_bytes() for name in _FILES}
        self._runner: web.AppRunner | None = None
        self._listening: Listening | None = None
        self.data_url = url
        self.frozen = False
        """Whether commands are refused, because another process is just taking over what they would change."""

    def on_reload(self, reload: Reload) -> None:
        """Let ``POST /reload`` call ``reload``."""
        self._api.on_reload = reload

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=16 * 1024, middlewares=[self.guard])
        app.router.add_get("/", self.page)
        app.router.add_get("/static/{name}", self.static)
        self._api.add_routes(app.router)
        return app

    async def open(self, host: str, port: int, listeners: Sequence[socket.socket] = ()) -> int:
        """Listen, and return the port; by ``listeners`` if another process gave them.

        Raises OSError if the address is taken or not ours.
        """
        self._runner = web.AppRunner(
            self.application(),
            access_log=None,
            handle_signals=False,
            shutdown_timeout=_SHUTDOWN_LIMIT_S,
            handler_cancellation=True,
        )
        await self._runner.setup()
        server = self._runner.server
        assert server is not None  # noqa: S101 - it was just set up
        self._listening = await Listening.on(host, port, server, listeners)
        return self._listening.port

    def listeners(self) -> list[int]:
        """The file descriptors of the sockets that listen."""
        return self._listening.descriptors() if self._listening is not None else []

    def stop_listening(self) -> None:
        """Accept no more; what is open goes on until :meth:`close`."""
        if self._listening is not None:
            self._listening.close()

    async def close(self) -> None:
        """Stop listening and end long polls."""
        self.stop_listening()
        self._balancer.journal.close()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let nobody in who may not; unknown paths are guarded too. Problems become JSON."""
        token = self._balancer.config.admin_token
        refused = refusal(
            token.get_secret_value() if token else None,
            authorization=request.headers.get(hdrs.AUTHORIZATION),
            host=request.headers.get(hdrs.HOST),
        )
        if refused is not None:
            response = Problem(refused.status, refused.message).response()
            if refused.status == web.HTTPUnauthorized.status_code:
                response.headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="zdu-lb"'
            return response
        if self.frozen and request.method not in {hdrs.METH_GET, hdrs.METH_HEAD}:
            return Problem(503, "another process is taking over this moment: try again").response()
        try:
            return await handler(request)
        except Problem as problem:
            return problem.response()
        except web.HTTPNotFound:
            return Problem(404, f"there is no {request.path} here").response()
        except web.HTTPMethodNotAllowed as error:
            allowed = ", ".join(sorted(error.allowed_methods))
            response = Problem(405, f"{request.path} takes {allowed}").response()
            response.headers[hdrs.ALLOW] = allowed
            return response

    async def page(self, _request: web.Request) -> web.Response:
        """The status page."""
        html = self._page.render(
            figures(self._balancer, self._telemetry), self._balancer.journal.after(0), self.data_url
        )
        return web.Response(text=html, content_type="text/html", headers=_PAGE_HEADERS)

    async def static(self, request: web.Request) -> web.Response:
        """What the page needs."""
        name = request.match_info["name"]
        if name not in self._files:
            raise web.HTTPNotFound
        return web.Response(body=self._files[name], content_type=_FILES[name], charset="utf-8", headers=_FILE_HEADERS)
