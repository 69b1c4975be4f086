"""A whole node, port included, in this process: what it says to whoever asks while its application cannot start."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import text

from node.config import DatabaseConfig, NodeConfig
from node.process import run_node
from node.releases import find_release
from node.setup import SetupPlan, set_up
from tests.support.databases import DatabaseTarget
from tests.support.waiting import eventually, until
from zdu.clock import Entropy, SystemClock
from zdu.errors import ZduError
from zdu.process import Shutdown


@dataclass
class Whole:
    """One node of this process."""

    log_file: Path
    shutdown: Shutdown = field(default_factory=Shutdown)
    complaints: list[ZduError] = field(default_factory=list)
    url: str = ""
    ended: bool = False

    async def ask(self, path: str = "/status") -> tuple[int, str]:
        async with aiohttp.ClientSession() as http, http.get(self.url + path) as answer:
            return answer.status, await answer.text()

    async def state(self) -> str:
        return (await self.ask())[1].split('"')[3]


@asynccontextmanager
async def a_node(target: DatabaseTarget, folder: Path, version: str = "7.3.0") -> AsyncIterator[Whole]:
    """Run a node; stopped at the end, it has to end with 0."""
    config = NodeConfig(
        node_id="node1",
        version=version,
        database=DatabaseConfig(url=target.url, namespace=target.namespace),
        shared_home=folder / "shared",
        local_home=folder / "node1",
        time_scale=300,
        seed=1,
    )
    whole = Whole(folder / "node1" / "log" / "atlassian-jira.log")

    def announce(*, url: str, **_: object) -> None:
        whole.url = url

    running = asyncio.create_task(
        run_node(config, whole.shutdown, clock=SystemClock(), announce=announce, complain=whole.complaints.append)
    )
    running.add_done_callback(lambda _: setattr(whole, "ended", True))
    await until(lambda: whole.url or running.done(), "the port is open")
    try:
        yield whole
    finally:
        if not whole.shutdown.requested.is_set():
            whole.shutdown.request("test")
        assert await asyncio.wait_for(running, 10) == 0


async def a_set_up(target: DatabaseTarget, version: str) -> None:
    release = find_release(version)
    async with await target.open(features=release.features) as database:
        await set_up(database, SetupPlan(release, users=1, issues=1, password_cost=4), Entropy(1))


@pytest.mark.filterwarnings("error")
async def test_f5_an_old_node_after_the_finalisation_is_alive_and_serves_nothing(
    database_target: DatabaseTarget, tmp_path: Path
) -> None:
    await a_set_up(database_target, "7.3.2")

    async with a_node(database_target, tmp_path) as node:
        await eventually(node.state, "ERROR")
        assert (await node.ask())[0] == 500
        code, page = await node.ask("/secure/Dashboard.jspa")
        log = node.log_file.read_text()
        await until(lambda: node.complaints, "it says why to whoever started it")

    assert code == 503
    assert "could not be started" in page
    assert "ERROR [c.a.jira.startup.LauncherContextListener] Unable to start JIRA.\njava.lang.IllegalState" in log
    assert len(node.complaints) == 1
    assert "To protect it, this node will not start" in str(node.complaints[0])
    assert "atlassian-jira.log" in str(node.complaints[0])
    assert "Application state ERROR -> STOPPING" in node.log_file.read_text()


async def test_a_node_whose_step_of_the_schema_fails_says_error_and_joins_nothing(
    database_target: DatabaseTarget, tmp_path: Path
) -> None:
    await a_set_up(database_target, "7.3.0")
    async with await database_target.open() as database:
        async with database._transactions.write() as connection:
            await connection.execute(text("ALTER TABLE jiraissue ADD COLUMN summary_lower INTEGER"))

        async with a_node(database_target, tmp_path, "7.3.2") as node:
            await eventually(node.state, "ERROR")
            assert (await node.ask())[0] == 500
            await until(lambda: node.complaints, "it says why to whoever started it")

        assert await database.nodes.get("node1") is None
    assert "expand step 73013-add-jiraissue-summary-lower failed" in str(node.complaints[0])
    line = (
        "Unable to start JIRA.\njava.lang.IllegalStateException: expand step 73013-add-jiraissue-summary-lower failed"
    )
    assert line in node.log_file.read_text()


async def test_a_node_that_crashes_as_it_starts_ends(database_target: DatabaseTarget, tmp_path: Path) -> None:
    await a_set_up(database_target, "7.3.0")

    with pytest.raises(ZduError, match="CrashOnStart"):
        async with a_node(database_target, tmp_path, "7.3.2+crash-on-start") as node:
            await until(lambda: node.ended, "the process has ended")


async def test_a_node_whose_database_is_not_set_up_says_first_run_and_starts_once_it_is(
    database_target: DatabaseTarget, tmp_path: Path
) -> None:
    async with a_node(database_target, tmp_path) as node:
        await eventually(node.state, "FIRST_RUN")
        assert (await node.ask())[0] == 200
        assert (await node.ask("/secure/Dashboard.jspa"))[0] == 503
        assert "zdu db setup" in str(node.complaints[0])

        await a_set_up(database_target, "7.3.0")

        await eventually(node.state, "RUNNING", limit_s=15)
    assert len(node.complaints) == 1
