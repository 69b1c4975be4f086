"""What is shipped asks only for libraries that are installed with it."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHIPPED = ("zdu", "shared_db", "node", "lb", "simulator", "scenarios")
BROUGHT_ALONG = {"multidict", "yarl", "pydantic-core", "markupsafe", "typing-extensions"}
"""Named in our imports, and brought along by a library that is built on it."""
WHERE_PYTEST_IS = {"pytest"}
"""The plugin is imported by pytest itself."""


def imported(path: Path) -> set[str]:
    """The top-level names of everything that the module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_library_that_is_imported_is_a_dependency() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    installed = {plain(re.split(r"[^\w.-]", line)[0]) for line in wanted} | BROUGHT_ALONG | WHERE_PYTEST_IS
    libraries = packages_distributions()
    missing = {
        f"{path.relative_to(ROOT)}: {name}"
        for folder in SHIPPED
        for path in (ROOT / folder).rglob("*.py")
        for name in imported(path) - set(sys.stdlib_module_names) - set(SHIPPED)
        if not {plain(one) for one in libraries.get(name, [name])} & installed
    }
    assert missing == set()
