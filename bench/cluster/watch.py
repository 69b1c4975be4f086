"""Looks into the cluster's database from outside, read-only and with SQL of its own."""

import asyncio
from typing import Any, Self
from urllib.parse import quote

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from bench.cluster.figures import Sample
from bench.common.errors import BenchError

LOOK_EVERY_S = 0.2
_NOW_MS = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
}


class Watch:
    """One read-only engine on the database."""

    def __init__(self, url: str, namespace: str) -> None:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            file = f"file:{quote(parsed.database or '')}"
            self._engine = create_async_engine(parsed.set(database=file, query={"mode": "ro", "uri": "true"}))
        else:
            settings = {"default_transaction_read_only": "on", "search_path": namespace, "application_name": "bench"}
            self._engine = create_async_engine(url, connect_args={"server_settings": settings})
        self._now_ms = _NOW_MS[self._engine.dialect.name]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._engine.dispose()

    async def active_since_ms(self) -> dict[str, int]:
        """When each node that the cluster counts in and that has a heartbeat became ACTIVE."""
        rows = await self._query(
            "SELECT clusternode.node_id, clusternode.timestamp AS at FROM clusternode "
            "JOIN clusternodeheartbeat ON clusternodeheartbeat.node_id = clusternode.node_id "
            "WHERE node_state = 'ACTIVE'"
        )
        return {row["node_id"]: int(row["at"]) for row in rows}

    async def sample(self, seconds: float) -> list[Sample]:
        """Look at the heartbeats every :data:`LOOK_EVERY_S`, for so long."""
        loop, samples = asyncio.get_running_loop(), []
        end_s = loop.time() + seconds
        while loop.time() < end_s:
            rows = await self._query(
                f"SELECT node_id, database_time, {self._now_ms} AS now FROM clusternodeheartbeat"
            )
            if rows:
                samples.append(
                    Sample(int(rows[0]["now"]), {row["node_id"]: int(row["database_time"]) for row in rows})
                )
            await asyncio.sleep(LOOK_EVERY_S)
        return samples

    async def connections(self) -> int:
        """How many connections the nodes have to PostgreSQL; 0 on SQLite, which has no server."""
        if self._engine.dialect.name == "sqlite":
            return 0
        (row,) = await self._query("SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'zdu'")
        return int(row["n"])

    async def _query(self, statement: str) -> list[dict[str, Any]]:
        try:
            async with self._engine.connect() as connection:
                return [dict(row) for row in (await connection.execute(text(statement))).mappings()]
        except (SQLAlchemyError, OSError) as error:
            raise BenchError(f"the cluster's database could not be read: {error}") from error
