"""Exceptions of SQLAlchemy, SQLite, asyncpg and the network, told as errors for people.

asyncpg's exceptions are recognised by SQLSTATE, SQLite's by the texts of its result codes: both are interfaces that
do not change, unlike the wrapping classes in between.
"""

from collections.abc import Iterator

from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared_db.errors import (
    AlreadyExists,
    DatabaseBusy,
    DatabaseError,
    DatabaseFull,
    DatabaseNotSetUp,
    DatabaseTimeout,
    DatabaseUnavailable,
    StatementRefused,
)
from shared_db.statements import in_short
from shared_db.target import Target

# https://www.postgresql.org/docs/current/errcodes-appendix.html; the longest matching prefix counts.
_SQLSTATES: dict[str, tuple[type[DatabaseError], str, str]] = {
    "3D000": (DatabaseUnavailable, "there is no such database on the server", "Create it: createdb {database}"),
    "28": (
        DatabaseUnavailable,
        "the server refuses this user or password",
        "Check the user and password of the URL.",
    ),
    "57P03": (DatabaseUnavailable, "the server is starting up or shutting down", "Try again in a moment."),
    "57P": (DatabaseUnavailable, "the server was shut down", "Start it and try again."),
    "57014": (DatabaseTimeout, "a statement took longer than its time limit", "Is the server overloaded or locked?"),
    "55P03": (DatabaseBusy, "another transaction holds the lock", "Try again."),
    "40": (DatabaseBusy, "two transactions stood in each other's way", "Try again."),
    "53100": (DatabaseFull, "no space is left on the server's disk", "Free some space on it."),
    "53300": (
        DatabaseUnavailable,
        "the server takes no more connections",
        "Raise max_connections or use fewer nodes.",
    ),
    "53": (DatabaseUnavailable, "the server is out of resources", "Look into the server's log."),
    "08": (DatabaseUnavailable, "the connection to the server broke", "Is the server still running?"),
    "42501": (DatabaseUnavailable, "this user may not do that", "Grant it CREATE on the database."),
    "42P01": (DatabaseNotSetUp, "it has no tables of ours", "Set it up first: zdu db setup"),
    "3F000": (DatabaseNotSetUp, "it has no such namespace", "Set it up first: zdu db setup"),
    "23505": (AlreadyExists, "a row with that name is there already", ""),
}

_SQLITE_TEXTS: tuple[tuple[str, type[DatabaseError], str, str], ...] = (
    (
        "unable to open",
        DatabaseUnavailable,
        "the file cannot be opened",
        "Does its directory exist, may you write there?",
    ),
    ("locked", DatabaseBusy, "another process held the write lock for too long", "Is a process stopped half-way?"),
    ("disk is full", DatabaseFull, "the disk is full", "Free some space, or use another directory."),
    ("readonly", DatabaseUnavailable, "the file is read-only", "Check the rights of the file and of its directory."),
    ("not a database", DatabaseUnavailable, "the file is no SQLite database", "Name another file."),
    ("malformed", DatabaseUnavailable, "the file is damaged", "Remove it and set it up again: zdu db setup"),
    ("disk i/o error", DatabaseUnavailable, "the disk reported an error", "Is the file still there, the disk well?"),
    ("no such table", DatabaseNotSetUp, "it has no tables of ours", "Set it up first: zdu db setup"),
    ("unique constraint", AlreadyExists, "a row with that name is there already", ""),
)

_MISFITS = ("42703", "23502", "0A000")
"""An unknown column, a column that must not be empty, a prepared statement whose table has changed since."""

_SQLITE_MISFITS = ("no such column", "has no column named", "not null constraint")


def translate(error: BaseException, target: Target) -> DatabaseError:
    """The error for people that ``error`` amounts to; raise it ``from error``."""
    misfit = _misfit(error, target)
    if misfit is not None:
        return misfit
    for cause in _causes(error):
        known = _from_sqlstate(cause, target) or _from_sqlite(cause, target) or _from_network(cause, target)
        if known is not None:
            return known
    innermost = list(_causes(error))[-1]
    return DatabaseError(f"{target}: {type(innermost).__name__}: {innermost}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = getattr(current, "orig", None) or current.__cause__


def _misfit(error: BaseException, target: Target) -> StatementRefused | None:
    """The statement that does not fit the schema, if that is what is wrong."""
    causes = list(_causes(error))
    statement = next((found for cause in causes if isinstance(found := getattr(cause, "statement", None), str)), "")
    innermost = causes[-1]
    of_sqlite = type(innermost).__module__.startswith("sqlite3")
    if of_sqlite and not any(text in str(innermost).lower() for text in _SQLITE_MISFITS):
        return None
    if not of_sqlite and getattr(innermost, "sqlstate", None) not in _MISFITS:
        return None
    reason, short = str(innermost).partition("\n")[0], in_short(statement)
    return StatementRefused(
        f"{target}: {reason}; the statement was: {short or 'unknown'}", statement=short, reason=reason
    )


def _from_sqlstate(error: BaseException, target: Target) -> DatabaseError | None:
    state = getattr(error, "sqlstate", None)
    if not isinstance(state, str):
        return None
    for length in (5, 3, 2):
        known = _SQLSTATES.get(state[:length])
        if known is not None:
            kind, message, hint = known
            return kind(f"{target}: {message}", hint=hint.format(database=target.url.database))
    return None


def _from_sqlite(error: BaseException, target: Target) -> DatabaseError | None:
    file = target.sqlite_file
    if file is None or not type(error).__module__.startswith("sqlite3"):
        return None
    if not file.parent.is_dir():
        return DatabaseUnavailable(
            f"{target}: there is no directory {file.parent}", hint="Create it, or name another."
        )
    text = str(error).lower()
    for fragment, kind, message, hint in _SQLITE_TEXTS:
        if fragment in text:
            return kind(f"{target}: {message}", hint=hint)
    return None


def _from_network(error: BaseException, target: Target) -> DatabaseError | None:
    if isinstance(error, ConnectionRefusedError):
        return DatabaseUnavailable(
            f"{target}: nothing listens there", hint="Start the server, or check host and port."
        )
    if isinstance(error, TimeoutError | PoolTimeout):
        return DatabaseTimeout(f"{target}: no answer in time", hint="Is the server up and reachable?")
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return DatabaseUnavailable(f"{target}: cannot connect: {reason}", hint="Check host and port of the URL.")
    if _is_broken_protocol(error):
        return DatabaseUnavailable(f"{target}: the connection to the server broke", hint="Is it still running?")
    return None


def _is_broken_protocol(error: BaseException) -> bool:
    """Asyncpg's own words, without a SQLSTATE, for a connection that ended half-way."""
    kind = type(error)
    if not kind.__module__.startswith("asyncpg"):
        return False
    return kind.__name__ == "InternalClientError" or (kind.__name__ == "InterfaceError" and "clos" in str(error))
