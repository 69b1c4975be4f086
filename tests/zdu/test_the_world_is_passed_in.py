"""Time, randomness and threads come in through constructors, so that the same code can run on simulated time."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("zdu", "shared_db", "node", "lb", "simulator", "scenarios")
WHERE_THE_WORLD_IS = {"zdu/clock.py"}

MODULES = {"time", "uuid", "secrets", "tempfile", "threading", "multiprocessing", "concurrent"}
CALLS = {
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
    *("loop.run_in_executor", "asyncio.to_thread", "os.urandom"),
}
NO_PROCESSES = {"subprocess", "multiprocessing"}
APPLICATIONS = ROOT / "scenarios" / "applications"
"""Other people's applications, as far as we are concerned: they are run, never imported."""
SOURCES = sorted(
    path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if APPLICATIONS not in path.parents
)


def imported(tree: ast.AST) -> Iterator[str]:
    """The top-level names of all modules imported at run time."""
    for_types = {
        node
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".", 1)[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".", 1)[0]


def called(tree: ast.AST) -> Iterator[str]:
    """``datetime.now``, ``random.choice``, …: every call of an attribute of a name."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        ):
            yield f"{node.func.value.id}.{node.func.attr}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_world_is_read_in_one_place_only(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    if name in WHERE_THE_WORLD_IS:
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    forbidden = set(MODULES)
    if not name.startswith(("simulator/", "zdu/")):
        forbidden |= NO_PROCESSES
    assert set(imported(tree)) & forbidden == set()
    assert {call for call in called(tree) if call in CALLS or call.startswith("random.")} == set()
