"""Faults of the database: a real lock on a real one of either kind, and the way to it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared_db import Database
from simulator.cluster import DatabaseTarget as Where
from simulator.database_target import check_database
from simulator.faults.catalogue import FAULTS
from simulator.faults.db.client import DatabaseClient
from simulator.faults.fault import FaultFailed
from simulator.faults.path.gate import Gate
from simulator.faults.path.rules import Rule
from tests.support.databases import DatabaseTarget
from tests.support.waiting import eventually
from zdu.clock import SystemClock
from zdu.errors import UsageError

NOT_HTTP = b"\x00\x00\x00\x08\x04\xd2\x16\x2f not HTTP \r\n\r\n"


async def can_be_written(where: Where) -> bool:
    client = DatabaseClient(where, wait_s=0.05)
    try:
        await client.run("UPDATE clusternodeheartbeat SET heartbeat_time = heartbeat_time")
    except FaultFailed:
        return False
    finally:
        await client.close()
    return True


async def test_a_locked_database_can_be_read_and_not_written_until_it_is_taken_back(
    database: Database, database_target: DatabaseTarget
) -> None:
    where = Where(database_target.url, database_target.namespace)
    client = DatabaseClient(where)
    clock = SystemClock()
    await client.run(
        "INSERT INTO clusternodeheartbeat (node_id, heartbeat_time, database_time) "
        f"VALUES ('node1', {clock.wall_ms()}, 1), ('gone', 1, 1)"
    )
    # A long heartbeat: node1 has to count as alive when the lock is taken, however busy the machine is.
    cluster = SimpleNamespace(database=where, heartbeat_s=2.0, wall_ms=clock.wall_ms)
    hold = (
        await FAULTS["db.locked"]
        .model_validate({"name": "db.locked"})
        .apply(cast(Any, SimpleNamespace(cluster=cluster)))
    )
    assert await hold.fired() == 0
    assert not await can_be_written(where)
    assert len(await client.run("SELECT node_id FROM clusternodeheartbeat")) == 2
    await eventually(hold.fired, 1, 30)  # a heartbeat has to grow old
    await hold.reset()
    assert await hold.fired() == 1  # node1; the other was gone before
    assert await can_be_written(where)
    await client.close()


@asynccontextmanager
async def a_way_to_a_server() -> AsyncIterator[Gate]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    gate = Gate("127.0.0.1", server.sockets[0].getsockname()[1], random.Random(1), http=False)
    watch = asyncio.create_task(gate.watch())
    try:
        yield gate
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        server.close()


async def connected(gate: Gate) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    ways: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def connects() -> bool:
        try:
            ways.append(await asyncio.open_connection("127.0.0.1", gate.port))
        except ConnectionError:
            return False
        return True

    await eventually(connects, True)
    return ways[0]


async def test_the_way_to_a_database_passes_on_what_is_not_http_delays_it_and_can_be_cut() -> None:
    loop = asyncio.get_running_loop()
    async with a_way_to_a_server() as gate:
        reader, writer = await connected(gate)
        writer.write(NOT_HTTP)
        assert await reader.readexactly(len(NOT_HTTP)) == NOT_HTTP
        gate.put_on(1, Rule("latency", 1.0, {"latency": 0.2}))
        began_s = loop.time()
        writer.write(NOT_HTTP)
        assert await reader.readexactly(len(NOT_HTTP)) == NOT_HTTP
        assert loop.time() - began_s >= 0.19
        assert gate.take_off(1) == 1
        gate.put_on(2, Rule("partition"))
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", gate.port)
        assert gate.take_off(2) == 1
        _, again = await connected(gate)
        again.close()


def test_a_story_that_needs_a_path_to_the_database_is_refused_without_postgresql() -> None:
    story: Any = SimpleNamespace(
        paths={"database"}, steps=[SimpleNamespace(fault=FAULTS["db.down"].model_validate({"name": "db.down"}))]
    )
    for url in (None, "sqlite+aiosqlite:///x"):
        with pytest.raises(UsageError, match=r"db\.down needs PostgreSQL"):
            check_database(url, story)
    check_database("postgresql+asyncpg://u@h/d", story)
