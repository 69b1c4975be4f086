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
HIDDEN = "***"
"""What stands in the place of a password wherever a URL is shown or recorded."""
FROM_ENVIRONMENT = "PGPASSWORD"
"""Where PostgreSQL's clients look for the password that a URL does not have (libpq, environment variables)."""
DATABASE_HELP = f"postgresql+asyncpg://… instead of a SQLite file; {FROM_ENVIRONMENT} may have its password."


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
    name, _, server = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{name.partition(':')[0]}:{HIDDEN}@{server}"))


def in_a_command(url: str | None) -> tuple[str, list[str]]:
    """What goes before a command that uses this database, and its words for it; the password is left to be put in."""
    if not url:
        return "", []
    shown = without_password(url)
    if shown == url:
        return "", ["--db", url]
    return f"{FROM_ENVIRONMENT}='{HIDDEN}' ", ["--db", shown.replace(f":{HIDDEN}@", "@", 1)]


def told_of_the_password(command: str) -> str:
    """What to do with the password that ``command`` does not have; empty if none is missing."""
    return f"{HIDDEN} stands for the password, which is recorded nowhere" if HIDDEN in command else ""


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
