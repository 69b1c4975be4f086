"""Requests that fail because of a release: what people see, and what the log tells an operator."""

import logging
from collections import Counter
from pathlib import Path

import pytest

from node.releases import find_release
from node.web.middlewares.flaws import SHARE
from node.web.templating import Templates
from shared_db import Database
from simulator.node_logs import audit_node_logs
from tests.support.web_node import Browser, WebNode, web_node

REQUESTS = 400


async def test_what_a_node_writes_about_a_statement_is_found(
    node: WebNode, user: Browser, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with node.database._transactions.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE jiraissue RENAME COLUMN updated TO last_updated")

    with caplog.at_level(logging.ERROR):
        answer = await user.get("/browse/ZDU-1")

    assert answer.status == 500
    assert "jiraissue" not in answer.text
    (record,) = caplog.records
    line = f"2026-11-24 11:39:13,152+0000 http-exec-4 ERROR [logger] {record.getMessage()}\n"
    (tmp_path / "node1.log").write_text(line)
    (found,) = audit_node_logs({"node1": tmp_path / "node1.log"}, float).statements
    assert (found["version"], found["count"]) == ("7.3.0", 1)
    assert found["statement"].startswith("SELECT … FROM jiraissue JOIN project")
    assert found["reason"] == "no such column: jiraissue.updated"


async def test_a_release_that_leaks_errors_fails_some_requests_of_users_and_never_the_status(
    db: Database, templates: Templates
) -> None:
    async with web_node(db, templates, release=find_release("7.3.2+leaks-5xx")) as node:
        user = Browser(node)
        assert (await user.log_in("user1")).status == 302
        statuses = Counter([(await user.get("/rest/api/2/issue/ZDU-1")).status for _ in range(REQUESTS)])
        health = Counter([(await user.get("/status")).status for _ in range(REQUESTS)])

    assert set(statuses) == {200, 500}
    assert statuses[500] < REQUESTS * SHARE * 4
    assert health == {200: REQUESTS}
