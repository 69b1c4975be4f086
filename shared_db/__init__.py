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
    SUMMARY_MAX_LENGTH,
    Change,
    ChangeItem,
    ClusterNode,
    ClusterSnapshot,
    Comment,
    Issue,
    NewIssue,
    NewUpgradeState,
    NewUser,
    NodeFigures,
    NodeState,
    UpgradeStateRow,
    User,
)

__all__ = [
    "SUMMARY_MAX_LENGTH",
    "AlreadyExists",
    "Change",
    "ChangeItem",
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
    "Issue",
    "NewIssue",
    "NewUpgradeState",
    "NewUser",
    "NodeFigures",
    "NodeState",
    "StepFailed",
    "UpgradeStateRow",
    "User",
    "ValueRejected",
]
