import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from lb.access_log import AccessLog, AccessRecord
from tests.support.balancers import running_balancer
from tests.support.http_nodes import Gate, HttpNode, answering, raw_connection
from tests.support.waiting import until
from zdu.clock import ManualClock
from zdu.errors import ZduError


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def test_each_request_is_one_line_with_its_attempts_and_timers(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"
    settings = {"access_log_file": str(path), "health": {"inter": "60s"}}
    async with HttpNode("node1") as one, HttpNode("node2") as two, running_balancer(one, two, **settings) as lb:
        await one.stop()
        await lb.request("/a?b=c", "node1", "POST", data=b"12345")

    [line] = lines(path)
    assert (line["method"], line["target"], line["status"], line["node"]) == ("POST", "/a?b=c", 200, "node2")
    assert (line["client"], line["received_bytes"], line["sent_bytes"]) == ("127.0.0.1", 5, len("node2 got 5"))
    assert [(attempt["node"], attempt["failure"], attempt["status"]) for attempt in line["attempts"]] == [
        ("node1", "refused", 0),
        ("node2", "", 200),
    ]
    assert line["termination"] == "--DU"
    assert line["route"] == "moved: node1 failed"
    assert 0 < line["tc_ms"] + line["tr_ms"] <= line["ta_ms"] < 5000


@pytest.mark.parametrize(
    ("cookie", "termination"), [("", "--NI"), ("ROUTEID=.node1", "--VN"), ("ROUTEID=.zz", "--IU")]
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
            await reader.read()
        async with asyncio.timeout(5), raw_connection(lb.url) as (_, writer):
            writer.write(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
            await gate.entered.wait()
        await until(lambda: len(lines(path)) == 2, "both are logged")
    assert [(line["target"], line["termination"]) for line in lines(path)] == [("/cut", "SDNI"), ("/slow", "CHNI")]


async def test_a_log_that_cannot_be_written_fails_no_request_and_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = AccessLog("/dev/full", ManualClock())
    with caplog.at_level(logging.ERROR, "lb.access"):
        for _ in range(3):
            log.write(AccessRecord("c", "GET", "/", 0.0))
    assert [record.message for record in caplog.records] == [
        "the access log stops here: [Errno 28] No space left on device"
    ]


def test_a_log_that_cannot_be_opened_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ZduError, match=r"cannot write the access log .*: No such file or directory"):
        AccessLog(str(tmp_path / "no" / "such" / "place.jsonl"), ManualClock())


def test_without_a_path_nothing_is_written() -> None:
    log = AccessLog("", ManualClock())
    log.write(AccessRecord("c", "GET", "/", 0.0))
    log.close()
