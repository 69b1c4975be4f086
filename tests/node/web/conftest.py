"""A running node, and people in front of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.web.templating import Templates
from shared_db import Database
from tests.support.web_node import Browser, WebNode, open_database, web_node


@pytest.fixture(scope="session")
def templates() -> Templates:
    """Compiled once; they keep nothing of a node."""
    return Templates()


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    async with await open_database(tmp_path) as database:
        yield database


@pytest.fixture
async def node(db: Database, templates: Templates) -> AsyncIterator[WebNode]:
    async with web_node(db, templates) as node:
        yield node


@pytest.fixture
async def other_node(db: Database, templates: Templates) -> AsyncIterator[WebNode]:
    """A second node on the same database, as a load balancer would choose it next."""
    async with web_node(db, templates, node_id="node2", boot_id="boot-2") as node:
        yield node


@pytest.fixture
async def stranger(node: WebNode) -> Browser:
    return Browser(node)


@pytest.fixture
async def user(node: WebNode) -> Browser:
    browser = Browser(node)
    await browser.log_in("user1")
    return browser


@pytest.fixture
async def admin(node: WebNode) -> Browser:
    browser = Browser(node)
    await browser.log_in("admin")
    return browser
