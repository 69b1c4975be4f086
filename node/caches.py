"""What a node remembers of the database, so that not every request has to ask; forgotten when another node says so.

A cluster whose caches are not told of each other's changes shows different users and projects on different nodes
(Jira's health check "cluster cache replication"). The messages come with a delay, so the nodes agree after one.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from node.search_index import SearchIndex
from shared_db import Board, Project, Status, User
from shared_db.projects import PROJECTS_CHANGED
from shared_db.users import USERS_CHANGED

SESSIONS_KILLED = "sessions"
"""The message that ends a user's sessions on all nodes; the digest of the name follows."""

_LIMIT = 10_000

Value = TypeVar("Value")


class Cache(Generic[Value]):
    """Values by name, the least recently used forgotten first."""

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._generation = 0

    async def get(self, name: str, load: Callable[[], Awaitable[Value]]) -> Value:
        """The value; loaded if it is not here.

        A value that was being loaded while the cache was cleared is given to whoever asked and not kept: it may be
        from before the change.
        """
        if name in self._values:
            self._values.move_to_end(name)
            return self._values[name]
        generation = self._generation
        value = await load()
        if generation == self._generation:
            self._values[name] = value
            while len(self._values) > self._limit:
                self._values.popitem(last=False)
        return value

    def clear(self) -> None:
        """Forget everything."""
        self._generation += 1
        self._values.clear()


@dataclass
class NodeLocal:
    """What one node keeps to itself: its index, its caches, and what it does when others tell it something."""

    index: SearchIndex = field(default_factory=SearchIndex)
    users: Cache[User | None] = field(default_factory=Cache)
    projects: Cache[list[Project]] = field(default_factory=Cache)
    boards: Cache[list[Board]] = field(default_factory=Cache)
    statuses: Cache[list[Status]] = field(default_factory=Cache)
    kill_sessions: Callable[[str], None] = lambda _digest: None
    """Ends the sessions, in this node's memory, of the user whose name has this digest."""

    def hear(self, message: str) -> None:
        """Act on what another node says. What it says may be news of its newer release: then forget everything."""
        topic, _, rest = message.partition(" ")
        if topic == SESSIONS_KILLED:
            self.kill_sessions(rest)
        if topic != PROJECTS_CHANGED:
            self.forget_users()
        if topic != USERS_CHANGED:
            self.forget_projects()

    def forget_users(self) -> None:
        """Forget who is who."""
        self.users.clear()

    def forget_projects(self) -> None:
        """Forget projects, boards and statuses."""
        self.projects.clear()
        self.boards.clear()
        self.statuses.clear()
