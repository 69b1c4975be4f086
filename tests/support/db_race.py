"""One competitor of a race, a process: ``python -P -m tests.support.db_race WHAT URL NAMESPACE COUNT``

It opens the database, says ``ready``, waits for a line on standard input so that all competitors start at once, tries
its luck COUNT times, and prints what came of it as one JSON list.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from shared_db import ClusterSnapshot, Database, NewUpgradeState
from tests.support.databases import DatabaseTarget

Result = str | int | bool | None | list[str]
RACE_LIMIT_S = 60.0


class NotAllowed(Exception):
    """The state has changed already: somebody else was faster."""


def enter_upgrade_mode(cluster: ClusterSnapshot) -> NewUpgradeState:
    """STABLE to READY_TO_UPGRADE, and from nowhere else."""
    if cluster.current is None or cluster.current.state != "STABLE":
        raise NotAllowed
    return NewUpgradeState("READY_TO_UPGRADE", cluster.current.build_number, cluster.current.version)


def increment(cluster: ClusterSnapshot) -> NewUpgradeState:
    """A counter that loses nothing only if no one else writes between reading and writing."""
    count = int(cluster.current.state) if cluster.current is not None else 0
    return NewUpgradeState(str(count + 1), 73011, "7.3.0")


async def _upgrade(database: Database) -> Result:
    try:
        row = await database.upgrade_state.change(enter_upgrade_mode, 300)
    except NotAllowed:
        return "not allowed"
    return None if row is None else row.state


async def _increment(database: Database) -> Result:
    row = await database.upgrade_state.change(increment, 300)
    return None if row is None else row.order_number


async def _create_issue(database: Database) -> Result:
    return (await database.issues.create("ZDU", "A race", "", "user1")).key


async def _set_up(database: Database) -> Result:
    await database.schema.create_base()
    return await database.schema.is_set_up()


async def _expand(database: Database) -> Result:
    return await database.schema.expand(["73013-add-jiraissue-summary-lower"])


async def _lock(database: Database) -> Result:
    return await database.locks.acquire("upgrade-tasks", f"node-{os.getpid()}", 300)


async def _secret(database: Database) -> Result:
    return await database.properties.get_or_create("secret", str(os.getpid()))


_RACES: dict[str, Callable[[Database], Awaitable[Result]]] = {
    "upgrade": _upgrade,
    "increment": _increment,
    "create-issue": _create_issue,
    "set-up": _set_up,
    "expand": _expand,
    "lock": _lock,
    "secret": _secret,
}


async def compete(what: str, url: str, namespace: str, count: int) -> None:
    """Take part. A race that starts with opening the database waits before that."""
    async with AsyncExitStack() as stack:
        if what == "set-up":
            await _wait_for_start()
            database = await stack.enter_async_context(await Database.open(url, namespace, 30.0))
        else:
            database = await stack.enter_async_context(await Database.open(url, namespace, 30.0))
            await _wait_for_start()
        results = [await _RACES[what](database) for _ in range(count)]
    sys.stdout.write(json.dumps(results) + "\n")


async def _wait_for_start() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


async def race(what: str, target: DatabaseTarget, processes: int, count: int = 1) -> list[Result]:
    """Let that many processes compete, and return all their results together."""
    command = (sys.executable, "-P", "-m", "tests.support.db_race", what, target.url, target.namespace, str(count))
    competitors: list[Process] = []
    try:
        async with asyncio.timeout(RACE_LIMIT_S):
            for _ in range(processes):
                competitors.append(await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE))
            for competitor in competitors:
                assert competitor.stdout is not None
                assert await competitor.stdout.readline() == b"ready\n"
            answers = await asyncio.gather(*(competitor.communicate(b"go\n") for competitor in competitors))
            assert [competitor.returncode for competitor in competitors] == [0] * processes
    finally:
        for competitor in competitors:
            if competitor.returncode is None:
                competitor.kill()
                await competitor.wait()
    return [result for stdout, _ in answers for result in json.loads(stdout)]


if __name__ == "__main__":
    asyncio.run(compete(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
