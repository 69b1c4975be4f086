"""A configuration that changes under a load balancer that runs: what changes, what cannot, and nobody notices."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from lb.config import BalancerConfig
from lb.pool import Admin
from lb.reload import differences, merged
from tests.support.balancers import balancer_config, balancer_process, running_balancer, settings_for
from tests.support.http_nodes import Gate, HttpNode, close_if_reused, raw_connection
from tests.support.steady_traffic import prepare, steady_traffic
from tests.support.waiting import LIMIT_S, until
from zdu.errors import UsageError, ZduError

NODES: list[dict[str, object]] = [{"name": "node1", "port": 1001}, {"name": "node2", "port": 1002}]


def config(**settings: Any) -> BalancerConfig:
    return BalancerConfig.model_validate({"nodes": NODES, **settings})


def test_differences_are_told_in_the_files_own_words_and_secrets_are_not_told() -> None:
    before = config(stickiness={"secret": "0123456789abcdef"})
    after = config(
        nodes=[{"name": "node1", "port": 1001, "weight": 50}, {"name": "node3", "port": 1003}],
        stickiness={"secret": "fedcba9876543210"},
        timeouts={"server": "1min"},
        balance="leastconn",
        passive={"enabled": False},
        trusted_proxies=["10.0.0.0/8"],
    )
    assert differences(before, after) == [
        "node3 is new",
        "node2 is gone",
        "weight of node1: 100 to 50",
        "balance: roundrobin to leastconn",
        "stickiness.secret: another secret",
        "passive.enabled: true to false",
        "timeouts.server: 30s to 1min",
        "trusted_proxies: none to 10.0.0.0/8",
    ]
    assert differences(before, before) == []


def test_settings_of_open_sockets_are_kept_and_named() -> None:
    got, notes = merged(config(port=8080), config(port=9090, handover="/run/lb.sock", retry={"retries": 1}))
    assert (got.port, got.handover, got.retry.retries) == (8080, "", 1)
    assert notes == [
        "port stays 8080: another one (9090) takes a restart",
        "handover stays none: another one (/run/lb.sock) takes a restart",
    ]


def test_the_token_of_an_admin_port_that_others_reach_cannot_be_taken_away() -> None:
    running = config(admin_host="0.0.0.0", admin_token="0123456789abcdef")
    with pytest.raises(UsageError, match="set admin_token too") as raised:
        merged(running, config())
    assert "admin_host stays 0.0.0.0" in raised.value.message


async def test_twenty_reloads_under_traffic_drop_nothing() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, HttpNode("node3") as three:
        echo = prepare(one)
        async with (
            running_balancer(one, two) as lb,
            steady_traffic(lb.url, streams_to="node1") as traffic,
        ):
            await until(lambda: traffic.echoes and traffic.events, "both streams are open")
            for turn in range(20):
                answered = traffic.total
                others = [[two], [two, three], [three]][turn % 3]
                await lb.reload(one, *others, each_node={"weight": 50 + turn}, timeouts={"server": f"{20 + turn}s"})
                for node in others:
                    await lb.until_state(node.name, "UP")
                assert [view.weight for view in lb.balancer.views()] == [50 + turn] * (1 + len(others))
                echoes, events = traffic.echoes, traffic.events
                await until(lambda: traffic.total > answered + 10, "requests go on")
                await until(lambda: traffic.echoes > echoes and traffic.events > events)
            kinds = set(traffic.requests)
    assert traffic.failures == []
    assert kinds == {"kept", "new", "upload"}
    assert echo.opened == 1
    assert min(node.executions["GET /"] for node in (one, two, three)) > 0


async def test_a_node_taken_out_finishes_what_it_has_and_is_checked_no_more() -> None:
    gate = Gate()
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two) as lb:
        one.on("/slow", gate)
        slow = asyncio.create_task(lb.request("/slow", "node1"))
        await gate.entered.wait()
        await lb.reload(two)
        checks = one.checks
        assert [(await lb.request("/", "node1"))[1] for _ in range(3)] == [b"node2"] * 3
        gate.release.set()
        response, body = await slow
        assert (response.status, body) == (200, b"late")
        assert [view.name for view in lb.balancer.views()] == ["node2"]
        assert list(lb.server.telemetry.meters.nodes) == ["node2"]
        await until(lambda: not one.open_connections, "no connection to it is kept")
        assert one.checks <= checks + 1  # one may have been on its way


async def test_what_a_node_that_is_gone_owes_still_has_its_time_limit() -> None:
    gate = Gate()
    times = {"server": "200ms"}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, timeouts=times) as lb:
        one.on("/slow", gate)
        slow = asyncio.create_task(lb.request("/slow", "node1", method="POST"))
        await gate.entered.wait()
        await lb.reload(two, timeouts=times)
        async with asyncio.timeout(LIMIT_S):
            response, _ = await slow
        assert response.status == 504


async def test_a_request_whose_node_goes_while_its_connection_dies_is_served_by_another() -> None:
    entered = asyncio.Event()
    die = asyncio.Event()
    usual = close_if_reused("node1")

    async def dies_late(connection: Any, request: Any) -> bool:
        if connection.requests > 1:
            entered.set()
            await die.wait()
        return await usual(connection, request)

    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two) as lb:
        one.on("/race", dies_late)
        await lb.request("/race", "node1")
        racing = asyncio.create_task(lb.request("/race", "node1"))
        async with asyncio.timeout(LIMIT_S):
            await entered.wait()
            await lb.reload(two)
            die.set()
            response, body = await racing
        assert (response.status, body) == (200, b"node2")


async def test_streams_to_a_node_taken_out_are_closed_over_the_time_of_a_drain_unless_it_comes_back() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, ClientSession() as session:
        echo = prepare(one)
        short: dict[str, Any] = {"drain": {"deadline": "300ms"}}
        long: dict[str, Any] = {"drain": {"deadline": "1h"}}
        async with running_balancer(one, two, **long) as lb:
            socket = await session.ws_connect(lb.url + "/ws", headers={"Cookie": "ROUTEID=.node1"})
            await lb.reload(two, **long)
            await lb.reload(one, two, **long)
            await lb.until_state("node1", "UP")
            lb.pass_time(3601)
            await socket.send_str("still here")
            assert (await socket.receive(timeout=LIMIT_S)).data == "still here"
            assert (await lb.request("/", "node1"))[1] == b"node1"
            began_s = asyncio.get_running_loop().time()
            sockets = [socket]
            for _ in range(5):
                sockets.append(await session.ws_connect(lb.url + "/ws", headers={"Cookie": "ROUTEID=.node1"}))
            await lb.reload(two, **short)
            ends = [await each.receive(timeout=LIMIT_S) for each in sockets]
            assert [end.data for end in ends] == [1001] * 6
            assert asyncio.get_running_loop().time() - began_s > 0.1
        assert echo.opened == 6


async def test_another_weight_keeps_the_connections_to_a_node() -> None:
    async with HttpNode("node1") as one, running_balancer(one, health={"inter": "60s"}) as lb:
        await lb.request("/")
        before = one.connections
        await lb.reload(one, health={"inter": "60s"}, each_node={"weight": 7})
        await lb.request("/")
        assert one.connections == before


async def test_what_the_operator_wants_outlives_a_reload() -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two) as lb:
        lb.balancer.set_admin("node1", Admin.MAINT)
        lb.balancer.set_weight("node2", 7)
        await lb.reload(one, two, retry={"retries": 1})
        assert [(view.admin, view.weight) for view in lb.balancer.views()] == [("MAINT", 100), ("READY", 7)]


async def test_the_access_log_is_opened_again_or_moved_and_one_that_cannot_be_changes_nothing(tmp_path: Path) -> None:
    log, rotated, other = tmp_path / "access.log", tmp_path / "access.log.1", tmp_path / "other.log"
    async with HttpNode("node1") as one, running_balancer(one, access_log_file=str(log)) as lb:
        await lb.request("/first")
        await until(lambda: "/first" in log.read_text(), "it is written")
        log.rename(rotated)
        await lb.reload(one, access_log_file=str(log))
        await lb.request("/second")
        await until(lambda: "/second" in log.read_text(), "it is written")
        with pytest.raises(ZduError, match="cannot write the access log"):
            await lb.reload(one, access_log_file=str(tmp_path / "no" / "such.log"), retry={"retries": 1})
        assert lb.balancer.config.retry.retries == 3
        await lb.reload(one, access_log_file=str(other))
        await lb.request("/third")
        await until(lambda: "/third" in other.read_text(), "it is written")
    assert "/third" not in log.read_text()
    assert "/second" not in rotated.read_text()


@pytest.mark.slow
async def test_the_process_reads_its_file_again_on_sighup_and_on_request_and_refuses_a_wrong_one(
    tmp_path: Path,
) -> None:
    async with HttpNode("node1") as one, HttpNode("node2") as two, balancer_process(tmp_path, one) as lb:
        file = tmp_path / "lb.yaml"
        file.write_text(json.dumps(settings_for([one, two], log_file=str(lb.log), port=1)))
        lb.process.send_signal(signal.SIGHUP)
        await until(lambda: "node2 is new; port stays 0: another one (1) takes a restart" in lb.log.read_text())
        await lb.until_states("UP", "UP")

        file.write_text(json.dumps({**settings_for([one], log_file=str(lb.log)), "prot": 1, "balance": "best"}))
        async with ClientSession() as client:
            async with client.post(lb.admin_url + "/reload", json={}) as response:
                error = (await response.json())["error"]
            assert response.status == 422
            assert "prot: there is no such setting; did you mean 'port'?" in error
            assert "balance: Input should be" in error
            lb.process.send_signal(signal.SIGHUP)
            await until(lambda: "was read again and nothing was changed" in lb.log.read_text())
            assert [node["name"] for node in (await lb.status())["nodes"]] == ["node1", "node2"]

            file.write_text(json.dumps(settings_for([two], log_file=str(lb.log))))
            async with client.post(lb.admin_url + "/reload", json={}) as response:
                assert (await response.json())["changed"] == ["node1 is gone"]
            async with client.get(lb.url) as response:
                assert await response.text() == "node2"


async def test_a_reload_of_the_very_same_file_changes_nothing() -> None:
    async with HttpNode("node1") as one, running_balancer(one) as lb, raw_connection(lb.url):
        before = lb.balancer.journal.last_seq
        assert await lb.server.reload(balancer_config([one])) == []
        assert lb.balancer.journal.last_seq == before
