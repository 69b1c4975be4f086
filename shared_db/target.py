"""Which database is meant: a URL taken apart and checked, and how to name it to people without its password."""

import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from zdu.errors import UsageError

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
_EXAMPLES = "For example sqlite:////tmp/zdu.db or postgresql://user:password@127.0.0.1:5432/zdu."
_NAMESPACE = re.compile(r"[a-z_][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Target:
    """One database, and on PostgreSQL the schema in it (``namespace``; empty: the server's default)."""

    url: URL
    namespace: str

    @property
    def sqlite_file(self) -> Path | None:
        """The file of a SQLite database; None for a server."""
        return Path(self.url.database or "") if self.url.get_backend_name() == "sqlite" else None

    def __str__(self) -> str:
        """The database in words, without its password."""
        if self.sqlite_file is not None:
            return f"SQLite file {self.sqlite_file}"
        inside = f", namespace {self.namespace!r}" if self.namespace else ""
        host = f"{self.url.host or 'localhost'}:{self.url.port or 5432}"
        user = f" as user {self.url.username!r}" if self.url.username else ""
        return f"PostgreSQL database {self.url.database!r} at {host}{user}{inside}"

    def __repr__(self) -> str:
        """As :meth:`__str__`: a password must not get into a log by way of a repr."""
        return f"<Target: {self}>"


def parse_target(url: str, namespace: str = "") -> Target:
    """The database that ``url`` names. Raises UsageError, which never repeats the URL: it may hold a password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise UsageError("the database URL cannot be read", hint=_EXAMPLES) from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise UsageError(f"databases of the kind {parsed.drivername!r} are not known", hint=_EXAMPLES)
    parsed = parsed.set(drivername=driver)
    if driver == "sqlite+aiosqlite":
        if not parsed.database or parsed.database == ":memory:" or parsed.database.startswith("file:"):
            raise UsageError(
                "the SQLite URL names no file; a database in memory cannot be shared by processes", hint=_EXAMPLES
            )
        return Target(parsed, "")
    if namespace and not _NAMESPACE.fullmatch(namespace):
        raise UsageError(
            f"{namespace!r} is no name for a namespace",
            hint="Lower-case letters, digits and underscores, at most 63, not starting with a digit.",
        )
    return Target(parsed, namespace)
