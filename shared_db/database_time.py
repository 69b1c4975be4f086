"""The database's own clock as a SQL expression: the one clock that all nodes of a cluster share."""

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class DatabaseTimeMs(FunctionElement[int]):
    """Milliseconds since the epoch at the moment the statement runs."""

    type = BigInteger()
    inherit_cache = True
    name = "database_time_ms"


@compiles(DatabaseTimeMs, "sqlite")
def _on_sqlite(_element: DatabaseTimeMs, _compiler: SQLCompiler, **_options: Any) -> str:
    # A Julian day as a double is exact to some 0.05 ms; ``unixepoch('subsec')`` would need SQLite 3.42.
    return "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)"


@compiles(DatabaseTimeMs, "postgresql")
def _on_postgresql(_element: DatabaseTimeMs, _compiler: SQLCompiler, **_options: Any) -> str:
    # now() would be the start of the transaction: before it got its lock, and so out of order among writers.
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
