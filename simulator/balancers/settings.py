"""What every load balancer is told, each in its own words: the same nodes, cookie, checks, time-outs and logs."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

COOKIE = "ROUTEID"
"""The sticky cookie that Atlassian's pages name; its value is a dot and the node's name, as Apache writes it."""
BACKEND = "jira"
"""What the group of nodes is called in every configuration."""


class Admin(StrEnum):
    """What an administrator wants of a node, in HAProxy's words."""

    READY = "ready"
    DRAIN = "drain"
    MAINT = "maint"


@dataclass(frozen=True)
class Node:
    """A server behind the load balancer."""

    name: str
    port: int
    admin: Admin = Admin.READY
    host: str = "127.0.0.1"

    @property
    def address(self) -> str:
        """Host and port, as every configuration writes them."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@dataclass(frozen=True)
class Health:
    """How a node is asked whether it serves: the status of a good answer, and what must be in it.

    ``tells_state``: a good answer is Jira's, whose body names the node's state; so a node can ask to be drained.
    """

    path: str = "/status"
    status: int = 200
    text: str = "RUNNING"
    tells_state: bool = True
    drain_status: int | None = None
    """The status of an answer by which a node asks to be drained, where it is no state; with ``drain_text`` in it."""
    drain_text: str = ""


JIRA_HEALTH = Health()


@dataclass(frozen=True)
class Setup:
    """One load balancer: where it lives and what it is told."""

    folder: Path
    port: int
    admin_port: int
    nodes: tuple[Node, ...]
    host: str = "127.0.0.1"
    inter_s: float = 2.0
    """Between two health checks of a node."""
    rise: int = 2
    fall: int = 3
    health: Health = JIRA_HEALTH
    client_timeout_s: float = 30.0
    """For a request's head, and between two pieces of its body."""
    server_timeout_s: float = 30.0
    keep_alive_s: float = 75.0
    """For a client's connection without a request."""
    queue_s: float = 5.0
    """How long a request may wait for a node, where the product lets requests wait."""
    passive: bool = True
    """Whether a node is left alone for a while after users' requests failed there, as is each product's default."""
    tuned: bool = True
    """Whether it is set up for speed: connections to nodes shared as freely as possible, logs written in blocks."""

    @property
    def access_log(self) -> Path:
        """Where one line a request goes, by whatever way the product has."""
        return self.folder / "access.log"

    @property
    def listen(self) -> str:
        """Host and port for users."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@dataclass(frozen=True)
class Logged:
    """A line of an access log: a request, and the nodes it was sent to, each with when, on the log's own clock.

    ``request_id`` is the ``X-Request-Id`` that it came with.
    """

    what: str
    sent: tuple[tuple[str, float], ...]
    retried: bool
    request_id: str = ""
