import asyncio

import pytest
from sqlalchemy import event, insert, update

from shared_db import ClusterSnapshot, Database, NodeFigures, NodeState
from shared_db.rows import Retired
from shared_db.tables import clusternode, clusterupgradestate
from tests.support.databases import DatabaseTarget, age_heartbeat


async def join(database: Database, node_id: str, version: str = "7.3.0") -> None:
    await database.nodes.join(node_id, "127.0.0.1", 40001, 73011, version)


async def test_a_node_that_joins_is_active_and_alive(database: Database) -> None:
    await join(database, "node1")

    node = await database.nodes.get("node1", 5)

    assert node is not None
    assert (node.node_id, node.state, node.alive) == ("node1", NodeState.ACTIVE, True)
    assert (node.ip, node.cache_listener_port, node.build_number, node.version) == (
        "127.0.0.1",
        40001,
        73011,
        "7.3.0",
    )
    assert node.heartbeat_age_s is not None
    assert 0 <= node.heartbeat_age_s < 5


async def test_an_unknown_node_is_none(database: Database) -> None:
    assert await database.nodes.get("node1", 5) is None


async def test_members_come_by_id_and_include_the_offline_ones(database: Database) -> None:
    for node_id in ("node2", "node3", "node1"):
        await join(database, node_id)
    await database.nodes.go_offline("node3")

    assert [(node.node_id, node.state.value) for node in await database.nodes.members(5)] == [
        ("node1", "ACTIVE"),
        ("node2", "ACTIVE"),
        ("node3", "OFFLINE"),
    ]


async def test_a_killed_node_stays_active_and_is_no_longer_alive(database: Database) -> None:
    await join(database, "node1")
    await age_heartbeat(database, "node1", 6)

    node = await database.nodes.get("node1", 5)

    assert node is not None
    assert (node.state, node.alive) == (NodeState.ACTIVE, False)
    assert node.heartbeat_age_s is not None
    assert 6 <= node.heartbeat_age_s < 11
    patient = await database.nodes.get("node1", 60)
    assert patient is not None
    assert patient.alive


async def test_a_heartbeat_brings_a_node_back_to_life(database: Database) -> None:
    await join(database, "node1")
    await age_heartbeat(database, "node1", 6)

    assert await database.nodes.heartbeat("node1")

    node = await database.nodes.get("node1", 5)
    assert node is not None
    assert node.alive


async def test_a_clean_stop_is_offline_at_once_and_says_when(database: Database) -> None:
    await join(database, "node1")
    before = await database.nodes.get("node1")

    await database.nodes.go_offline("node1")

    node = await database.nodes.get("node1", 5)
    assert node is not None
    assert before is not None
    assert (node.state, node.alive) == (NodeState.OFFLINE, False)
    assert node.timestamp_ms >= before.timestamp_ms


async def test_going_offline_twice_keeps_the_first_moment(database: Database) -> None:
    await join(database, "node1")
    await database.nodes.go_offline("node1")
    first = await database.nodes.get("node1")

    await database.nodes.go_offline("node1")

    second = await database.nodes.get("node1")
    assert first is not None
    assert second is not None
    assert second.timestamp_ms == first.timestamp_ms


async def test_a_node_learns_from_its_heartbeat_that_it_was_set_offline(database: Database) -> None:
    await join(database, "node1")
    await database.nodes.go_offline("node1")

    assert not await database.nodes.heartbeat("node1")


async def test_a_removed_node_must_stop_and_gets_no_heartbeat(database: Database) -> None:
    await join(database, "node1")
    await database.nodes.remove("node1")

    assert not await database.nodes.heartbeat("node1")
    assert await database.nodes.members(5) == []


async def test_a_node_that_joins_again_is_active_with_its_new_version(database: Database) -> None:
    await join(database, "node1")
    await database.nodes.go_offline("node1")

    await database.nodes.join("node1", "127.0.0.1", 40002, 73013, "7.3.2")

    node = await database.nodes.get("node1", 5)
    assert node is not None
    assert (node.state, node.alive, node.version, node.build_number) == (NodeState.ACTIVE, True, "7.3.2", 73013)
    assert len(await database.nodes.members(5)) == 1


async def test_a_node_that_is_not_admitted_leaves_no_row(database: Database) -> None:
    await join(database, "node1")
    seen: list[ClusterSnapshot] = []

    def refuse(cluster: ClusterSnapshot) -> bool:
        seen.append(cluster)
        raise RuntimeError("a third version")

    with pytest.raises(RuntimeError, match="a third version"):
        await database.nodes.join("node2", "127.0.0.1", 40001, 73013, "7.3.2", admit=refuse, dead_after_s=5)

    assert [node.node_id for node in seen[0].members] == ["node1"]
    assert [node.node_id for node in await database.nodes.members(5)] == ["node1"]


async def test_a_node_silent_for_long_is_set_offline_and_after_as_long_again_removed(database: Database) -> None:
    for node_id in ("node1", "node2", "node3"):
        await join(database, node_id)
    await age_heartbeat(database, "node1", 100)
    await age_heartbeat(database, "node2", 100)

    retired = await database.nodes.retire(60, 60, but_not="node1")

    assert retired == Retired(offline=("node2",))
    members = await database.nodes.members(5)
    assert [(node.node_id, node.state.value) for node in members] == [
        ("node1", "ACTIVE"),
        ("node2", "OFFLINE"),
        ("node3", "ACTIVE"),
    ]
    assert await database.nodes.retire(60, 60, but_not="node1") == Retired(), "OFFLINE since just now"

    await age_state(database, "node2", 100)
    assert await database.nodes.retire(60, 60, but_not="node1") == Retired(removed=("node2",))
    assert [node.node_id for node in await database.nodes.members(5)] == ["node1", "node3"]
    assert not await database.nodes.heartbeat("node2")


async def test_a_node_that_stopped_by_itself_is_removed_in_the_end_too(database: Database) -> None:
    await join(database, "node1")
    await database.nodes.go_offline("node1")
    await age_state(database, "node1", 50)
    assert await database.nodes.retire(60, 60, but_not="node2") == Retired()

    await age_state(database, "node1", 50)

    assert await database.nodes.retire(60, 60, but_not="node1") == Retired(), "never itself"
    assert await database.nodes.retire(60, 60, but_not="node2") == Retired(removed=("node1",))


async def test_of_many_nodes_that_retire_the_same_one_a_single_one_does(database: Database) -> None:
    await join(database, "node1")
    await age_heartbeat(database, "node1", 100)

    outcomes = await asyncio.gather(*(database.nodes.retire(60, 60, but_not=f"other{n}") for n in range(5)))

    assert sorted(len(outcome.offline) for outcome in outcomes) == [0, 0, 0, 0, 1]


async def test_a_node_that_leaves_while_its_joining_is_being_committed_ends_up_offline(
    database: Database, database_target: DatabaseTarget
) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow_join() -> None:
        async with database._transactions.write(serialised_by=clusterupgradestate) as connection:
            await connection.execute(
                insert(clusternode).values(
                    node_id="node1",
                    node_state="ACTIVE",
                    timestamp=0,
                    ip="127.0.0.1",
                    cache_listener_port=1,
                    node_build_number=1,
                    node_version="7.3.0",
                )
            )
            reached.set()
            await go_on.wait()

    async with await database_target.open() as other, asyncio.TaskGroup() as tasks:
        tasks.create_task(slow_join())
        await reached.wait()
        leaving = tasks.create_task(other.nodes.go_offline("node1"))
        done, _ = await asyncio.wait((leaving,), timeout=0.2)
        go_on.set()

    assert not done, "it waits for the joining to be committed"
    node = await database.nodes.get("node1")
    assert node is not None
    assert node.state is NodeState.OFFLINE


async def age_state(database: Database, node_id: str, seconds: float) -> None:
    """Make a node's last change of state that much older."""
    async with database._transactions.write() as connection:
        await connection.execute(
            update(clusternode)
            .where(clusternode.c.node_id == node_id)
            .values(timestamp=clusternode.c.timestamp - round(seconds * 1000))
        )


async def test_figures_come_with_a_heartbeat_and_go_with_the_node(database: Database) -> None:
    for node_id in ("node1", "node2"):
        await join(database, node_id)
    assert await database.nodes.figures() == {}

    await database.nodes.tell_figures("node1", NodeFigures("RUNNING", 0.1, 1, 1.0))
    await database.nodes.tell_figures("node1", NodeFigures("DRAINING", 0.25, 5 * 1024**3, 61.5))
    await database.nodes.heartbeat("node2")

    assert await database.nodes.figures() == {"node1": NodeFigures("DRAINING", 0.25, 5 * 1024**3, 61.5)}
    await database.nodes.remove("node1")
    assert await database.nodes.figures() == {}


async def test_a_node_that_is_offline_tells_no_figures(database: Database) -> None:
    await join(database, "node1")
    await database.nodes.go_offline("node1")

    await database.nodes.tell_figures("node1", NodeFigures("RUNNING", 0.1, 1, 1.0))

    assert await database.nodes.figures() == {}


async def test_a_heartbeat_is_one_statement_because_others_wait_for_it(database: Database) -> None:
    await join(database, "node1")
    statements: list[str] = []
    writer = database._transactions._writer.sync_engine

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(writer, "before_cursor_execute", note)
    try:
        assert await database.nodes.heartbeat("node1")
    finally:
        event.remove(writer, "before_cursor_execute", note)

    assert [statement.split()[0] for statement in statements] == ["INSERT"]
