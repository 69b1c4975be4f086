"""The seam inside a node: what its web pages and REST resources may ask of the cluster side.

The web side (``node.web``) turns HTTP into calls of these methods and their answers into pages; the cluster side
(``node.runtime``) carries them out against the shared database. Tests of the web side put a fake in here.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from node.releases import Release
from shared_db.rows import NodeFigures


class ApplicationState(StrEnum):
    """What ``GET /status`` says.

    All but DRAINING are Jira's own words and HTTP codes (KB "Jira status endpoint response meanings"); DRAINING is
    how this node's upgrade mode asks a load balancer to take it out, a state that Confluence and Bitbucket know and
    Jira does not.
    """

    STARTING = "STARTING"
    FIRST_RUN = "FIRST_RUN"
    RUNNING = "RUNNING"
    DRAINING = "DRAINING"
    MAINTENANCE = "MAINTENANCE"
    STOPPING = "STOPPING"
    ERROR = "ERROR"

    @property
    def http_status(self) -> int:
        """200 also while STARTING and STOPPING: that a status of 200 is not enough is Jira's documented trap."""
        return {"DRAINING": 503, "MAINTENANCE": 503, "ERROR": 500}.get(self.value, 200)


class UpgradeAction(StrEnum):
    """What an administrator can ask for, by the names of Jira's REST resources."""

    START = "start"
    CANCEL = "cancel"
    APPROVE = "approve"
    RETRY = "retryUpgrade"


class NotAllowed(Exception):
    """The action does not fit the cluster's state now: HTTP 409. Says the state and what is allowed in it."""

    def __init__(self, message: str, *, state: str, allowed: tuple[UpgradeAction, ...]) -> None:
        super().__init__(message)
        self.message = message
        self.state = state
        self.allowed = allowed


class NoSuchNode(Exception):
    """The cluster knows no node of that id: HTTP 404."""


class NodeChangeRefused(Exception):
    """The node is not in a condition that allows what was asked: HTTP 409. The message says which it is in."""


@dataclass(frozen=True)
class UpgradeView:
    """The cluster's upgrade state as a page shows it. Build and version are the base's until the STABLE row."""

    state: str
    build_number: int
    version: str
    allowed: tuple[UpgradeAction, ...]


@dataclass(frozen=True)
class MemberView:
    """One row of ``/rest/api/2/cluster/nodes``, in Jira's terms."""

    node_id: str
    state: str
    last_state_change_ms: int
    ip: str
    cache_listener_port: int
    build_number: int
    version: str
    alive: bool


@dataclass(frozen=True)
class NodeModeView:
    """Node-level upgrade mode: whether this cluster has it, whether this node is in it, what still runs here."""

    available: bool
    enabled: bool
    requests_in_flight: int
    sessions: int


class ClusterService(Protocol):
    """The cluster side of one node."""

    @property
    def node_id(self) -> str:
        """The node's ``jira.node.id``."""
        ...

    @property
    def release(self) -> Release:
        """The release this process runs."""
        ...

    @property
    def application_state(self) -> ApplicationState:
        """What ``/status`` says now."""
        ...

    @property
    def running_since_s(self) -> float | None:
        """When this node became RUNNING, on the event loop's clock; None before."""
        ...

    @property
    def boot_id(self) -> str:
        """New with each start of the process, so that an answer of an earlier life is recognised."""
        ...

    async def upgrade_view(self) -> UpgradeView:
        """The cluster's upgrade state, read from the database now."""
        ...

    async def members(self) -> list[MemberView]:
        """All nodes the cluster knows of, by id."""
        ...

    async def figures(self) -> dict[str, NodeFigures]:
        """What the nodes tell of themselves, by id: this one now, the others with their last heartbeat."""
        ...

    async def set_member_offline(self, node_id: str, actor: str) -> None:
        """Declare a node gone that has no heartbeat. Raises :class:`NoSuchNode` or :class:`NodeChangeRefused`."""
        ...

    async def remove_member(self, node_id: str, actor: str) -> None:
        """Forget a node that is OFFLINE. Raises :class:`NoSuchNode` or :class:`NodeChangeRefused`."""
        ...

    async def reindex(self, actor: str) -> None:
        """Begin a foreground reindex of this node. Raises :class:`NodeChangeRefused` unless it is RUNNING."""
        ...

    async def act(self, action: UpgradeAction, actor: str) -> None:
        """Carry out an administrator's wish. Raises :class:`NotAllowed` if the state forbids it now."""
        ...

    async def set_node_upgrade_mode(self, *, enabled: bool, actor: str) -> None:
        """Ask to be drained, or take that back. Raises :class:`NotAllowed` where there is no such thing."""
        ...

    def node_mode(self) -> NodeModeView:
        """Node-level upgrade mode as it is now."""
        ...
