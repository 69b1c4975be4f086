"""Everything the web side of one node needs, in one object: several nodes fit into one interpreter."""

import logging
from dataclasses import dataclass, field

from aiohttp import web

from node.caches import NodeLocal
from node.config import NodeConfig
from node.passwords import hash_password
from node.services import ClusterService
from node.web.limits import WebLimits
from node.web.logins import LogInBook
from node.web.session_keeper import InDatabase, InMemory, SessionKeeper
from node.web.sessions import SessionStore
from node.web.templating import Templates
from node.web.traffic import Traffic
from shared_db import Board, Database, Project, Status, User
from zdu.clock import Clock, Entropy
from zdu.errors import ZduError

SECRET_PROPERTY = "zdu.xsrf.secret"  # noqa: S105 - the name of a property, not its value


@dataclass
class WebContext:
    """One node's web side.

    ``database`` may come later: a node answers ``/status`` while it is still STARTING, perhaps without a database.
    Until the state lets application requests through nothing asks for it. ``log`` gets the tracebacks of requests
    that failed.
    """

    config: NodeConfig
    service: ClusterService
    clock: Clock
    entropy: Entropy
    database: Database | None = None
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("node.web"))
    limits: WebLimits = field(default_factory=WebLimits)
    traffic: Traffic = field(default_factory=Traffic)
    logins: LogInBook = field(default_factory=LogInBook)
    templates: Templates = field(default_factory=Templates)
    local: NodeLocal = field(default_factory=NodeLocal)
    sessions: SessionStore = field(init=False)
    keeper: SessionKeeper = field(init=False)
    status_sequence: int = 0
    _cluster_secret: str = ""
    _nobodys_password: str = ""

    def __post_init__(self) -> None:
        idle_timeout_s = self.config.sessions.idle_timeout
        self.sessions = SessionStore(
            idle_timeout_s=idle_timeout_s, new_token=self.entropy.token, limit=self.limits.sessions
        )
        self.keeper = InMemory(self.sessions, self.clock.monotonic_s)
        if self.config.sessions.kept_in == "database":
            self.keeper = InDatabase(lambda: self.db, idle_timeout_s=idle_timeout_s, new_token=self.entropy.token)
        self.local.kill_sessions = self._kill_sessions

    @property
    def db(self) -> Database:
        """The database. Raises ZduError while the node has none."""
        if self.database is None:
            raise ZduError("This node has no connection to its database yet.")
        return self.database

    async def user(self, username: str) -> User | None:
        """The user of that name, as this node's cache has it; None if there is none."""
        return await self.local.users.get(username.lower(), lambda: self.db.users.get(username))

    async def projects(self) -> list[Project]:
        """All projects by key, as this node's cache has them."""
        return await self.local.projects.get("", self.db.projects.all)

    async def boards(self) -> list[Board]:
        """All boards by id, as this node's cache has them."""
        return await self.local.boards.get("", self.db.projects.boards)

    async def statuses(self) -> list[Status]:
        """All statuses in their order, as this node's cache has them."""
        return await self.local.statuses.get("", self.db.projects.statuses)

    def _kill_sessions(self, digest: str) -> None:
        killed = self.sessions.close_all_of(digest)
        if killed:
            self.log.info("%d sessions of one user were ended by an administrator", killed)

    async def cluster_secret(self) -> str:
        """The secret from which all nodes derive the same XSRF tokens; made by whoever asks first."""
        if not self._cluster_secret:
            fresh = self.entropy.token(32)
            self._cluster_secret = await self.db.properties.get_or_create(SECRET_PROPERTY, fresh)
        return self._cluster_secret

    def nobodys_password(self) -> str:
        """A stored password that nobody has: checking against it takes unknown names as long as known ones."""
        if not self._nobodys_password:
            cost = self.config.password_cost
            self._nobodys_password = hash_password(self.entropy.token(), cost, self.entropy.token(16))
        return self._nobodys_password

    def next_status_sequence(self) -> int:
        """Counts the answers of ``/status``, so that a late one is told from a new one."""
        self.status_sequence += 1
        return self.status_sequence


CONTEXT = web.AppKey("context", WebContext)


def context_of(request: web.Request) -> WebContext:
    """The context of the application that got this request."""
    return request.app[CONTEXT]
