"""What the gateways take and give: frozen values, free of any database type.

Times named ``*_ms`` are milliseconds since the epoch by the *database's* clock, so that nodes with different clocks
agree about them.
"""

from dataclasses import dataclass
from enum import StrEnum

SUMMARY_MAX_LENGTH = 255
"""Characters of an issue's summary: the width of Jira's ``jiraissue.summary``."""

FIRST_STATUS = "10000"
"""The status of a new issue: "To Do" has this id in every Jira that was set up with Jira Software."""


class NodeState(StrEnum):
    """``clusternode.node_state``, by Jira's names (REST ``/rest/api/2/cluster/nodes``)."""

    ACTIVE = "ACTIVE"
    PASSIVE = "PASSIVE"
    ACTIVATING = "ACTIVATING"
    PASSIVATING = "PASSIVATING"
    OFFLINE = "OFFLINE"


@dataclass(frozen=True)
class ClusterNode:
    """One row of ``clusternode`` with its heartbeat.

    ``timestamp_ms`` is when ``state`` last changed. ``alive`` is ``False`` for an OFFLINE node and for one whose last
    heartbeat is older than the limit it was asked for with; a killed node stays ACTIVE and becomes not alive.
    """

    node_id: str
    state: NodeState
    timestamp_ms: int
    ip: str
    cache_listener_port: int
    build_number: int
    version: str
    heartbeat_age_s: float | None
    alive: bool


@dataclass(frozen=True)
class NodeFigures:
    """What a node tells of itself with its heartbeat, for the page "Clustering".

    ``load`` is the system's load average over one minute, ``memory_bytes`` what the process holds in memory.
    """

    application_state: str
    load: float
    memory_bytes: int
    uptime_s: float


@dataclass(frozen=True)
class Retired:
    """The nodes that were set OFFLINE, and those whose rows were removed, by id."""

    offline: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class UpgradeStateRow:
    """One row of ``clusterupgradestate``. The current state is the row with the highest ``order_number``."""

    id: int
    database_time_ms: int
    build_number: int
    version: str
    state: str
    order_number: int


@dataclass(frozen=True)
class NewUpgradeState:
    """The row that a decision wants to be appended."""

    state: str
    build_number: int
    version: str


@dataclass(frozen=True)
class ClusterSnapshot:
    """What a decision about the cluster is made from, all read in one serialised transaction."""

    current: UpgradeStateRow | None
    members: tuple[ClusterNode, ...]
    database_time_ms: int


@dataclass(frozen=True)
class User:
    """One user. ``password_hash`` is opaque here."""

    username: str
    display_name: str
    password_hash: str
    administrator: bool = False


NewUser = User
"""A user about to be created; the database adds nothing that callers need."""


@dataclass(frozen=True)
class NewIssue:
    """An issue about to be created in bulk."""

    summary: str
    description: str
    reporter: str


@dataclass(frozen=True)
class Issue:
    """One issue. ``number`` is the part of ``key`` after the dash."""

    id: int
    key: str
    project_key: str
    number: int
    summary: str
    description: str
    reporter: str
    created_ms: int
    updated_ms: int
    status: str = FIRST_STATUS
    resolution: str | None = None


@dataclass(frozen=True)
class Comment:
    """One comment of an issue."""

    id: int
    author: str
    body: str
    created_ms: int


@dataclass(frozen=True)
class ChangeItem:
    """One field of an edit, with its text before and after."""

    field: str
    old: str
    new: str


@dataclass(frozen=True)
class Change:
    """One edit of an issue: who, when, and one item for each field that changed."""

    id: int
    author: str
    created_ms: int
    items: tuple[ChangeItem, ...]


@dataclass(frozen=True)
class Moved:
    """What a transition of the workflow does to an issue: its status, its resolution, and what the history says."""

    status: str
    resolution: str | None
    items: tuple[ChangeItem, ...]


@dataclass(frozen=True)
class Status:
    """One status. ``category`` is Jira's: 2 is to do, 4 is in progress, 3 is done."""

    id: str
    name: str
    category: int


@dataclass(frozen=True)
class Project:
    """One project."""

    id: int
    key: str
    name: str
    lead: str


@dataclass(frozen=True)
class BoardColumn:
    """One column of a board, and the status whose issues stand in it."""

    name: str
    status: str


@dataclass(frozen=True)
class Board:
    """A board of one project, with its columns from left to right."""

    id: int
    name: str
    project_key: str
    columns: tuple[BoardColumn, ...]


@dataclass(frozen=True)
class IndexOperation:
    """One line of the index journal: ``node_id`` has changed the issues with these ids."""

    id: int
    node_id: str
    time_ms: int
    issue_ids: tuple[int, ...]


@dataclass(frozen=True)
class ClusterMessage:
    """What one node tells the others."""

    id: int
    source: str
    text: str


@dataclass(frozen=True)
class SharedSession:
    """A session that every node knows; the database has only the hash of its token."""

    username: str
    xsrf_token: str
    remember_me_id: int | None
    work: str
