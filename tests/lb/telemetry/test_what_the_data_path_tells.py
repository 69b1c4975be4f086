"""The access log of a load balancer that serves: attempts, timers, and the termination code."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.balancers import RunningBalancer, running_balancer
from tests.support.http_nodes import Gate, HttpNode, answering, raw_connection
from tests.support.waiting import until


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def logged(lb: RunningBalancer, path: Path, count: int) -> list[dict[str, Any]]:
    """The lines, once all requests are over."""
    await until(lambda: lb.server.telemetry.meters.front().stot >= count, f"{count} are over")
    lb.server.telemetry.tick()
    return lines(path)


async def test_each_request_is_one_line_with_its_attempts_and_timers(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"
    settings: dict[str, Any] = {"access_log_file": str(path), "health": {"inter": "60s"}}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        await one.stop()
        began_s = lb.balancer.now()
        await lb.request("/a?b=c", "node1", "POST", data=b"12345")

    [line] = lines(path)
    assert (line["method"], line["target"], line["status"], line["node"]) == ("POST", "/a?b=c", 200, "node2")
    assert (line["client"], line["received_bytes"], line["sent_bytes"]) == ("127.0.0.1", 5, len("node2 got 5"))
    assert [(attempt["node"], attempt["failure"], attempt["status"]) for attempt in line["attempts"]] == [
        ("node1", "refused", 0),
        ("node2", "", 200),
    ]
    first, second = line["attempts"]
    assert began_s <= line["received_s"] <= first["began_s"] <= second["began_s"] < began_s + 5
    assert line["termination"] == "--DI"
    assert (line["moved_from"], line["own"]) == ("node1", "")
    assert len(line["request_id"]) > 8
    assert 0 < line["tc_ms"] + line["tr_ms"] <= line["ta_ms"] < 5000


@pytest.mark.parametrize(
    ("cookie", "termination"), [("", "--NI"), ("ROUTEID=.node1", "--VN"), ("ROUTEID=.zz", "--II")]
)
async def test_the_termination_code_tells_what_the_cookie_said_and_what_was_done(
    tmp_path: Path, cookie: str, termination: str
) -> None:
    path = tmp_path / "access.jsonl"
    async with HttpNode() as node, running_balancer(node, access_log_file=str(path)) as lb:
        await lb.request("/", headers={"Cookie": cookie} if cookie else {})
    assert lines(path)[0]["termination"] == termination


async def test_the_termination_code_tells_who_broke_off(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"
    gate = Gate()
    async with HttpNode() as node, running_balancer(node, access_log_file=str(path)) as lb:
        node.on("/cut", answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart", keep=False))
        node.on("/slow", gate)
        async with asyncio.timeout(5), raw_connection(lb.url) as (reader, writer):
            writer.write(b"GET /cut HTTP/1.1\r\nHost: h\r\n\r\n")
            await asyncio.gather(reader.read(), return_exceptions=True)
        async with asyncio.timeout(5), raw_connection(lb.url) as (_, writer):
            writer.write(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
            await gate.entered.wait()
        told = await logged(lb, path, 2)
    assert [(line["target"], line["termination"]) for line in told] == [("/cut", "SDNI"), ("/slow", "CHNI")]


async def test_a_request_that_was_held_tells_how_long(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"
    settings: dict[str, Any] = {"access_log_file": str(path), "drain": {"enabled": False}}
    async with HttpNode() as node, running_balancer(node, **settings) as lb:
        async with lb.client.post(f"{lb.admin_url}/nodes/node1/state", json={"state": "maint"}) as response:
            assert response.status == 200
        request = asyncio.create_task(lb.request("/held"))
        await until(lambda: lb.balancer.held == 1, "it is held")
        async with lb.client.get(f"{lb.admin_url}/status.json") as response:
            assert (await response.json())["held"] == 1
        async with lb.client.post(f"{lb.admin_url}/nodes/node1/state", json={"state": "ready"}) as response:
            assert response.status == 200
        await request
        [line] = await logged(lb, path, 1)
    assert (line["status"], line["own"], line["node"]) == (200, "", "node1")
    assert 0 < line["tw_ms"] <= line["ta_ms"]
    assert lb.server.telemetry.meters.front().held == 1
    assert lb.balancer.held_max == 1


@pytest.mark.parametrize(
    ("request_bytes", "status", "own", "termination"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400, "bad-request", "PR--"),
        (b"GET /%b HTTP/1.1\r\nHost: h\r\n\r\n" % (b"x" * 9000), 414, "target-length", "PR--"),
        (
            b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
            "ambiguous-framing",
            "PR--",
        ),
    ],
)
async def test_a_request_that_is_refused_is_logged_as_answered_here(
    tmp_path: Path, request_bytes: bytes, status: int, own: str, termination: str
) -> None:
    path = tmp_path / "access.jsonl"
    async with HttpNode() as node, running_balancer(node, access_log_file=str(path)) as lb:
        async with asyncio.timeout(5), raw_connection(lb.url) as (reader, writer):
            writer.write(request_bytes)
            answer = await reader.readuntil(b"\r\n")
        [line] = await logged(lb, path, 1)
        front = lb.server.telemetry.meters.front()
    assert answer.split()[1] == str(status).encode()
    assert (line["status"], line["own"], line["termination"], line["node"]) == (status, own, termination, "")
    assert line["attempts"] == []
    assert (front.ereq, front.dreq) == ((0, 1) if status == 414 else (1, 0))
