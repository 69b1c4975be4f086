"""Tests wait for something, not for time: only ``waiting.py`` sleeps, and only with a deadline or a reason."""

import ast
import asyncio
from pathlib import Path

import pytest

from tests.support.waiting import begun, eventually, until, until_in_another_process

TESTS = Path(__file__).parents[1]
MAY_SLEEP = TESTS / "support" / "waiting.py"


def sleeps(path: Path) -> list[int]:
    """The lines on which ``asyncio.sleep`` or ``time.sleep`` is called or imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr == "sleep" and isinstance(node.value, ast.Name))
        or (isinstance(node, ast.ImportFrom) and any(alias.name == "sleep" for alias in node.names))
    ]


def test_no_other_module_of_the_tests_sleeps() -> None:
    assert sleeps(MAY_SLEEP), "it is looked for in the right way"
    found = {str(path.relative_to(TESTS)): sleeps(path) for path in TESTS.rglob("*.py") if path != MAY_SLEEP}
    assert {name: lines for name, lines in found.items() if lines} == {}, "use tests/support/waiting.py"


async def test_what_does_not_come_true_is_named() -> None:
    with pytest.raises(AssertionError, match=r"not within 0 s: the cat comes home"):
        await until(lambda: False, "the cat comes home", 0)


async def test_an_answer_that_does_not_come_is_told_with_the_one_that_came_instead() -> None:
    async def question() -> str:
        return "MIXED"

    with pytest.raises(AssertionError, match="still 'MIXED' and not 'STABLE' after 0 s"):
        await eventually(question, "STABLE", 0)


def test_what_does_not_come_true_without_an_event_loop_is_named_too() -> None:
    with pytest.raises(AssertionError, match=r"not within 0 s: the cat comes home"):
        until_in_another_process(lambda: False, "the cat comes home", 0)


async def test_a_task_that_was_to_wait_and_has_ended_is_told() -> None:
    async def at_once() -> None:
        pass

    with pytest.raises(AssertionError, match="was to wait for something"):
        await begun(asyncio.create_task(at_once()))
