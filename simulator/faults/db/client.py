"""A connection of the fault's own to the cluster's database: another client of it, as any program may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from simulator.faults.fault import FaultFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.cluster import DatabaseTarget

WAIT_S = 10.0
"""How long a statement may wait for locks, and a connection for the server."""
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


class DatabaseClient:
    """One connection, which begins and ends transactions itself. ``kind`` is ``sqlite`` or ``postgresql``."""

    def __init__(self, database: DatabaseTarget, *, wait_s: float = WAIT_S) -> None:
        url = make_url(database.url)
        self.kind = url.get_backend_name()
        url = url.set(drivername=_DRIVERS[self.kind])
        settings: dict[str, Any] = {"timeout": wait_s}
        if self.kind == "postgresql":
            options = {"lock_timeout": str(round(wait_s * 1000))}
            if database.namespace:
                options["search_path"] = database.namespace
            settings = {"server_settings": options, "timeout": WAIT_S}
        self._engine = create_async_engine(
            url, poolclass=NullPool, connect_args=settings, isolation_level="AUTOCOMMIT"
        )
        self._connection: AsyncConnection | None = None

    async def run(self, sql: str) -> Sequence[Any]:
        """Run a statement; the rows that it finds, if it is a query. Raises FaultFailed."""
        try:
            if self._connection is None:
                self._connection = await self._engine.connect()
            result = await self._connection.exec_driver_sql(sql)
            return result.fetchall() if result.returns_rows else ()
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise FaultFailed(f"the database did not do it: {getattr(error, 'orig', None) or error}") from error

    async def number(self, sql: str) -> int:
        """The one number that a query finds. Raises FaultFailed."""
        ((found,),) = await self.run(sql)
        return int(found)

    async def close(self) -> None:
        """Close the connection; a transaction that is open ends with it, undone."""
        if self._connection is not None:
            await self._connection.close()
        await self._engine.dispose()
