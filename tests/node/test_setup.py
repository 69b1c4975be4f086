from pathlib import Path
from random import Random

import pytest

from node.passwords import verify_password
from node.releases import find_release
from node.seed_issues import seed_issues
from node.setup import SetupPlan, set_up
from tests.support.databases import DatabaseTarget
from zdu.clock import Entropy
from zdu.errors import UsageError

PLAN = SetupPlan(find_release("7.3.0"), users=3, issues=5, password_cost=4)


async def test_a_set_up_makes_people_a_project_and_issues(database_target: DatabaseTarget) -> None:
    async with await database_target.open() as database:
        await set_up(database, PLAN, Entropy(1))

        admin, user = await database.users.get("admin"), await database.users.get("user3")
        assert admin and admin.administrator and verify_password("admin", admin.password_hash)
        assert user and not user.administrator and verify_password("user3", user.password_hash)
        assert await database.users.count() == 4
        issues, total = await database.issues.search("", 0, 50)
        assert (total, {issue.key for issue in issues}) == (5, {f"ZDU-{number}" for number in range(1, 6)})
        assert await database.properties.get("jira.version.patched") == "73011"
        assert await database.upgrade_state.current() is None


async def test_a_set_up_of_a_newer_release_has_its_schema_and_data(database_target: DatabaseTarget) -> None:
    newer = find_release("7.3.2")
    async with await database_target.open(features=newer.features) as database:
        await set_up(database, SetupPlan(newer, users=1, issues=5, password_cost=4), Entropy(1))

        assert await database.schema.applied() == {*newer.expand_steps, *newer.upgrade_tasks, *newer.contract_steps}
        assert await database.properties.get("jira.version.patched") == "73013"


async def test_a_database_is_set_up_only_once(database_target: DatabaseTarget) -> None:
    async with await database_target.open() as database:
        await set_up(database, PLAN, Entropy(1))

        with pytest.raises(UsageError, match="has been set up before"):
            await set_up(database, PLAN, Entropy(2))
        assert await database.users.count() == 4


def test_the_same_seed_makes_the_same_issues() -> None:
    assert seed_issues(20, ["a", "b"], Random(7)) == seed_issues(20, ["a", "b"], Random(7))
    assert seed_issues(20, ["a", "b"], Random(7)) != seed_issues(20, ["a", "b"], Random(8))


def test_summaries_fit_and_begin_with_a_capital(tmp_path: Path) -> None:
    for issue in seed_issues(300, ["a"], Random(1)):
        assert len(issue.summary) <= 255
        assert issue.summary[0].isupper()
