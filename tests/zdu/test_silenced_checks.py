"""A check that is silenced says why, on the same line."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("zdu", "shared_db", "node", "lb", "simulator", "scenarios", "bench", "tools", "tests", "docs")
SILENCED = re.compile(r"#\s*(?:ruff: )?(?:noqa|type: ignore|pragma: no cover)\b.*")
WITH_A_REASON = re.compile(
    r"# (?:ruff: )?noqa: [A-Z0-9, ]+ - \S.*"
    r"|# type: ignore\[[a-z, -]+\](?:  # (?!noqa)\S.*|  # noqa: [A-Z0-9, ]+ - \S.*)"
    r"|# pragma: no cover - \S.*"
)


def without_a_reason(text: str) -> list[str]:
    return [found[0] for found in SILENCED.finditer(text) if not WITH_A_REASON.fullmatch(found[0])]


def test_every_silenced_check_has_its_reason_behind_it() -> None:
    sources = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if path != Path(__file__)]
    found = {str(path.relative_to(ROOT)): without_a_reason(path.read_text(encoding="utf-8")) for path in sources}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    ["x = 1  # noqa", "x = 1  # noqa: S101", "f(x)  # type: ignore", "f(x)  # type: ignore[arg-type]", "#noqa: E501"],
)
def test_one_without_is_found(line: str) -> None:
    assert without_a_reason(line)
