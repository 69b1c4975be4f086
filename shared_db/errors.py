"""What can go wrong between a node and its database, in words for the person at the keyboard.

Nothing of SQLAlchemy or of a driver leaves this package: ``shared_db.translate`` turns their exceptions into these.
"""

from zdu.errors import ZduError


class DatabaseError(ZduError):
    """The database did not do what it was asked."""


class DatabaseUnavailable(DatabaseError):
    """No connection: wrong address, refused, missing database or directory, wrong password, or it went away."""


class DatabaseTimeout(DatabaseError):
    """The time limit of one operation passed. Whether a commit under way took place is not known."""


class DatabaseBusy(DatabaseTimeout):
    """Another process held the write lock until the time limit passed. Nothing was written."""


class DatabaseFull(DatabaseError):
    """No space left where the database lives. Nothing was written."""


class DatabaseNotSetUp(DatabaseError):
    """The database answers but has no tables of ours."""


class ValueRejected(DatabaseError):
    """A value that cannot be stored: too long, or with a NUL character."""


class AlreadyExists(DatabaseError):
    """A row with that name is there already."""


class StepFailed(DatabaseError):
    """An expand step or upgrade task of a release failed; it was rolled back as a whole."""


class StatementRefused(DatabaseError):
    """A statement that does not fit the schema as it is now: a column is missing, or must not be left empty.

    In a cluster of two releases this is what an upgrade does to the nodes that it forgot. ``statement`` is the
    statement in short, ``reason`` what the database has against it.
    """

    def __init__(self, message: str, *, statement: str, reason: str) -> None:
        super().__init__(message, hint="Another release has changed the schema under this node's feet.")
        self.statement = statement
        self.reason = reason
