"""Competitors of races for one database, each a process of its own: ``python -P -m tests.support.db_race``

Each waits on standard input for the next race, ``{"what", "url", "namespace", "count"}`` on one line: it opens the
database, says ``ready``, waits for one more line so that all competitors start at once, tries its luck ``count``
times, and prints what came of it as one JSON list. To start a process takes longer than most races, so they stay.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from shared_db import ClusterSnapshot, Database, NewUpgradeState
from tests.support.databases import DatabaseTarget

Result = str | int | bool | None | list[str]
_ROOT = Path(__file__).parents[2]


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
    _say(json.dumps(results))


async def _wait_for_start() -> None:
    _say("ready")
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Competitors:
    """Some processes that compete, in one race after the other. The test's own time limit guards each of them."""

    def __init__(self, processes: "list[subprocess.Popen[str]]") -> None:
        self._processes = processes

    def race(self, what: str, target: DatabaseTarget, count: int = 1) -> list[Result]:
        """Let all of them compete, and return all their results together."""
        self._tell(json.dumps({"what": what, "url": target.url, "namespace": target.namespace, "count": count}))
        assert self._hear() == ["ready"] * len(self._processes)
        self._tell("go")
        return [result for answer in self._hear() for result in json.loads(answer)]

    def _tell(self, line: str) -> None:
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(line + "\n")
            process.stdin.flush()

    def _hear(self) -> list[str]:
        lines = []
        for process in self._processes:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, f"a competitor has ended with {process.wait()}"
            lines.append(line.strip())
        return lines


@contextmanager
def competitors(count: int) -> Iterator[Competitors]:
    """Start that many; they are gone at the end, whatever happens."""
    command = (sys.executable, "-P", "-m", "tests.support.db_race")
    processes: list[subprocess.Popen[str]] = []
    try:
        for _ in range(count):
            processes.append(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT)
            )
        yield Competitors(processes)
    finally:
        for process in processes:
            process.kill()
            process.communicate()


if __name__ == "__main__":
    for line in sys.stdin:
        asyncio.run(compete(**json.loads(line)))
