"""The command line: help that answers at once, and errors that people understand."""

import errno
import os
import subprocess
import sys

import click
import pytest

from zdu import __version__
from zdu.cli import COMMANDS, run_command_line
from zdu.errors import UsageError, ZduError


def zdu(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "zdu", *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def raising(error: Exception) -> click.Command:
    @click.command()
    def fail() -> None:
        raise error

    return fail


@pytest.fixture(autouse=True)
def no_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["zdu"])


@pytest.mark.slow
def test_help_names_every_command_without_importing_one() -> None:
    program = """
import sys, zdu.cli
sys.argv = ["zdu", "--help"]
try:
    zdu.cli.run_command_line()
finally:
    print(sorted(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert all(f"  {name}" in done.stdout for name in COMMANDS)
    assert "\\b" not in done.stdout
    assert "aiohttp" not in done.stdout
    assert "'simulator'" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_a_help_of_its_own(name: str) -> None:
    done = zdu(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"zdu {name}" in done.stdout.replace("python -m zdu", "zdu")
    assert "\\b" not in done.stdout


@pytest.mark.slow
def test_the_version_is_told() -> None:
    assert __version__ in zdu("--version").stdout


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("rnu",), ("run", "--seeed", "1"), ("run", "--seed", "x")])
def test_wrong_usage_ends_with_64_and_no_traceback(arguments: tuple[str, ...]) -> None:
    done = zdu(*arguments)
    assert done.returncode == 64
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ZduError("the port is taken", hint="Take another."), 70),
        (UsageError("no such thing"), 64),
        (ExceptionGroup("several", [ValueError("x"), ExceptionGroup("deep", [UsageError("no such thing")])]), 64),
    ],
)
def test_an_error_meant_for_people_is_one_message(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command_line(raising(error))
    told = capsys.readouterr().err
    assert ended.value.code == code
    assert told.startswith("zdu: ")
    assert "Traceback" not in told


def test_a_defect_of_ours_ends_with_70_and_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command_line(raising(RuntimeError("impossible")))
    told = capsys.readouterr().err
    assert ended.value.code == 70
    assert "RuntimeError: impossible" in told
    assert "please report it" in told


def test_a_full_disk_is_no_defect_of_ours_and_told_in_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    full = ExceptionGroup("two", [ExceptionGroup("one", [OSError(errno.ENOSPC, "No space left on device")])])
    with pytest.raises(SystemExit) as ended:
        run_command_line(raising(full))
    told = capsys.readouterr().err
    assert (ended.value.code, "Traceback" in told) == (70, False)
    assert told.startswith("zdu: the disk is full")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "completed"),
    [("zdu sc", {"scenario"}), ("zdu run val", {"valiantys"}), ("zdu lb st", {"state", "status"})],
)
def test_a_shell_that_asks_gets_commands_and_scenarios(typed: str, completed: set[str]) -> None:
    asked = {
        **os.environ,
        "_ZDU_COMPLETE": "bash_complete",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - 1),
    }
    # As the shell asks: by the program's name, from which click knows the variable.
    program = "import sys; sys.argv = ['zdu']; from zdu.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], env=asked, capture_output=True, text=True, check=False, timeout=60
    )
    assert completed <= {line.partition(",")[2] for line in done.stdout.splitlines()}
