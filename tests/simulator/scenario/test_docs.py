"""The documentation is held to the language."""

import re
from pathlib import Path

import pytest

from node.releases.flaws import MEANINGS
from simulator.scenario.document import parse_document
from simulator.scenario.explain import keys_of, section_at
from simulator.scenario.load import read_scenario
from simulator.scenario.model import Scenario
from simulator.scenario.overrides import apply_overrides
from simulator.scenario.reference import SECTIONS, embed
from simulator.scenario.steps import Step

PAGE = Path(__file__).parents[3] / "docs" / "scenarios.md"
OVERRIDES = re.findall(r"--set '?([a-z][a-z_.0-9]*=(?:\{[^}]*\}|[^'`\s]+))", PAGE.read_text(encoding="utf-8"))


def test_the_reference_in_the_docs_is_the_one_made_from_the_model() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == embed(page), "run: .venv/bin/python -m simulator.scenario.reference docs/scenarios.md"


def test_every_key_of_the_language_is_explained() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for path in SECTIONS:
        section = section_at(Scenario, tuple(path.split(".")) if path else ())
        assert section is not None, path
        heading = f"### `{path}`" if path else "### The file"
        table = page.split(heading + "\n", 1)[1].split("\n### ", 1)[0]
        for key in keys_of(section):
            (row,) = [line for line in table.splitlines() if line.startswith(f"| `{key}` |")]
            assert re.search(r"\| [A-Z`][^|]+[.…] \|$", row), row


def test_every_section_of_the_language_is_in_the_reference() -> None:
    found = [""]
    for path in found:
        section = section_at(Scenario, tuple(path.split(".")) if path else ())
        assert section is not None
        inner = [f"{path}.{key}" if path else key for key in keys_of(section)]
        below = {name: section_at(Scenario, tuple(name.split("."))) for name in inner}
        found += [name for name, there in below.items() if there not in (None, Step)]  # steps are in steps, too
        found += [name for name, there in below.items() if there is Step and path == ""]
    found.remove("timeline.fault")  # a page of its own has all of them
    found.remove("timeline.load.mix")  # as load.mix
    found.remove("timeline.load.think_time")
    assert sorted(found) == sorted(SECTIONS)


def _smallest() -> str:
    return PAGE.read_text(encoding="utf-8").split("```yaml\n", 1)[1].split("```", 1)[0]


def test_the_smallest_file_in_the_docs_can_be_played() -> None:
    assert read_scenario(parse_document(_smallest(), "docs")).name == "tiny"


@pytest.mark.parametrize("override", OVERRIDES)
def test_the_overrides_in_the_docs_work(override: str) -> None:
    text = _smallest().replace("  - observe: {for: 2s}\n", "")
    assert read_scenario(apply_overrides(parse_document(text, "docs"), [override]))


def test_every_flaw_is_explained_in_the_words_of_the_catalogue() -> None:
    for flaw, meaning in MEANINGS.items():
        assert f"| `{flaw}` | {meaning} |" in PAGE.read_text(encoding="utf-8")
