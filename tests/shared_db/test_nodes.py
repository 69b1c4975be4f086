import pytest

from shared_db import ClusterSnapshot, Database, NodeState
from tests.support.databases import age_heartbeat


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

    assert await database.nodes.heartbeat("node1") is NodeState.ACTIVE

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

    assert await database.nodes.heartbeat("node1") is NodeState.OFFLINE


async def test_a_removed_node_must_stop_and_gets_no_heartbeat(database: Database) -> None:
    await join(database, "node1")
    await database.nodes.remove("node1")

    assert await database.nodes.heartbeat("node1") is NodeState.OFFLINE
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

    def refuse(cluster: ClusterSnapshot) -> None:
        seen.append(cluster)
        raise RuntimeError("a third version")

    with pytest.raises(RuntimeError, match="a third version"):
        await database.nodes.join("node2", "127.0.0.1", 40001, 73013, "7.3.2", admit=refuse, dead_after_s=5)

    assert [node.node_id for node in seen[0].members] == ["node1"]
    assert [node.node_id for node in await database.nodes.members(5)] == ["node1"]
