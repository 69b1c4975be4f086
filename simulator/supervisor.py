"""Starts, watches and stops the processes of a run: one session each, and no orphan ever.

Each child gets the reading end of a pipe as its standard input and is told to stop when that closes; the system
closes it even when the simulator is killed with -9.
"""

import asyncio
import json
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from simulator.spawn import Process, spawn
from zdu.errors import ExitCode, ZduError

READY_TIMEOUT_S = 30.0
LOOK_AGAIN_S = 0.05
KEPT_LINES = 20

ExitListener = Callable[["Child"], None]

_WITH_ITS_PARENT = f"""\
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, {signal.SIGTERM:d})  # PR_SET_PDEATHSIG
parent, *command = sys.argv[1:]
if os.getppid() == int(parent):
    os.execv(command[0], command)
"""
"""What a program that is not ours does first: it asks the system to be ended when the simulator ends (prctl(2))."""


_GROUP_ENDS_WITH_US = 'cat >/dev/null; kill -KILL "-$1"'
"""What the guard of a program does: its input closes when the simulator ends, ``kill -9`` included."""


class StartFailed(ZduError):
    """A process ended, or said nothing, before it was ready."""


@dataclass
class Child:
    """One process of the run. ``ready`` is what it said of itself when it began to serve."""

    name: str
    process: Process
    log: Path
    ready: dict[str, Any] = field(default_factory=dict)
    stop_asked: bool = False
    told_to_stop: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    paused: bool = False
    last_words: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int:
        """The process id; also that of its process group and session."""
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended yet."""
        return not self.ended.is_set()

    @property
    def returncode(self) -> int:
        """The exit code, or minus the signal that ended it. Only after it ended."""
        code = self.process.returncode
        assert code is not None, f"{self.name} still runs"  # noqa: S101 - a defect of ours, not an input
        return code

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it still runs."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def pause(self) -> None:
        """Let the process stand still (SIGSTOP): it is there, and does nothing."""
        self.paused = True
        self.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on (SIGCONT)."""
        if self.paused:
            self.paused = False
            self.send(signal.SIGCONT)

    def kill(self) -> None:
        """End the process, and what it has started itself, at once (SIGKILL), on purpose."""
        self.stop_asked = True
        self.kill_group()

    def kill_group(self) -> None:
        """SIGKILL to the process and to whatever it has started itself and not given a session of its own."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    async def stop(self, *, within_s: float) -> None:
        """Ask to stop (SIGTERM, or what it heeds), and kill what has not ended ``within_s`` seconds later."""
        self.stop_asked = True
        if not self.told_to_stop:  # a second signal would end in haste what is stopping in order
            self.told_to_stop = True
            self.send(self.stop_signal)
        self.resume()  # a process that is paused would not hear of it
        try:
            async with asyncio.timeout(within_s):
                await self.ended.wait()
        except TimeoutError:
            self.kill_group()
            await self.ended.wait()


class Supervisor:
    """Owns every child of the run.

    ``tasks`` owns the tasks that watch them; ``on_exit`` hears of the end of each one that had been ready.
    """

    def __init__(self, tasks: asyncio.TaskGroup, on_exit: ExitListener) -> None:
        self._tasks = tasks
        self._on_exit = on_exit
        self._children: list[Child] = []

    @property
    def running(self) -> list[Child]:
        """The children that have not ended."""
        return [child for child in self._children if child.running]

    async def start(self, name: str, arguments: Sequence[str], log: Path) -> Child:
        """Start ``zdu ARGUMENTS`` and wait until it serves. Raises StartFailed with its own last words."""
        child = Child(name, await spawn(arguments, held=True), log)
        announced = self._adopt(child)
        async with self._until_it_serves(child, announced):
            await announced
        return child

    async def start_program(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        serves: Callable[[Child], Awaitable[bool]],
        folder: Path,
        output: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        env: Mapping[str, str] | None = None,
        within_s: float = READY_TIMEOUT_S,
        with_children: bool = False,
    ) -> Child:
        """Start a program that is not ours in ``folder``, and wait until ``serves`` says that it does.

        What it prints goes to ``log``, its standard output to ``output`` if given. ``env`` is added to our own
        environment. ``with_children``: what it starts itself ends with the simulator too, whatever ends that. Raises
        StartFailed with its own last words when it ends, or does not serve ``within_s`` seconds later.
        """
        with (output or Path(os.devnull)).open("ab") as sink:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", "-c", _WITH_ITS_PARENT, str(os.getpid()), *command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sink if output else asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=folder,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        child = Child(name, process, log, stop_signal=stop_signal)
        announced = self._adopt(child)
        if with_children:
            self._tasks.create_task(_guard(child), name=f"guard {name}")
        async with self._until_it_serves(child, announced, within_s):
            while not await serves(child) and not announced.done():  # noqa: ASYNC110 - another process's readiness
                await asyncio.sleep(LOOK_AGAIN_S)
            if announced.done():
                await announced
        child.ready = {"ready": True}
        return child

    def _adopt(self, child: Child) -> "asyncio.Future[None]":
        """Watch a process; the future ends when it says that it serves, with an error when it ends before."""
        self._children.append(child)
        announced: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks.create_task(self._watch(child, announced), name=f"watch {child.name}")
        return announced

    @asynccontextmanager
    async def _until_it_serves(
        self, child: Child, announced: "asyncio.Future[None]", within_s: float = READY_TIMEOUT_S
    ) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(within_s):
                yield
        except TimeoutError:
            announced.cancel()
            child.kill_group()
            raise self._start_failed(child, f"did not serve within {within_s:g} s") from None
        except _EndedEarly:
            raise self._start_failed(child, "did not start") from None
        finally:
            announced.cancel()  # nobody waits for it any more

    async def run_to_end(self, name: str, arguments: Sequence[str], log: Path) -> None:
        """Run ``zdu ARGUMENTS`` and wait for its end. Raises StartFailed when its exit code is not 0."""
        child = Child(name, await spawn(arguments, held=False), log)
        self._children.append(child)
        child.stop_asked = True
        await self._watch(child, None)
        if child.returncode != 0:
            raise self._start_failed(child, "failed")

    async def stop_all(self, *, within_s: float) -> None:
        """Stop every child at once; kill what is left after ``within_s`` seconds."""
        async with asyncio.TaskGroup() as stops:
            for child in self.running:
                stops.create_task(child.stop(within_s=within_s))

    def kill_all(self) -> None:
        """SIGKILL to whatever still runs, now."""
        for child in self.running:
            child.kill_group()

    async def _watch(self, child: Child, announced: asyncio.Future[None] | None) -> None:
        with child.log.open("ab") as log:
            async with asyncio.TaskGroup() as readers:
                readers.create_task(self._read_errors(child, log))
                if announced is not None and child.process.stdout is not None:
                    readers.create_task(self._read_output(child, announced))
                await child.process.wait()
                child.kill_group()  # what it has left behind of its own: workers of a master that was killed
        child.ended.set()
        if announced is not None and not announced.done():
            announced.set_exception(_EndedEarly())
        elif child.ready:
            self._on_exit(child)

    async def _read_errors(self, child: Child, log: BinaryIO) -> None:
        assert child.process.stderr is not None  # noqa: S101 - it was asked for as a pipe
        async for line in child.process.stderr:
            child.last_words.append(line.decode(errors="replace").rstrip())
            with suppress(OSError):  # a full disk must not keep us from hearing why the child ends
                log.write(line)
                log.flush()

    async def _read_output(self, child: Child, announced: asyncio.Future[None]) -> None:
        assert child.process.stdout is not None  # noqa: S101 - it was asked for as a pipe
        async for line in child.process.stdout:
            with suppress(ValueError):
                words = json.loads(line)
                if isinstance(words, dict) and words.get("ready") and not announced.done():
                    child.ready = words
                    announced.set_result(None)

    def _start_failed(self, child: Child, what: str) -> StartFailed:
        """The child's own message, under its name; a wrong configuration stays a matter of usage."""
        said = "\n".join(line.removeprefix("zdu: ") for line in child.last_words if line.strip())
        error = StartFailed(f"{child.name} {what}: {said or 'it said nothing'}", hint=f"Its log: {child.log}")
        if child.process.returncode == ExitCode.USAGE:
            error.exit_code = ExitCode.USAGE
        return error


async def _guard(child: Child) -> None:
    """Let a small process wait for our end, in whatever way, and then end the child's whole group.

    The system tells the child alone of our end (PR_SET_PDEATHSIG), not what it has started itself.
    """
    guard = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", _GROUP_ENDS_WITH_US, "guard", str(child.pid)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        await child.ended.wait()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(guard.pid, signal.SIGKILL)  # before its input closes: the child's number may be another's soon
        await guard.wait()


class _EndedEarly(Exception):
    """The process ended before it said that it serves."""
