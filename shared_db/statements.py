"""The few statements that differ between SQLite and PostgreSQL, so that no gateway has to ask which one it is on."""

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from shared_db.errors import ValueRejected


def insert_or(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can be continued with ``on_conflict_do_update`` or ``on_conflict_do_nothing``."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def check_text(value: str, field: str, max_length: int | None = None) -> str:
    """``value`` if both databases can store it as it is; raises ValueRejected otherwise.

    PostgreSQL alone refuses NUL and checks lengths; the same value must fare the same way on both.
    """
    if "\x00" in value:
        raise ValueRejected(f"{field} must not contain a NUL character")
    if max_length is not None and len(value) > max_length:
        raise ValueRejected(f"{field} is {len(value)} characters long; {max_length} are allowed")
    return value
