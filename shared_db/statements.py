"""The few statements that differ between SQLite and PostgreSQL, so that no gateway has to ask which one it is on."""

from sqlalchemy import Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from shared_db.errors import ValueRejected

_SHORT = 160
"""So many characters of a statement are told in a log or a report."""


def insert_or(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can be continued with ``on_conflict_do_update`` or ``on_conflict_do_nothing``."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def is_storable(value: str) -> bool:
    """Whether both databases can store this text: no NUL, no half of a surrogate pair."""
    return "\x00" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def check_text(value: str, field: str, max_length: int | None = None) -> str:
    """``value`` if both databases can store it as it is; raises ValueRejected otherwise.

    PostgreSQL alone refuses NUL and checks lengths; the same value must fare the same way on both.
    """
    if not is_storable(value):
        raise ValueRejected(f"{field} contains a character that cannot be stored")
    if max_length is not None and len(value) > max_length:
        raise ValueRejected(f"{field} is {len(value)} characters long; {max_length} are allowed")
    return value


async def take_turn(connection: AsyncConnection, table: Table) -> None:
    """Make rows of ``table`` appear in the order of their ids, for readers who remember the last id they have seen.

    PostgreSQL gives ids when rows are inserted and shows them when their transactions are committed: without this a
    reader could see 8, and 7 only later, and would never look for it. It has to be a transaction's last lock; with
    SQLite's one writer at a time nothing is to be done.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtext(current_schema()), hashtext(:name))"), {"name": table.name}
        )


def in_short(sql: str) -> str:
    """A statement as one line that a person recognises: what it does to which tables, without lists of columns."""
    line = " ".join(sql.split())
    columns, from_, tables = line.partition(" FROM ")
    if columns.upper().startswith("SELECT ") and tables:
        line = f"SELECT …{from_}{tables}"
    for end in (" VALUES ", " RETURNING "):
        line = line.partition(end)[0]
    return line if len(line) <= _SHORT else line[: _SHORT - 1] + "…"
