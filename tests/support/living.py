"""A real ``zdu up``, and the commands for it as somebody types them in another terminal."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from tests.support.commands import Command, command

HURRIED = (
    *("--set", "balancer.inter=100ms", "--set", "balancer.rise=1", "--set", "cluster.start_duration=100ms"),
    *("--set", "cluster.stop_duration=100ms", "--set", "balancer.drain_deadline=300ms"),
)
BUSY = (
    *("--set", "expect.min_probe_rate_kept=0.2", "--set", "expect.min_requests_per_version_while_mixed=1"),
    *("--set", "load.request_timeout=30s", "--set", "balancer.timeout=10s"),
)
"""A machine that does other things as well says nothing of the cluster."""
ENDS_WITHIN_S = 90


@dataclass
class Answer:
    """What a command came to."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@dataclass
class Up:
    """A cluster that is up, or was."""

    process: Command
    status: dict[str, Any]
    folder: Path
    said: list[str] = field(default_factory=list)

    def zdu(self, *words: str) -> Answer:
        """Type ``zdu WORDS`` in another terminal."""
        return zdu(self.folder, *words)

    def kill(self) -> None:
        """kill -9 of the simulator."""
        self.process.kill()
        self.process.wait(ENDS_WITHIN_S)

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def ended(self) -> int:
        """Wait for its end and return its exit code."""
        self.said += self.process.stdout
        return self.process.wait(ENDS_WITHIN_S)


def zdu(folder: Path, *words: str) -> Answer:
    """Run a command in ``folder``, where the clusters' files are, too."""
    with TemporaryFile() as errors, command(*words, cwd=folder, env=_environment(folder), errors=errors) as typed:
        said, code = typed.stdout.read(), typed.wait(ENDS_WITHIN_S)
        errors.seek(0)
        return Answer(code, said, errors.read().decode())


@contextmanager
def cluster_up(folder: Path, *options: str) -> Iterator[Up]:
    """``zdu up`` with ``options``, up and at work; gone at the end, whatever happens."""
    words = ("up", "--json", *HURRIED, *BUSY, *options)
    with (
        (folder / "up-errors.txt").open("wb") as errors,
        command(*words, cwd=folder, env=_environment(folder), errors=errors) as process,
    ):
        try:
            line = process.stdout.readline()
            assert line, (folder / "up-errors.txt").read_text()
            yield Up(process, json.loads(line), folder)
        finally:
            process.kill()


@contextmanager
def run_on_the_dashboard(folder: Path, scenario: Path, *options: str) -> Iterator[tuple[Command, str]]:
    """``zdu run`` with its dashboard, and the address of that; it has ended when the block has."""
    words = ("run", str(scenario), "--dashboard", "--json", "--out", str(folder), *options)
    read, write = os.pipe()
    with (
        os.fdopen(read, encoding="utf-8") as told,
        os.fdopen(write, "wb") as errors,
        command(*words, errors=errors) as process,
    ):
        errors.close()
        yield process, told.readline().split()[-1]


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "PYTHONUNBUFFERED": "1"}
