"""Jira's set-up wizard without its pages: tables, people, one project and issues to look at."""

from dataclasses import dataclass

from node.contraction import VERSION_PATCHED
from node.passwords import hash_password
from node.releases import Release
from node.seed_issues import seed_issues
from node.workflow import BOARD_COLUMNS, STATUSES
from shared_db import AlreadyExists, Database, NewUser
from zdu.clock import Entropy
from zdu.errors import UsageError

PROJECT_KEY = "ZDU"
PROJECT_NAME = "Zero Downtime Upgrade"
ADMINISTRATOR = "admin"


class AlreadySetUp(UsageError):
    """Somebody has set this database up before."""


@dataclass(frozen=True)
class SetupPlan:
    """What to create. ``password_cost`` is log2 of scrypt's N."""

    release: Release
    users: int
    issues: int
    password_cost: int


async def set_up(database: Database, plan: SetupPlan, entropy: Entropy) -> None:
    """Create everything. Raises AlreadySetUp, or UsageError if a set-up was cut short."""
    await database.schema.create_base()
    if await database.users.count():
        raise await _set_up_before(database)
    await database.schema.expand(plan.release.expand_steps)
    for task in plan.release.upgrade_tasks:
        await database.schema.run_task(task)
    await database.schema.contract(plan.release.contract_steps)
    try:
        await database.users.create_many(_people(plan, entropy))
        await database.projects.create_statuses(STATUSES)
        await database.projects.create(
            PROJECT_KEY, PROJECT_NAME, ADMINISTRATOR, board=f"{PROJECT_KEY} board", columns=BOARD_COLUMNS
        )
    except AlreadyExists:
        raise await _set_up_before(database) from None
    usernames = [f"user{number}" for number in range(1, plan.users + 1)] or [ADMINISTRATOR]
    await database.issues.create_many(PROJECT_KEY, seed_issues(plan.issues, usernames, entropy.rng))
    # Last, and what a starting node looks for: a set-up that was cut short is none.
    await database.properties.set(VERSION_PATCHED, str(plan.release.build))


def _people(plan: SetupPlan, entropy: Entropy) -> list[NewUser]:
    def person(username: str, display_name: str, *, administrator: bool = False) -> NewUser:
        stored = hash_password(username, plan.password_cost, entropy.token(16))
        return NewUser(username, display_name, stored, administrator)

    people = [person(ADMINISTRATOR, "Administrator", administrator=True)]
    return people + [person(f"user{number}", f"User {number}") for number in range(1, plan.users + 1)]


async def _set_up_before(database: Database) -> UsageError:
    hint = "Drop it first (zdu db drop --url URL), or name another database or namespace."
    if await database.properties.get(VERSION_PATCHED):
        return AlreadySetUp(f"{database.name} has been set up before", hint=hint)
    return UsageError(f"the set-up of {database.name} has been begun before and was not finished", hint=hint)
