"""The same figures in HAProxy's CSV, for Prometheus, and in words: all of one load balancer that has served."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientPayloadError
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from lb.telemetry.stats_csv import COLUMNS
from tests.support.balancers import RunningBalancer, running_balancer
from tests.support.http_nodes import HttpNode, answering
from tests.support.waiting import until

BROKEN_OFF = answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart", keep=False)
TRUSTED: dict[str, Any] = {"trusted_proxies": ["127.0.0.0/8"]}
"""So that a test can give its requests identifiers."""
SICK = answering("HTTP/1.1 500 Sick\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
async def lb() -> AsyncIterator[RunningBalancer]:
    """Two nodes; node1 answered 200, 500 and half a response, node2 is gone and was asked once."""
    async with HttpNode("node1") as one, HttpNode("node2") as two:
        one.on("/sick", SICK)
        one.on("/cut", BROKEN_OFF)
        async with running_balancer(
            one, two, health={"inter": "60s"}, passive={"enabled": False}, **TRUSTED
        ) as running:
            await two.stop()
            await running.request("/good", "node1", headers={"X-Request-Id": "good-1"})
            await running.request("/sick", "node1")
            with pytest.raises(ClientPayloadError):
                await running.request("/cut", "node1")
            await running.request("/moved", "node2", headers={"X-Request-Id": "moved-1"})
            await until(lambda: running.server.telemetry.meters.front().stot == 4, "all four are over")
            yield running


async def get(lb: RunningBalancer, path: str, status: int = 200, **query: str) -> tuple[str, str]:
    async with asyncio.timeout(5), lb.client.get(lb.admin_url + path, params=query) as response:
        assert response.status == status
        return response.headers["Content-Type"], await response.text()


async def rows(lb: RunningBalancer) -> dict[str, dict[str, str]]:
    content_type, text = await get(lb, "/stats;csv")
    assert content_type == "text/plain; charset=utf-8"
    assert text.startswith("# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,")
    return {row["svname"]: row for row in csv.DictReader(io.StringIO(text.removeprefix("# ")))}


async def test_the_csv_has_haproxys_rows_and_columns(lb: RunningBalancer) -> None:
    told = await rows(lb)
    assert list(told) == ["FRONTEND", "node1", "node2", "BACKEND"]
    assert list(told["node1"])[: len(COLUMNS)] == list(COLUMNS)
    assert {row["pxname"] for row in told.values()} == {"zdu-lb"}
    assert [row["type"] for row in told.values()] == ["0", "2", "2", "1"]
    for row in told.values():
        assert None not in row, "as many fields as columns in each row"


async def test_the_csv_tells_errors_of_a_node_from_what_clients_got(lb: RunningBalancer) -> None:
    told = await rows(lb)
    node1, node2, back = told["node1"], told["node2"], told["BACKEND"]
    assert (node1["stot"], node1["hrsp_2xx"], node1["hrsp_5xx"], node1["eresp"], node1["srv_abrt"]) == tuple("43111")
    assert (node2["stot"], node2["econ"], node2["wredis"], node2["moved"]) == tuple("0111")
    assert (back["stot"], back["econ"], back["wredis"], back["hrsp_5xx"]) == tuple("4111")
    assert (told["FRONTEND"]["req_tot"], told["FRONTEND"]["intercepted"]) == ("4", "0")
    assert (node1["status"], node1["check_status"], node1["check_code"]) == ("UP", "L7OK", "200")
    assert node1["lastsess"] == "0"
    assert (node1["addr"], node1["cookie"]) == (f"127.0.0.1:{lb.balancer.addresses['node1'].port}", "node1")


async def test_what_a_node_says_stays_in_its_field_of_the_csv(lb: RunningBalancer) -> None:
    health = lb.balancer.health["node1"]
    assert health.last is not None
    object.__setattr__(health.last, "detail", 'a, "b"\nc')
    assert (await rows(lb))["node1"]["last_chk"] == 'a, "b" c'


async def metrics(lb: RunningBalancer) -> dict[str, Metric]:
    content_type, text = await get(lb, "/metrics")
    assert content_type.startswith("text/plain; version=")
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(families: dict[str, Metric], name: str, suffix: str = "", **labels: str) -> float:
    [found] = [
        sample.value
        for sample in families[f"zdu_lb_{name}"].samples
        if sample.name == f"zdu_lb_{name}{suffix}" and sample.labels == labels
    ]
    return found


async def test_the_metrics_are_haproxys_under_a_prefix_of_our_own(lb: RunningBalancer) -> None:
    told = await metrics(lb)
    assert all(name.startswith("zdu_lb_") for name in told)
    assert all(family.documentation for family in told.values())
    assert value(told, "server_status", server="node1", state="UP") == 1
    assert value(told, "server_status", server="node1", state="DOWN") == 0
    assert value(told, "server_http_responses", "_total", server="node1", code="5xx") == 1
    assert value(told, "server_connection_errors", "_total", server="node2") == 1
    assert value(told, "server_redispatch_warnings", "_total", server="node2") == 1
    assert value(told, "server_server_aborts", "_total", server="node1") == 1
    assert value(told, "server_sessions_moved", "_total", server="node2") == 1
    assert value(told, "frontend_http_requests", "_total") == 4
    assert value(told, "backend_active_servers") == 2
    assert 0 < value(told, "server_response_time_average_seconds", server="node1") < 5


async def test_answers_made_here_have_metrics_of_their_own(lb: RunningBalancer) -> None:
    await lb.request("/", method="TRACE")
    await until(lambda: lb.server.telemetry.meters.front().stot == 5)
    told = await metrics(lb)
    [own] = [sample for sample in told["zdu_lb_own_answers"].samples if sample.value]
    assert (own.labels, own.value) == ({"reason": "unsupported-method"}, 1.0)
    assert value(told, "frontend_http_responses", "_total", code="4xx", made_by="load_balancer") == 1
    assert value(told, "frontend_http_responses", "_total", code="4xx", made_by="node") == 0


async def test_the_duration_histogram_is_one_for_each_node(lb: RunningBalancer) -> None:
    told = await metrics(lb)
    buckets = [
        sample.value
        for sample in told["zdu_lb_server_request_duration_seconds"].samples
        if sample.name.endswith("_bucket") and sample.labels["server"] == "node1"
    ]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 4
    assert value(told, "server_request_duration_seconds", "_count", server="node1") == 4
    assert value(told, "server_request_duration_seconds", "_sum", server="node1") > 0


async def explained(lb: RunningBalancer, path: str, status: int = 200, **query: str) -> Any:
    async with lb.client.get(lb.admin_url + path, params=query) as response:
        assert response.status == status
        return await response.json()


async def test_a_request_that_was_is_explained_with_every_attempt(lb: RunningBalancer) -> None:
    told = await explained(lb, "/explain/moved-1")
    assert told["record"]["request_id"] == "moved-1"
    why = " ".join(told["why"])
    assert "It brought a cookie of a node that did not take it any more" in why
    assert "the session moved from node2 to node1" in why
    assert "Attempt 1 went to node2 on a fresh connection: refused." in why
    assert "Attempt 2 went to node1" in why
    assert "node1 answered 200." in why


async def test_a_request_that_nobody_remembers_is_404(lb: RunningBalancer) -> None:
    told = await explained(lb, "/explain/who", status=404)
    assert told["error"] == "request who is not among the latest 4"


async def test_a_request_that_would_be_is_explained_with_its_candidates(lb: RunningBalancer) -> None:
    async with lb.client.post(f"{lb.admin_url}/nodes/node2/state", json={"state": "maint"}) as response:
        assert response.status == 200
    told = await explained(lb, "/explain", cookie="a=b; ROUTEID=.node2")
    assert (told["node"], told["cookie"]["bound_to"], told["cookie"]["state"]) == ("node1", "node2", "D")
    assert "node2" in told["why"]
    assert [(node["name"], node["why_not"]) for node in told["candidates"]] == [
        ("node1", ""),
        ("node2", "in maintenance"),
    ]
    assert [node["share_of_new_sessions"] for node in told["candidates"]] == [1.0, 0.0]


async def test_a_bound_session_is_explained_as_staying(lb: RunningBalancer) -> None:
    told = await explained(lb, "/explain", cookie="ROUTEID=.node2")
    assert (told["node"], told["why"], told["cookie"]["state"]) == ("node2", "bound to node2", "V")


async def test_to_ask_changes_nothing(lb: RunningBalancer) -> None:
    """Round robin goes on where it was, however often somebody asks."""
    chosen = []
    for _ in range(6):
        told = [(await explained(lb, "/explain"))["node"] for _ in range(3)]
        assert len(set(told)) == 1
        chosen.append(told[0])
    assert len(set(chosen)) == 1
    assert all(view.in_flight == 0 for view in lb.balancer.views())
