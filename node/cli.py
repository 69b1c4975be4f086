"""The commands ``zdu node`` and ``zdu db``.

What they need is imported when they run: ``zdu node --help`` answers at once, and a wrong configuration is refused
before aiohttp and SQLAlchemy are loaded.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import click

from zdu.errors import ExitCode

_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.command(context_settings=_HELP)
@click.option(
    "--config",
    "config_file",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The node's YAML configuration: node_id, version, port, database, homes, intervals.",
)
@click.option(
    "--exit-with-parent",
    is_flag=True,
    help="Stop when standard input closes, so that no node outlives the process that started it.",
)
def node(config_file: Path, *, exit_with_parent: bool) -> int:
    """Run one node of a cluster.

    The node prints one JSON line once its port is open; GET /status tells when it is RUNNING. SIGTERM stops it in an
    orderly way: it finishes what it has in hand, leaves the cluster and exits with 0. Everything else is in its log.

    \b
    Exit codes:
      0   stopped when asked to
      64  wrong command line or configuration
      70  could not start: port, database

    A node that the cluster refuses (version check) stays, says ERROR on /status and serves nobody, as Jira does; one
    whose database is not set up says FIRST_RUN and starts once it is. Both tell why on standard error.
    """
    from node.config import NodeConfig
    from node.releases import find_release
    from zdu.config_file import load_config

    config = load_config(config_file, NodeConfig)
    find_release(config.version)

    from node.process import run_node
    from zdu.clock import SystemClock
    from zdu.process import EVENT_LOOP, Shutdown, announce_ready, run_process

    async def main(shutdown: Shutdown) -> int:
        return await run_node(
            *(config, shutdown),
            clock=SystemClock(),
            announce=announce_ready,
            complain=lambda error: click.echo(f"zdu: {error}", err=True),
            event_loop=EVENT_LOOP,
        )

    return run_process(main, exit_with_parent=exit_with_parent)


@click.group(context_settings=_HELP)
def db() -> None:
    """Set up or drop a cluster's database.

    \b
    Databases, by URL:
      sqlite+aiosqlite:////tmp/zdu.db
      postgresql+asyncpg://user:password@127.0.0.1:5432/zdu
    """


_url = click.option(
    "--url",
    required=True,
    envvar="ZDU_DATABASE_URL",
    show_envvar=True,
    metavar="URL",
    help="The database: sqlite+aiosqlite://… or postgresql+asyncpg://….",
)
_namespace = click.option(
    "--namespace", default="", metavar="NAME", help="A PostgreSQL schema of its own; SQLite has none."
)


@db.command(context_settings=_HELP)
@_url
@_namespace
@click.option("--version", default="7.3.0", show_default=True, help="The release whose tables and data to create.")
@click.option("--users", default=40, show_default=True, type=click.IntRange(0, 100_000), help="user1, user2, …")
@click.option("--issues", default=60, show_default=True, type=click.IntRange(0, 1_000_000), help="Issues in ZDU.")
@click.option("--seed", type=int, help="Makes the same data each time; fit for rehearsals only.")
@click.option(
    "--password-cost",
    default=12,
    show_default=True,
    type=click.IntRange(4, 20),
    help="log2 of scrypt's N: one more takes twice as long to check a password.",
)
@click.option("--if-missing", is_flag=True, help="Leave a database that has been set up before as it is.")
def setup(
    url: str,
    namespace: str,
    version: str,
    users: int,
    issues: int,
    seed: int | None,
    password_cost: int,
    *,
    if_missing: bool,
) -> int:
    """Create tables and data, as Jira's set-up wizard does.

    Creates the administrator "admin" and user1 to userN (password: the name) and the project ZDU with its issues.
    """
    from node.releases import find_release
    from node.setup import AlreadySetUp, SetupPlan, set_up
    from shared_db import Database
    from zdu.clock import Entropy

    plan = SetupPlan(find_release(version), users, issues, password_cost)

    async def work() -> None:
        async with await Database.open(url, namespace, features=plan.release.features) as database:
            try:
                await set_up(database, plan, Entropy(seed))
            except AlreadySetUp:
                if not if_missing:
                    raise
                click.echo(f"{database.name} has been set up before; it is left as it is.")
                return
            click.echo(f"Set up {database.name}: Jira {version}, {users + 1} users, {issues} issues.")

    return _run(work)


@db.command(context_settings=_HELP)
@_url
@_namespace
def drop(url: str, namespace: str) -> int:
    """Remove everything that setup and the nodes have made: the SQLite file, or the namespace."""
    from shared_db import Database

    async def work() -> None:
        async with await Database.open(url, namespace) as database:
            await database.schema.drop()
            click.echo(f"Dropped {database.name}.")

    return _run(work)


def _run(work: Callable[[], Awaitable[None]]) -> int:
    async def main() -> None:
        await work()

    asyncio.run(main())
    return ExitCode.PASS
