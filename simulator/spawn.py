"""How a process of ours comes to be: started as an administrator would, or forked by a server where one is named.

:mod:`zdu.fork_server` says what the server is, and why there is one.
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Protocol

from zdu.fork_server import VARIABLE, Forked, Wish, fork

_LONGEST_LINE = 2**16


class Closes(Protocol):
    """A pipe's end that can be closed."""

    def close(self) -> None:
        """Close it."""


class Process(Protocol):
    """What the supervisor needs of a process; ``asyncio.subprocess.Process`` has it."""

    @property
    def pid(self) -> int:
        """The process id; also that of its process group and session."""

    @property
    def returncode(self) -> int | None:
        """The exit code, minus the signal that ended it, or None."""

    @property
    def stdin(self) -> Closes | None:
        """Our end of its standard input, if that is a pipe."""

    @property
    def stdout(self) -> asyncio.StreamReader | None:
        """What it prints, if that can be read."""

    @property
    def stderr(self) -> asyncio.StreamReader | None:
        """What it says of itself."""

    async def wait(self) -> int:
        """Wait for its end; the exit code."""

    def send_signal(self, signal: int, /) -> None:
        """Send a signal. Raises ProcessLookupError when it has ended."""


def zdu_command(*arguments: str) -> list[str]:
    """The command line of one of our own processes: what an administrator would type on another machine."""
    return [sys.executable, "-P", "-m", "zdu", *arguments]


async def spawn(arguments: Sequence[str], *, held: bool, environment: Mapping[str, str] = os.environ) -> Process:
    """Start ``zdu ARGUMENTS`` in a session of its own.

    ``held``: its standard input is a pipe that closes when we end, and its output can be read; otherwise it has
    neither. Its standard error can always be read.
    """
    server = environment.get(VARIABLE)
    if server:
        return await _forked(server, Wish(arguments, str(Path.cwd()), dict(environment)), held=held)
    pipe, none = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(
        *zdu_command(*arguments),
        stdin=pipe if held else none,
        stdout=pipe if held else none,
        stderr=pipe,
        start_new_session=True,
    )


async def _forked(server: str, wish: Wish, *, held: bool) -> Process:
    """Three pipes, or one: the server's process gets one end of each, we keep the other."""
    with ExitStack() as theirs, ExitStack() as ours:
        null = theirs.enter_context(os.fdopen(os.open(os.devnull, os.O_RDWR), "r+b", buffering=0))
        errors_read, errors_write = _pipe(ours, theirs)
        output_read, output_write = _pipe(ours, theirs) if held else (None, null)
        input_write: BinaryIO | None = None
        input_read: BinaryIO = null
        if held:
            input_write, input_read = reversed(_pipe(theirs, ours))
        forked = fork(server, wish, [file.fileno() for file in (input_read, output_write, errors_write)])
        ours.pop_all()
    stdout = await _reader(output_read) if output_read else None
    return _ForkedProcess(forked, input_write, stdout, await _reader(errors_read))


def _pipe(readers: ExitStack, writers: ExitStack) -> tuple[BinaryIO, BinaryIO]:
    """A pipe's two ends, each closed with its stack."""
    read, write = os.pipe()
    return (
        readers.enter_context(os.fdopen(read, "rb", buffering=0)),
        writers.enter_context(os.fdopen(write, "wb", buffering=0)),
    )


async def _reader(pipe: BinaryIO) -> asyncio.StreamReader:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_LONGEST_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader


class _ForkedProcess:
    """A forked process with its streams; our end of its standard input is closed when it has ended."""

    def __init__(
        self,
        forked: Forked,
        stdin: BinaryIO | None,
        stdout: asyncio.StreamReader | None,
        stderr: asyncio.StreamReader,
    ) -> None:
        self._forked = forked
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr

    @property
    def pid(self) -> int:
        return self._forked.pid

    @property
    def returncode(self) -> int | None:
        return self._forked.returncode

    def send_signal(self, signal: int, /) -> None:
        if self.returncode is None:
            os.kill(self.pid, signal)

    async def wait(self) -> int:
        """Only one task may wait at a time: the supervisor's watcher."""
        if self._forked.returncode is None:
            self._forked.hear(await asyncio.get_running_loop().sock_recv(self._forked.connection, _LONGEST_LINE))
            if self.stdin:
                self.stdin.close()
        return self._forked.wait()
