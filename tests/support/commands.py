"""``zdu`` commands as processes: forked where there is a fork server, started where there is none."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

from zdu.fork_server import VARIABLE, Forked, Wish, fork


@dataclass
class Command:
    """One that runs, or has run; what it prints can be read."""

    process: "subprocess.Popen[bytes] | Forked"
    stdout: TextIO

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, or minus the signal that ended it; None while it runs."""
        return self.process.poll()

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for its end; the exit code."""
        return self.process.wait(timeout_s)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()


@contextmanager
def command(
    *words: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, errors: int | IO[bytes]
) -> Iterator[Command]:
    """``zdu WORDS``; at the end of the block it is waited for, after an error it is killed."""
    read, write = os.pipe()
    with os.fdopen(read, encoding="utf-8") as output:
        with os.fdopen(write, "wb") as its_output:
            process = _start(words, cwd or Path.cwd(), os.environ if env is None else env, its_output, errors)
        try:
            yield Command(process, output)
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()


def _start(
    words: tuple[str, ...], cwd: Path, env: Mapping[str, str], output: IO[bytes], errors: int | IO[bytes]
) -> "subprocess.Popen[bytes] | Forked":
    if server := env.get(VARIABLE):
        with Path(os.devnull).open("rb") as nothing:
            told = errors if isinstance(errors, int) else errors.fileno()
            return fork(server, Wish(words, str(cwd), dict(env)), [nothing.fileno(), output.fileno(), told])
    line = [sys.executable, "-P", "-m", "zdu", *words]
    return subprocess.Popen(line, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
