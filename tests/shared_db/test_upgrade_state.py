import pytest

from shared_db import ClusterSnapshot, Database, NewUpgradeState
from tests.support.databases import age_heartbeat

STABLE = NewUpgradeState("STABLE", 73011, "7.3.0")


async def test_a_fresh_database_has_no_upgrade_state(database: Database) -> None:
    assert await database.upgrade_state.current() is None
    assert await database.upgrade_state.history() == []


async def test_a_change_appends_a_row_and_the_newest_one_is_current(database: Database) -> None:
    await database.upgrade_state.change(lambda _: STABLE, 5)
    row = await database.upgrade_state.change(lambda _: NewUpgradeState("READY_TO_UPGRADE", 73011, "7.3.0"), 5)

    assert row is not None
    assert (row.state, row.order_number, row.build_number, row.version) == ("READY_TO_UPGRADE", 2, 73011, "7.3.0")
    assert await database.upgrade_state.current() == row
    history = await database.upgrade_state.history()
    assert [(entry.order_number, entry.state) for entry in history] == [(1, "STABLE"), (2, "READY_TO_UPGRADE")]
    assert history[0].database_time_ms <= history[1].database_time_ms


async def test_a_decision_sees_the_state_and_who_is_alive(database: Database) -> None:
    await database.upgrade_state.change(lambda _: STABLE, 5)
    for node_id in ("node1", "node2"):
        await database.nodes.join(node_id, "127.0.0.1", 40001, 73011, "7.3.0")
    await age_heartbeat(database, "node2", 60)
    seen: list[ClusterSnapshot] = []

    assert await database.upgrade_state.change(seen.append, 5) is None

    assert seen[0].current == await database.upgrade_state.current()
    assert [(node.node_id, node.alive) for node in seen[0].members] == [("node1", True), ("node2", False)]
    assert seen[0].current is not None
    assert seen[0].database_time_ms >= seen[0].current.database_time_ms


async def test_a_decision_for_nothing_writes_nothing(database: Database) -> None:
    assert await database.upgrade_state.change(lambda _: None, 5) is None
    assert await database.upgrade_state.history() == []


async def test_an_exception_of_the_decision_reaches_the_caller_and_writes_nothing(database: Database) -> None:
    def refuse(_: ClusterSnapshot) -> NewUpgradeState:
        raise LookupError("not in this state")

    with pytest.raises(LookupError, match="not in this state"):
        await database.upgrade_state.change(refuse, 5)

    assert await database.upgrade_state.history() == []
    assert await database.upgrade_state.change(lambda _: STABLE, 5) is not None
