"""Real node processes, as an administrator starts, asks and stops them."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.databases import DatabaseTarget
from tests.support.node_farm import ADMIN, FarmNode, NodeFarm, node_farm, zdu
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow
ZDU = "/rest/api/2/cluster/zdu"


@pytest.fixture
async def farm(database_target: DatabaseTarget, tmp_path: Path) -> AsyncIterator[NodeFarm]:
    async with node_farm(database_target, tmp_path) as farm:
        await farm.set_up()
        yield farm


@pytest.fixture
async def sqlite_farm(tmp_path: Path) -> AsyncIterator[NodeFarm]:
    """For what has nothing to do with the kind of database."""
    target = DatabaseTarget("sqlite", f"sqlite+aiosqlite:///{tmp_path / 'zdu.db'}")
    async with node_farm(target, tmp_path) as farm:
        await farm.set_up()
        yield farm


async def running(farm: NodeFarm, node_id: str, version: str = "7.3.0", **options: object) -> FarmNode:
    node = await farm.begin(node_id, version, **options)
    await eventually(node.app_state, "RUNNING", limit_s=10)
    return node


async def test_two_processes_are_rolled_to_the_next_version_by_hand(farm: NodeFarm) -> None:
    node1, node2 = await asyncio.gather(
        running(farm, "node1", mixed_when="removed"), running(farm, "node2", mixed_when="removed")
    )
    assert await node1.post(f"{ZDU}/approve") == 409
    assert await node1.post(f"{ZDU}/start") == 201
    assert await node1.app_state() == "DRAINING"
    assert await node2.cluster_state() == "READY_TO_UPGRADE"

    assert (await node1.stop()).code == 0
    await eventually(node2.cluster_state, "MIXED")
    assert await node2.post(f"{ZDU}/cancel") == 409
    node1 = await running(farm, "node1", "7.3.2", mixed_when="removed")
    assert "Upgrading node node1 from 7.3.0 (build 73011) to 7.3.2 (build 73013)" in node1.log

    assert (await node2.stop()).code == 0
    node2 = await running(farm, "node2", "7.3.2", mixed_when="removed")
    await eventually(node1.cluster_state, "READY_TO_RUN_UPGRADE_TASKS")
    assert await node1.post(f"{ZDU}/approve") == 200
    await eventually(node2.cluster_state, "STABLE")

    view = await node2.get(f"{ZDU}/state")
    assert view["build"] == {"buildNumber": 73013, "version": "7.3.2"}
    members = await node1.get("/rest/api/2/cluster/nodes")
    assert {(m["nodeId"], m["nodeVersion"], m["state"], m["alive"]) for m in members} == {
        ("node1", "7.3.2", "ACTIVE", True),
        ("node2", "7.3.2", "ACTIVE", True),
    }
    assert await node1.app_state() == "RUNNING"


async def test_a_stopping_node_says_so_refuses_new_work_and_leaves(farm: NodeFarm) -> None:
    node1 = await running(farm, "node1", stop_duration="1s")
    node2 = await running(farm, "node2")

    node1.signal(signal.SIGTERM)
    await eventually(node1.app_state, "STOPPING")
    async with node1.http.get(f"{node1.url}/rest/api/2/search", headers=ADMIN) as refused:
        assert (refused.status, "Retry-After" in refused.headers) == (503, True)
        assert "stopping" in (await refused.text()).lower()
    ended = await node1.ended()

    assert (ended.code, ended.err) == (0, "")
    members = await node2.get("/rest/api/2/cluster/nodes")
    assert {m["nodeId"]: m["state"] for m in members} == {"node1": "OFFLINE", "node2": "ACTIVE"}


async def test_a_node_answers_while_it_is_starting(sqlite_farm: NodeFarm) -> None:
    node = await sqlite_farm.begin("node1", start_duration="1s")

    assert await node.app_state() == "STARTING"
    async with node.http.get(f"{node.url}/secure/Dashboard.jspa") as refused:
        assert refused.status == 503
    await eventually(node.app_state, "RUNNING")


async def test_a_stop_while_starting_ends_it_at_once(sqlite_farm: NodeFarm) -> None:
    node = await sqlite_farm.begin("node1", start_duration="60s")

    assert (await node.stop()).code == 0


async def test_a_node_whose_parent_is_gone_stops_by_itself(sqlite_farm: NodeFarm) -> None:
    node1 = await running(sqlite_farm, "node1", stop_duration="30s")
    node2 = await running(sqlite_farm, "node2")
    assert node1.process.stdin is not None

    node1.process.stdin.close()
    await node1.ended()  # long before stop_duration; on a busy machine its grace may end it, which is code 1

    assert "Stopping Jira: the parent process is gone" in node1.log
    members = await node2.get("/rest/api/2/cluster/nodes")
    assert {m["nodeId"]: m["state"] for m in members}["node1"] == "OFFLINE"


async def test_the_request_in_flight_when_a_node_stops_is_answered(sqlite_farm: NodeFarm) -> None:
    node = await running(sqlite_farm, "node1")
    arrived = asyncio.Event()

    async def slow_body() -> AsyncIterator[bytes]:
        yield b'{"fields":{"project":{"key":"ZDU"},"issuetype":{"name":"Task"},'
        arrived.set()
        await eventually(node.app_state, "STOPPING")
        yield b'"summary":"written while stopping"}}'

    async def create() -> int:
        headers = {**ADMIN, "Content-Type": "application/json"}
        async with aiohttp.ClientSession() as own:
            url = f"{node.url}/rest/api/2/issue"
            async with own.post(url, data=slow_body(), headers=headers) as answer:
                return answer.status

    creating = asyncio.create_task(create())
    await arrived.wait()
    await eventually(lambda: in_flight(node), 1)
    node.signal(signal.SIGTERM)

    assert await creating == 201
    assert (await node.ended()).code == 0


async def in_flight(node: FarmNode) -> int:
    """Requests in flight; the one that asks is not counted."""
    said = await node.get("/rest/zdu-simulator/1/node/upgradeMode")
    return int(said["requestsInFlight"])


async def test_a_busy_port_is_told_in_one_message_that_names_the_log(sqlite_farm: NodeFarm) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = await zdu("node", "--config", str(sqlite_farm.configure("node1", port=port)))

    assert ended.code == 70
    assert f"port {port} on 127.0.0.1 is taken by another process" in ended.err
    assert "atlassian-jira.log" in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


async def test_a_database_server_that_is_down_is_told(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"postgresql+asyncpg://zdu:hidden@127.0.0.1:{closed.getsockname()[1]}/zdu"
        async with node_farm(DatabaseTarget("postgresql", url), tmp_path) as farm:
            ended = await zdu("node", "--config", str(farm.configure("node1")))
            set_up = await zdu("db", "setup", "--url", url)

    for end in (ended, set_up):
        assert end.code == 70
        assert "nothing listens there" in end.err
        assert "hidden" not in end.err
        assert "Traceback" not in end.err


async def test_a_refused_node_tells_why_stays_useless_and_is_stopped_in_order(sqlite_farm: NodeFarm) -> None:
    await running(sqlite_farm, "node1")
    node = await sqlite_farm.begin("node2", "7.3.2", intervals={"version_check_wait": "60s"})

    await eventually(node.app_state, "ERROR", limit_s=10)
    ended = await node.stop()

    assert ended.code == 0
    assert "put the cluster into upgrade mode" in ended.err
    assert "Traceback" not in ended.err


async def test_every_mistake_in_a_configuration_is_listed_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("node_id: node1\nversion: 7.3.0\ntime_scale: -1\nstop_durration: 1s\n")

    ended = await zdu("node", "--config", str(tmp_path / "bad.yaml"))

    assert ended.code == 64
    assert "bad.yaml:3:1: time_scale" in ended.err
    assert "bad.yaml:4:1: stop_durration" in ended.err
    assert "did you mean 'stop_duration'" in ended.err
    assert "database: this setting is required" in ended.err


async def test_an_unknown_version_is_answered_with_the_known_ones(sqlite_farm: NodeFarm) -> None:
    ended = await zdu("node", "--config", str(sqlite_farm.configure("node1", "7.3.9")))

    assert ended.code == 64
    assert "7.3.2" in ended.err


async def test_a_dropped_database_is_gone(sqlite_farm: NodeFarm) -> None:
    ended = await zdu("db", "drop", "--url", sqlite_farm.target.url)

    assert ended.code == 0
    assert not (sqlite_farm.folder / "zdu.db").exists()
