"""One node's web side for tests: a fake cluster with the real state table, a SQLite database, a browser of sorts."""

import re
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Literal

from aiohttp import ClientResponse, CookieJar
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from node.caches import NodeLocal
from node.config import DatabaseConfig, NodeConfig, SessionLife
from node.member_rules import may_be_removed, may_be_set_offline
from node.passwords import hash_password
from node.releases import Release, find_release
from node.services import (
    ApplicationState,
    MemberView,
    NodeChangeRefused,
    NodeModeView,
    NotAllowed,
    UpgradeAction,
    UpgradeView,
)
from node.upgrade_state import UpgradeState, after_wish, allowed
from node.web import WebContext, build_app
from node.web.templating import Templates
from node.workflow import BOARD_COLUMNS, STATUSES
from shared_db import ClusterNode, Database, NewUser, NodeFigures, NodeState
from zdu.clock import Entropy, ManualClock

COST = 4
"""The cheapest password hash there is: tests log in hundreds of times."""


def member(node_id: str, version: str = "7.3.0", state: str = "ACTIVE", *, alive: bool = True) -> MemberView:
    """A node of the cluster."""
    build = find_release(version).build
    return MemberView(node_id, state, 1_488_880_260_000, "127.0.0.1", 40001, build, version, alive)


@dataclass
class FakeCluster:
    """The cluster side without a cluster. Wishes go through the real table; observations are set by the test."""

    node_id: str = "node1"
    release: Release = field(default_factory=lambda: find_release("7.3.0"))
    application_state: ApplicationState = ApplicationState.RUNNING
    boot_id: str = "boot-1"
    running_since_s: float | None = None
    state: UpgradeState = UpgradeState.STABLE
    nodes: list[MemberView] = field(default_factory=lambda: [member("node1"), member("node2")])
    mode_available: bool = False
    context: WebContext | None = None
    actions: list[tuple[str, str]] = field(default_factory=list)
    failure: Exception | None = None

    async def upgrade_view(self) -> UpgradeView:
        if self.failure:
            raise self.failure
        return UpgradeView(self.state, 73011, "7.3.0", allowed(self.state))

    async def members(self) -> list[MemberView]:
        return self.nodes

    async def figures(self) -> dict[str, NodeFigures]:
        return {"node1": NodeFigures(self.application_state, 0.25, 90 * 1024**2, 3_723.0)}

    async def set_member_offline(self, node_id: str, actor: str) -> None:
        may_be_set_offline(node_id, self._row(node_id))
        self.actions.append((f"offline {node_id}", actor))

    async def remove_member(self, node_id: str, actor: str) -> None:
        may_be_removed(node_id, self._row(node_id))
        self.actions.append((f"remove {node_id}", actor))

    def _row(self, node_id: str) -> ClusterNode | None:
        found = [
            ClusterNode(
                m.node_id, NodeState(m.state), 0, m.ip, m.cache_listener_port, m.build_number, m.version, 0.5, m.alive
            )
            for m in self.nodes
            if m.node_id == node_id
        ]
        return found[0] if found else None

    async def reindex(self, actor: str) -> None:
        if self.application_state is not ApplicationState.RUNNING:
            raise NodeChangeRefused(f"this one is {self.application_state}")
        self.application_state = ApplicationState.MAINTENANCE
        self.actions.append(("reindex", actor))

    async def act(self, action: UpgradeAction, actor: str) -> None:
        self.state = after_wish(self.state, action)
        self.actions.append((action, actor))

    async def set_node_upgrade_mode(self, *, enabled: bool, actor: str) -> None:
        if not self.mode_available or (enabled and not self.state.in_upgrade):
            raise NotAllowed("A node can enter upgrade mode only during an upgrade.", state=self.state, allowed=())
        self.application_state = ApplicationState.DRAINING if enabled else ApplicationState.RUNNING
        self.actions.append(("on" if enabled else "off", actor))

    def node_mode(self) -> NodeModeView:
        in_flight, sessions = 0, 0
        if self.context:
            in_flight, sessions = self.context.traffic.in_flight, self.context.sessions.count()
        enabled = self.application_state is ApplicationState.DRAINING
        return NodeModeView(self.mode_available, enabled, in_flight, sessions)


async def open_database(folder: Path, name: str = "web.db") -> Database:
    """A database as the set-up leaves it: users ``admin``, ``user1`` and ``user2`` (password = name), two issues."""
    database = await Database.open(f"sqlite+aiosqlite:///{folder / name}", node_id="node1")
    await database.schema.create_base()
    people = [("admin", "Ada Min", True), ("user1", "User One", False), ("user2", "User Two", False)]
    await database.users.create_many(
        [NewUser(name, shown, hash_password(name, COST, "ab" * 8), admin) for name, shown, admin in people]
    )
    await database.projects.create_statuses(STATUSES)
    await database.projects.create("ZDU", "Zero Downtime", "admin", board="ZDU board", columns=BOARD_COLUMNS)
    await database.issues.create("ZDU", "The first issue", "Its description", "user1")
    await database.issues.create("ZDU", "Another thing", "", "user2")
    return database


@dataclass
class WebNode:
    """A node that serves on a port of its own."""

    context: WebContext
    cluster: FakeCluster
    clock: ManualClock
    app: Application
    server: TestServer
    clients: list[TestClient[Request, Application]] = field(default_factory=list)

    @property
    def database(self) -> Database:
        return self.context.db


@asynccontextmanager
async def web_node(
    database: Database | None,
    templates: Templates | None = None,
    *,
    kept_in: Literal["memory", "database"] = "memory",
    **cluster_values: object,
) -> AsyncIterator[WebNode]:
    """Serve one node's web side on a free port."""
    clock, cluster, local = ManualClock(), FakeCluster(**cluster_values), NodeLocal()  # type: ignore[arg-type]  # the test's business
    config = NodeConfig(
        node_id=cluster.node_id,
        version=cluster.release.version,
        database=DatabaseConfig(url="sqlite+aiosqlite://"),
        shared_home=Path(tempfile.gettempdir()),
        local_home=Path("local"),
        password_cost=COST,
        sessions=SessionLife(kept_in=kept_in),
    )
    context = WebContext(
        config=config,
        service=cluster,
        clock=clock,
        entropy=Entropy(),
        database=database,
        local=local,
        templates=templates or Templates(),
    )
    cluster.context = context
    if database is not None:
        local.index.put_all(await database.issues.following(0, 1000))
    app = build_app(context)
    server = TestServer(app)
    await server.start_server()
    node = WebNode(context, cluster, clock, app, server)
    try:
        yield node
    finally:
        for client in node.clients:
            await client.close()
        await server.close()


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str
    cookies: SimpleCookie

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @property
    def page(self) -> str:
        return self.meta("zdu-page")

    @property
    def xsrf_token(self) -> str:
        match = re.search(r'name="atl_token" value="([^"]*)"', self.text)
        return match[1] if match else ""

    def meta(self, name: str) -> str:
        match = re.search(rf'<meta name="{name}" content="([^"]*)">', self.text)
        return match[1] if match else "(none)"


class Browser:
    """Somebody with a cookie jar. Follows no redirects; :meth:`at` keeps the cookies and goes to another node."""

    def __init__(self, node: WebNode, jar: CookieJar | None = None) -> None:
        self.node = node
        self.jar = CookieJar(unsafe=True) if jar is None else jar
        self._client: TestClient[Request, Application] = TestClient(node.server, cookie_jar=self.jar)
        node.clients.append(self._client)

    def at(self, node: WebNode) -> "Browser":
        return Browser(node, self.jar)

    async def get(self, path: str, **options: object) -> Answer:
        return await self.request("GET", path, **options)

    async def post(self, path: str, form: Mapping[str, str] | None = None, **options: object) -> Answer:
        return await self.request("POST", path, **({} if form is None else {"data": form}), **options)

    async def request(self, method: str, path: str, **options: object) -> Answer:
        arguments: dict[str, object] = {"allow_redirects": False, **options}
        response: ClientResponse = await self._client.request(method, path, **arguments)  # type: ignore[arg-type]  # its own
        async with response:
            return Answer(response.status, response.headers, await response.text(), response.cookies)

    async def log_in(self, username: str = "user1", *, remember: bool = False) -> Answer:
        form = {"os_username": username, "os_password": username} | ({"os_cookie": "true"} if remember else {})
        return await self.post("/login.jsp", form)

    async def xsrf_token(self) -> str:
        return (await self.get("/secure/CreateIssue.jspa")).xsrf_token

    async def submit(self, path: str, **fields: str) -> Answer:
        """Send a form with the token of a page loaded just now."""
        return await self.post(path, {"atl_token": await self.xsrf_token(), **fields})

    def cookie(self, name: str) -> str:
        return next((morsel.value for morsel in self.jar if morsel.key == name), "")
