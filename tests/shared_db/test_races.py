"""What several processes do to one database at the same moment."""

from collections.abc import Iterator

import pytest

from shared_db import Database, NewUpgradeState
from tests.support.databases import DatabaseTarget
from tests.support.db_race import Competitors, competitors

pytestmark = pytest.mark.slow

PROCESSES = 5


@pytest.fixture(scope="module")
def processes() -> Iterator[Competitors]:
    with competitors(PROCESSES) as started:
        yield started


async def test_of_several_processes_exactly_one_puts_the_cluster_into_upgrade_mode(
    database: Database, database_target: DatabaseTarget, processes: Competitors
) -> None:
    await database.upgrade_state.change(lambda _: NewUpgradeState("STABLE", 73011, "7.3.0"), 300)

    results = processes.race("upgrade", database_target)

    assert sorted(map(str, results)) == sorted(["READY_TO_UPGRADE"] + ["not allowed"] * (PROCESSES - 1))
    assert [row.state for row in await database.upgrade_state.history()] == ["STABLE", "READY_TO_UPGRADE"]


async def test_hundreds_of_racing_read_then_write_changes_lose_nothing(
    database: Database, database_target: DatabaseTarget, processes: Competitors
) -> None:
    results = processes.race("increment", database_target, count=80)

    everything = list(range(1, PROCESSES * 80 + 1))
    history = await database.upgrade_state.history()
    assert sorted(results, key=str) == sorted(everything, key=str)
    assert [row.order_number for row in history] == everything
    assert [int(row.state) for row in history] == everything
    assert [row.database_time_ms for row in history] == sorted(row.database_time_ms for row in history)


async def test_racing_processes_never_give_two_issues_the_same_key(
    database: Database, database_target: DatabaseTarget, processes: Competitors
) -> None:
    await database.projects.create("ZDU", "Rehearsal")

    keys = processes.race("create-issue", database_target, count=40)

    assert sorted(map(str, keys)) == sorted(f"ZDU-{number}" for number in range(1, PROCESSES * 40 + 1))
    issues, total = await database.issues.search("", 0, 1000)
    assert total == PROCESSES * 40
    assert {issue.key for issue in issues} == set(keys)


async def test_processes_that_set_up_the_same_fresh_database_at_once_all_succeed(
    database_target: DatabaseTarget, processes: Competitors
) -> None:
    assert processes.race("set-up", database_target) == [True] * PROCESSES


async def test_an_expand_step_that_several_nodes_want_is_applied_once(
    database: Database, database_target: DatabaseTarget, processes: Competitors
) -> None:
    results = processes.race("expand", database_target)

    step = ["73013-add-jiraissue-summary-lower"]
    assert sorted(map(str, results)) == sorted(map(str, [step] + [[]] * (PROCESSES - 1)))
    assert await database.schema.applied() == set(step)


async def test_a_lock_that_several_nodes_want_is_given_to_one(
    database: Database, database_target: DatabaseTarget, processes: Competitors
) -> None:
    assert sorted(map(bool, processes.race("lock", database_target))) == [False] * (PROCESSES - 1) + [True]


async def test_racing_nodes_agree_on_the_same_secret(
    database: Database, database_target: DatabaseTarget, processes: Competitors
) -> None:
    secrets = processes.race("secret", database_target)

    assert len(set(map(str, secrets))) == 1
    assert await database.properties.get("secret") == secrets[0]
