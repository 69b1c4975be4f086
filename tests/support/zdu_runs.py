"""Runs of the real ``zdu`` command, as a person or a CI job starts them."""

import json
import os
import select
import signal
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.commands import command

_SCENARIOS = Path(__file__).parent / "scenarios"
QUICK = _SCENARIOS / "quick.yaml"
"""A whole roll."""
STILL = _SCENARIOS / "still.yaml"
"""No roll at all."""
ENDS_WITHIN_S = 10


@dataclass
class Finished:
    """What a run left behind."""

    exit_code: int
    stdout: str
    stderr: str
    folder: Path

    @property
    def result(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "result.json").read_text())
        return found

    @property
    def pids(self) -> list[int]:
        """Every process that the run has told of."""
        return [event["pid"] for event in read_events(self.folder) if event["kind"] == "process_started"]


class Going:
    """A run of a scenario (a shipped one, or a file) that is under way, followed by what it prints.

    The test's own time limit guards each wait.
    """

    def __init__(self, out: Path, *arguments: str, scenario: str | Path = QUICK, called: str = "") -> None:
        self._folder = out / (called or Path(scenario).stem) / "latest"
        self._printed: list[str] = []
        self._errors = out / "stderr.txt"
        words = ("run", str(scenario), "--plain", "--out", str(out), *arguments)
        self._stack = ExitStack()
        with self._errors.open("wb") as errors:
            environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
            self._process = self._stack.enter_context(command(*words, cwd=out, env=environment, errors=errors))

    def wait_for(self, text: str) -> None:
        """Read on until a line with ``text`` is printed."""
        for line in self._lines():
            if text in line:
                return
        raise AssertionError(f"the run ended before {text!r}: {''.join(self._printed)}{self._errors.read_text()}")

    def pid_of(self, process: str) -> int:
        """The process id that the record gives; the latest one."""
        started = [event for event in read_events(self._folder) if event["kind"] == "process_started"]
        return int([event["pid"] for event in started if event["process"] == process][-1])

    def pid_that_runs(self, words: str) -> int:
        """The process whose command line has these words; looked for until it is there."""
        while self._process.returncode is None:
            for folder in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    if f"{self._folder.resolve()}/{words}" in (folder / "cmdline").read_text():
                        return int(folder.name)
        raise AssertionError(f"the run ended, and nothing had run {words}")

    def close_output(self) -> None:
        """Stop reading what the run prints, as ``head`` does."""
        self._process.stdout.close()

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def finish(self) -> Finished:
        with self._stack:
            for _ in self._lines():
                pass
        code = self._process.wait()
        return Finished(code, "".join(self._printed), self._errors.read_text(), self._folder.resolve())

    def _lines(self) -> Iterator[str]:
        if self._process.stdout.closed:
            return
        for line in self._process.stdout:
            self._printed.append(line)
            yield line


def run_zdu(out: Path, *arguments: str, scenario: str | Path = QUICK, called: str = "") -> Finished:
    """Run to the end. ``called`` is the name of what is played, if it is not the file's."""
    return Going(out, *arguments, scenario=scenario, called=called).finish()


def read_events(folder: Path) -> list[dict[str, Any]]:
    """The events written so far; a line still being written is left out."""
    file = folder / "events.jsonl"
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]


def still_alive(pids: list[int]) -> list[int]:
    """Those of the processes that do not end within some seconds."""
    return [pid for pid in pids if not _ends(pid)]


def _ends(pid: int) -> bool:
    """Whether the process has ended or ends in time: the system itself tells of the end of a process."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(ENDS_WITHIN_S * 1000))
    finally:
        os.close(descriptor)
