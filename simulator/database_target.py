"""Which database a run uses, and what becomes of it afterwards."""

import subprocess
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import URL

from simulator.cluster import DatabaseTarget
from simulator.faults.fault import DATABASE_PATH, NEEDS_SERVER
from simulator.record.run_folder import RunFolder
from simulator.scenario.model import Scenario
from simulator.spawn import zdu_command
from zdu.errors import UsageError

DROP_TIMEOUT_S = 30.0


def choose_database(url: str | None, folder: RunFolder) -> DatabaseTarget:
    """A SQLite file in the run folder, or on PostgreSQL a schema of its own: runs side by side share nothing."""
    if url is None:
        file = URL.create("sqlite+aiosqlite", database=str(folder.database_file))
        return DatabaseTarget(file.render_as_string())
    if url.startswith("postgres"):
        stamp = "".join(character for character in folder.path.name.lower() if character.isalnum())
        return DatabaseTarget(url, f"zdu_{stamp}")
    return DatabaseTarget(url)


def check_database(url: str | None, scenario: Scenario) -> None:
    """Raises UsageError when a step needs a path to the database that this one has not got."""
    if DATABASE_PATH in scenario.paths and (url is None or not url.startswith("postgres")):
        fault = next(step.fault for step in scenario.steps if step.fault and step.fault.path == DATABASE_PATH)
        raise UsageError(f"{fault.name} needs PostgreSQL: --db postgresql://…", hint=f"{NEEDS_SERVER}.")


def without_password(url: str) -> str:
    """The URL as it may be shown and recorded."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user = f"{parts.username}:***@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"{user}{parts.hostname}{port}"))


def drop_database(target: DatabaseTarget) -> None:
    """Remove a run's schema from somebody's PostgreSQL. One that cannot be removed is no reason to fail."""
    if target.namespace:
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(  # noqa: S603 - our own command line
                zdu_command("db", "drop", "--url", target.url, "--namespace", target.namespace),
                check=False,
                capture_output=True,
                timeout=DROP_TIMEOUT_S,
            )
