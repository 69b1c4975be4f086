"""The REST side of the admin port: what the command line, scripts and an upgrade's conductor use."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from lb.admin.answers import NO_STORE, Problem, answer, json_object, whole_number
from lb.balancer import Balancer
from lb.pool import Admin
from lb.status import event_json, figures, node_figures, node_json, status_json
from lb.telemetry.explain import explain_now, explain_request
from lb.telemetry.metrics import CONTENT_TYPE, render
from lb.telemetry.stats_csv import stats_csv
from lb.telemetry.telemetry import Telemetry
from zdu.durations import parse_duration_s
from zdu.errors import ZduError

MAX_WAIT_MS = 30_000
MAX_WEIGHT = 256
STATE_EXPECTED = '{"state": "ready"}, {"state": "drain", "deadline": "20s"} or {"state": "maint"}'
WEIGHT_EXPECTED = '{"weight": 50}'

Reload = Callable[[], Awaitable[list[str]]]
"""Reads the configuration again and takes it over; returns what changed, in words. Raises ZduError if it is wrong."""


class Api:
    """The handlers; every problem becomes ``{"error": ...}``."""

    def __init__(self, balancer: Balancer, telemetry: Telemetry) -> None:
        self._balancer = balancer
        self._telemetry = telemetry
        self.on_reload: Reload | None = None
        """Reads the configuration's file again; None if there is no file."""

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """All of them."""
        router.add_get("/status.json", self.status)
        router.add_get("/events", self.events)
        router.add_get("/nodes", self.nodes)
        router.add_get("/nodes/{name}", self.node)
        router.add_post("/nodes/{name}/state", self.set_state)
        router.add_post("/nodes/{name}/weight", self.set_weight)
        router.add_get("/config", self.config)
        router.add_post("/reload", self.reload)
        router.add_get("/healthz", self.healthz)
        router.add_get("/metrics", self.metrics)
        router.add_get("/stats;csv", self.csv)
        router.add_get("/explain", self.explain)
        router.add_get("/explain/{request_id}", self.explain_request)

    async def status(self, _request: web.Request) -> web.Response:
        """The state now."""
        return answer(status_json(figures(self._balancer, self._telemetry)))

    async def events(self, request: web.Request) -> web.Response:
        """Events with a higher number than ``after``; waits up to ``wait_ms`` for the first one."""
        journal = self._balancer.journal
        after = whole_number(request, "after", 2**53)
        wait_ms = whole_number(request, "wait_ms", MAX_WAIT_MS)
        entries = await journal.wait_after(after, wait_ms / 1000)
        return answer(
            {
                "events": [event_json(entry) for entry in entries],
                "first_seq": journal.first_seq,
                "last_seq": journal.last_seq,
                "now_s": self._balancer.now(),
            }
        )

    async def nodes(self, _request: web.Request) -> web.Response:
        """All nodes."""
        now = figures(self._balancer, self._telemetry)
        return answer({"now_s": now.now_s, "nodes": [node_json(node) for node in now.nodes]})

    async def node(self, request: web.Request) -> web.Response:
        """One node."""
        return self._node(self._known(request))

    async def set_state(self, request: web.Request) -> web.Response:
        """Set a node's admin state: ``{"state": "ready|drain|maint"}``, a drain with a ``deadline`` if wanted."""
        name = self._known(request)
        wish = await json_object(request, STATE_EXPECTED)
        try:
            admin = Admin(str(wish.pop("state", "")).upper())
        except ValueError:
            raise Problem(400, f"expected {STATE_EXPECTED}") from None
        deadline_s = _deadline_s(wish.pop("deadline", None), admin)
        _nothing_left(wish, STATE_EXPECTED)
        self._balancer.set_admin(name, admin, deadline_s=deadline_s)
        return self._node(name)

    async def set_weight(self, request: web.Request) -> web.Response:
        """Set a node's weight: ``{"weight": 0..256}``."""
        name = self._known(request)
        wish = await json_object(request, WEIGHT_EXPECTED)
        weight = wish.pop("weight", None)
        if not isinstance(weight, int) or isinstance(weight, bool) or not 0 <= weight <= MAX_WEIGHT:
            raise Problem(400, f"weight: expected a whole number from 0 to {MAX_WEIGHT}, as in {WEIGHT_EXPECTED}")
        _nothing_left(wish, WEIGHT_EXPECTED)
        self._balancer.set_weight(name, weight)
        return self._node(name)

    async def config(self, _request: web.Request) -> web.Response:
        """The configuration in force, as its file would say it; secrets show as asterisks."""
        return answer(self._balancer.config.model_dump(mode="json"))

    async def reload(self, request: web.Request) -> web.Response:
        """Read the configuration's file again and take it over."""
        await json_object(request, "{}")
        if self.on_reload is None:
            raise Problem(501, "this load balancer was not started from a configuration file")
        try:
            changed = await self.on_reload()
        except ZduError as error:
            raise Problem(422, f"nothing was changed: {error}") from None
        return answer({"changed": changed})

    async def healthz(self, _request: web.Request) -> web.Response:
        """200 while some node takes requests, 503 while none does: for whoever balances load balancers."""
        now = figures(self._balancer, self._telemetry)
        facts = {"status": "ok" if now.active else "no node takes requests", "serving": now.active}
        return web.json_response(
            {**facts, "nodes": len(now.nodes)}, status=200 if now.active else 503, headers=NO_STORE
        )

    async def metrics(self, _request: web.Request) -> web.Response:
        """Prometheus' text format."""
        body = render(figures(self._balancer, self._telemetry))
        return web.Response(body=body, headers={**NO_STORE, "Content-Type": CONTENT_TYPE})

    async def csv(self, _request: web.Request) -> web.Response:
        """HAProxy's statistics."""
        text = stats_csv(figures(self._balancer, self._telemetry))
        return web.Response(text=text, content_type="text/plain", headers=NO_STORE)

    async def explain(self, request: web.Request) -> web.Response:
        """Where a request with this ``cookie`` from this ``client`` would go now, and why."""
        cookie = request.query.get("cookie", "").encode("utf-8", "surrogateescape")
        client = request.query.get("client", "127.0.0.1")
        return answer(explain_now(self._balancer, figures(self._balancer, self._telemetry), cookie, client))

    async def explain_request(self, request: web.Request) -> web.Response:
        """Why one of the latest requests went where it went."""
        request_id = request.match_info["request_id"]
        line = self._telemetry.line_of(request_id)
        if line is None:
            raise Problem(404, f"request {request_id} is not among the latest {self._telemetry.remembered}")
        return answer(explain_request(line))

    def _known(self, request: web.Request) -> str:
        name = request.match_info["name"]
        if name not in self._balancer.addresses:
            known = ", ".join(self._balancer.addresses)
            raise Problem(404, f"no node is called {name}; known: {known}")
        return name

    def _node(self, name: str) -> web.Response:
        return answer(node_json(node_figures(self._balancer, self._telemetry, name)))


def _deadline_s(text: object, admin: Admin) -> float | None:
    if text is None:
        return None
    if admin is not Admin.DRAIN:
        raise Problem(400, "deadline: only a drain has one")
    try:
        return parse_duration_s(text)
    except ValueError as error:
        raise Problem(400, f"deadline: {error}") from None


def _nothing_left(wish: dict[str, Any], expected: str) -> None:
    if wish:
        raise Problem(400, f"{', '.join(sorted(wish))}: there is no such setting here; expected {expected}")
