import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from node.config import DatabaseConfig, JiraIntervals, NodeConfig
from node.heartbeat import Heartbeat
from node.logs import NodeLog
from node.parts import NodeParts
from node.releases import find_release
from shared_db import DatabaseUnavailable, NodeFigures
from tests.support.waiting import until
from zdu.clock import Entropy, ManualClock

FIGURES = NodeFigures("RUNNING", 0.0, 1, 0.0)


class FakeNodes:
    """Answers heartbeats from a script; the last answer stays."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers = list(answers)
        self.beats = 0
        self.told: list[str] = []

    async def heartbeat(self, node_id: str) -> bool:
        self.beats += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def tell_figures(self, node_id: str, figures: NodeFigures) -> None:
        self.told.append(figures.application_state)


def heartbeat(
    nodes: FakeNodes,
    folder: Path,
    told: list[str],
    figures: Callable[[], NodeFigures] = lambda: FIGURES,
    every_s: float = 0.01,
) -> tuple[Heartbeat, NodeLog]:
    config = NodeConfig.model_construct(
        **{
            **NodeConfig(
                node_id="node1",
                version="7.3.0",
                database=DatabaseConfig(url="none"),
                shared_home=folder,
                local_home=folder,
            ).__dict__,
            "intervals": JiraIntervals.model_construct(**{**JiraIntervals().__dict__, "heartbeat": every_s}),
        }
    )
    clock = ManualClock()
    parts = NodeParts(config, find_release("7.3.0"), clock, Entropy(1), NodeLog(clock, folder / "log"), "boot")
    database = cast(Any, SimpleNamespace(nodes=nodes))
    return Heartbeat(parts, database, on_offline=lambda: told.append("offline"), figures=figures), parts.log


async def test_a_database_that_does_not_answer_is_tried_again(tmp_path: Path) -> None:
    nodes = FakeNodes(DatabaseUnavailable("gone"), RuntimeError("a defect"), True)
    told: list[str] = []
    beating, log = heartbeat(nodes, tmp_path, told)
    task = asyncio.create_task(beating.run())

    await until(lambda: nodes.beats >= 5, "beats go on")
    task.cancel()
    await asyncio.wait((task,))
    log.close()

    logged = (tmp_path / "log").read_text()
    assert "Heartbeat 1 in a row could not be written: gone" in logged
    assert "Heartbeat written again after 2 missed" in logged
    assert told == []


async def test_a_node_that_was_set_offline_beats_no_more(tmp_path: Path) -> None:
    nodes = FakeNodes(True, False)
    told: list[str] = []

    beating, log = heartbeat(nodes, tmp_path, told)

    await asyncio.wait_for(beating.run(), 5)
    log.close()

    assert (nodes.beats, told) == (2, ["offline"])


async def test_a_new_state_is_told_with_the_next_heartbeat_and_figures_seldom(tmp_path: Path) -> None:
    nodes = FakeNodes(True)
    states = iter(["STARTING", "STARTING", "RUNNING", "RUNNING"])
    beating, log = heartbeat(nodes, tmp_path, [], lambda: replace(FIGURES, application_state=next(states)), 60)

    for _ in range(4):
        assert await beating.beat()
    log.close()

    assert (nodes.beats, nodes.told) == (4, ["STARTING", "RUNNING"])
