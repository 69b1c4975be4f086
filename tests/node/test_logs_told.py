"""``docs/logs.md`` is held to what nodes really log."""

import re
from contextlib import suppress
from pathlib import Path

import pytest

from node import logs
from node.services import NotAllowed, UpgradeAction
from tests.support.runtimes import RuntimeCluster
from tests.support.waiting import until

DOCUMENT = (Path(__file__).parents[2] / "docs" / "logs.md").read_text(encoding="utf-8")
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\+0000 \S+ (INFO|WARN|ERROR) \[[\w.]+\] \S.*")


def test_every_class_that_speaks_is_in_the_document_and_no_other() -> None:
    ours = {value for name, value in vars(logs).items() if name.isupper() and isinstance(value, str)}

    assert set(re.findall(r"^\| `(c\.a\.[\w.]+)` \|", DOCUMENT, re.MULTILINE)) == ours


def test_the_lines_it_shows_have_the_shape_it_describes() -> None:
    shown = re.findall(r"^20\d\d-.*$", DOCUMENT, re.MULTILINE)

    assert len(shown) == 2
    assert all(LINE.fullmatch(line) for line in shown)


async def test_an_upgrade_is_logged_as_the_document_tells_it(cluster: RuntimeCluster) -> None:
    told = re.findall(r"^\| [^|]*\| `(.+)` \|$", DOCUMENT.split("## An upgrade")[1], re.MULTILINE)
    node1, _ = await cluster.start("node1"), await cluster.start("node2")
    await node1.act(UpgradeAction.START, "admin")
    with pytest.raises(NotAllowed):
        await node1.act(UpgradeAction.APPROVE, "admin")
    for node_id in ("node1", "node2"):
        await cluster.stop(node_id)
        await cluster.start(node_id, "7.3.2")
    await cluster.reaches("READY_TO_RUN_UPGRADE_TASKS")
    await cluster.nodes["node1"].runtime.act(UpgradeAction.APPROVE, "admin")
    await cluster.reaches("STABLE")

    def missing() -> list[str]:
        lines = [line for node in cluster.nodes.values() for line in node.log.splitlines()]
        assert all(LINE.fullmatch(line) for line in lines)
        patterns = {message: re.escape(message).replace("…", ".*") for message in told}
        return [
            message
            for message, pattern in patterns.items()
            if not any(re.search(rf"\] {pattern}$", line) for line in lines)
        ]

    with suppress(AssertionError):  # the last words may be written a moment later; the next line says what is missing
        await until(lambda: not missing())
    assert missing() == []
    assert len(told) > 15
