"""One process of zdu that a test holds: ``zdu up`` or ``zdu certify``, as anybody could start it.

A cluster lives in a process of its own, never in that of the tests: there its packages may have names that are taken
here, its load generator must not wait for the tests' code, and whatever happens to the tests it stops by itself,
because its standard input closes.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from zdu.clock import SystemClock
from zdu.errors import ExitCode, ZduError
from zdu.fork_server import VARIABLE, Forked, Wish, fork
from zdu.pytest_plugin.transport import Transport

LOOK_EVERY_S = 0.02
DIES_WITHIN_S = 10.0
LAST_LINES = 6


class DidNotStart(ZduError):
    """The process ended, or said nothing, before it was ready."""


class Held:
    """A process of ours and what it said; ``words`` is its first line, which is JSON."""

    def __init__(self, arguments: Sequence[str], folder: Path, *, environment: Mapping[str, str], name: str) -> None:
        """Start ``zdu ARGUMENTS`` and return at once; its output goes to files in ``folder``."""
        self.words: dict[str, Any] = {}
        self._output, self._errors = folder / f"{name}.out", folder / f"{name}.err"
        theirs, ours = os.pipe()
        self._input = os.fdopen(ours, "wb", buffering=0)
        with (
            os.fdopen(theirs, "rb") as its_input,
            self._output.open("wb") as output,
            self._errors.open("wb") as errors,
        ):
            self._process = _start(arguments, (its_input, output, errors), {**os.environ, **environment})

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def wait_until_ready(self, *, within_s: float) -> None:
        """Wait for the first line. Raises DidNotStart with the process's own words."""
        clock = SystemClock()
        until_s = clock.monotonic_s() + within_s
        while not (line := self._first_line()):
            if self.ended:
                said = self._errors.read_text(encoding="utf-8", errors="replace").strip().removeprefix("zdu: ")
                error = DidNotStart(said or "zdu ended, and did not say why")
                error.exit_code = ExitCode.USAGE if self._process.returncode == ExitCode.USAGE else error.exit_code
                raise error
            if clock.monotonic_s() > until_s:
                raise DidNotStart(f"it was not ready within {within_s:g} s", hint=f"What it said: {self._errors}")
            clock.stand_still(LOOK_EVERY_S)
        self.words = json.loads(line)

    def finish_input(self) -> None:
        """Close its standard input."""
        self._input.close()

    async def until_ended(self, transport: Transport, *, within_s: float) -> None:
        """Wait for its end. Raises ZduError if that takes too long."""
        clock = SystemClock()
        until_s = clock.monotonic_s() + within_s
        while not self.ended:
            if clock.monotonic_s() > until_s:
                raise ZduError(f"zdu, process {self.pid}, did not end within {within_s:g} s")
            await transport.pause(LOOK_EVERY_S)

    def last_words(self) -> str:
        """What it printed for people when something went wrong."""
        lines = self._errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return "\n".join(lines[-LAST_LINES:])

    def kill(self) -> None:
        """End it and all of its processes at once, whether or not it has ended; can be called again."""
        for number in (signal.SIGINT, signal.SIGTERM):  # the second one ends everything on the spot
            with suppress(ProcessLookupError):
                self._process.send_signal(number)
        self.finish_input()
        try:
            self._process.wait(DIES_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its processes notice
            self._process.wait()

    def _first_line(self) -> str:
        with self._output.open(encoding="utf-8") as output:
            line = output.readline()
        return line if line.endswith("\n") else ""


def _start(
    arguments: Sequence[str], streams: Sequence[BinaryIO], environment: Mapping[str, str]
) -> "subprocess.Popen[bytes] | Forked":
    """Start ``zdu ARGUMENTS``: forked by a server, if the environment names one."""
    if server := environment.get(VARIABLE):
        return fork(server, Wish(arguments, str(Path.cwd()), environment), [stream.fileno() for stream in streams])
    stdin, stdout, stderr = streams
    return subprocess.Popen(  # noqa: S603 - our own command line
        [sys.executable, "-P", "-m", "zdu", *arguments],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=environment,
        start_new_session=True,
    )
