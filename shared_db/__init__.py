"""The cluster-state database: tables, transactions and the schema steps of each release. The only SQL of a node.

:class:`Database` is the door. Behind it stands one gateway for each kind of data; each of their methods is one
transaction, takes and gives plain values (``shared_db.rows``) and raises errors for people (``shared_db.errors``).
No type of SQLAlchemy or of a driver gets out, so that an implementation in memory can stand in.
"""

from shared_db.database import Database
from shared_db.errors import (
    AlreadyExists,
    DatabaseBusy,
    DatabaseError,
    DatabaseFull,
    DatabaseNotSetUp,
    DatabaseTimeout,
    DatabaseUnavailable,
    StepFailed,
    ValueRejected,
)
from shared_db.rows import (
    FIRST_STATUS,
    SUMMARY_MAX_LENGTH,
    Board,
    BoardColumn,
    Change,
    ChangeItem,
    ClusterMessage,
    ClusterNode,
    ClusterSnapshot,
    Comment,
    IndexOperation,
    Issue,
    Moved,
    NewIssue,
    NewUpgradeState,
    NewUser,
    NodeState,
    Project,
    SharedSession,
    Status,
    UpgradeStateRow,
    User,
)

__all__ = [
    "FIRST_STATUS",
    "SUMMARY_MAX_LENGTH",
    "AlreadyExists",
    "Board",
    "BoardColumn",
    "Change",
    "ChangeItem",
    "ClusterMessage",
    "ClusterNode",
    "ClusterSnapshot",
    "Comment",
    "Database",
    "DatabaseBusy",
    "DatabaseError",
    "DatabaseFull",
    "DatabaseNotSetUp",
    "DatabaseTimeout",
    "DatabaseUnavailable",
    "IndexOperation",
    "Issue",
    "Moved",
    "NewIssue",
    "NewUpgradeState",
    "NewUser",
    "NodeState",
    "Project",
    "SharedSession",
    "Status",
    "StepFailed",
    "UpgradeStateRow",
    "User",
    "ValueRejected",
]
