"""The documents are held to the code: links lead somewhere; targets, commands and modules that are named exist."""

import re
import subprocess
from pathlib import Path

import click
import pytest

from zdu.app_path import add_app_path
from zdu.cli import zdu

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)")
ONLY_A_LINK = re.compile(r"\s*\[[^\]]*\]\([^)]*\)[.,;]?$")
LINE_LENGTH = 120
MAKE = re.compile(r"\bmake ([a-z-]+)\b")
COMMAND = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?zdu ([a-z].*)$", re.MULTILINE)
MODULE = re.compile(r"`((?:zdu|node|lb|simulator|shared_db)/[a-z_/]+(?:\.py)?)`")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    for target, anchor in LINK.findall(path.read_text(encoding="utf-8")):
        file = (path.parent / target).resolve() if target else path
        assert file.exists(), f"{target} does not exist"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {"#" + re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors


@pytest.mark.parametrize("path", [*DOCUMENTS, ROOT / "bench" / "README.md"], ids=named)
def test_no_line_is_too_long_to_be_read_beside_another_but_for_code_tables_and_links(path: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    lines = [line for line in prose.splitlines() if not line.lstrip().startswith("|") and not ONLY_A_LINK.match(line)]
    assert [line for line in lines if len(line) > LINE_LENGTH] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_make_target_that_is_named_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    code = " ".join(re.findall(r"```.*?```|`[^`\n]+`", path.read_text(encoding="utf-8"), re.DOTALL))
    assert set(MAKE.findall(code)) <= targets


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_module_that_is_named_exists(path: Path) -> None:
    for module in MODULE.findall(path.read_text(encoding="utf-8")):
        if module != "zdu/_app":  # in wheels only
            assert (ROOT / module).exists(), f"{module} does not exist"


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_command_that_is_shown_is_a_command_with_those_options(path: Path) -> None:
    add_app_path()
    blocks = re.findall(r"```(?:sh)?\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    for line in COMMAND.findall("\n".join(blocks)):
        words = re.split(r" {2,}|[|>&]| -- ", line)[0].split()  # after -- comes somebody else's command
        command: click.Command | None = zdu
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            command = command.get_command(click.Context(command), words.pop(0))
        assert command is not None, f"no such command: zdu {line}"
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, f"no such option: zdu {line}"


def test_make_help_names_every_target_that_is_for_people() -> None:
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout
    for target in ("run", "test", "check", "clean", "wheel"):
        assert f"make {target} " in told
