"""How one of our processes lives: event loop, readiness line, orderly stop, and no orphan ever.

A process of ours prints one JSON line on standard output once it serves (:func:`announce_ready`). SIGTERM and SIGINT
ask it to stop; a second one ends it on the spot. A process started with ``--exit-with-parent`` also stops when its
standard input closes: the parent holds the other end of that pipe, so even ``kill -9`` of the parent closes it.
A process that stands still (SIGSTOP) would not notice, so it has the system wake it when its parent ends.
"""

import asyncio
import ctypes
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

try:
    import uvloop
except ImportError:  # pragma: no cover - platforms without uvloop
    EVENT_LOOP = "asyncio"
    new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    EVENT_LOOP = "uvloop"
    new_event_loop = uvloop.new_event_loop

ORPHAN_GRACE_S = 2.0
"""How long a process without a parent may take for its orderly stop before it ends itself."""

_PR_SET_PDEATHSIG = 1

PARENT_GONE = "the parent process is gone"
"""The :attr:`Shutdown.reason` of a process whose parent ended: nobody waits for its orderly stop."""


@dataclass
class Shutdown:
    """The wish that this process should stop, and where the wish came from."""

    requested: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = ""

    def request(self, reason: str) -> None:
        """Ask for an orderly stop; asked a second time, end this process at once."""
        if self.requested.is_set():
            os._exit(128 + signal.SIGKILL)
        self.reason = reason
        self.requested.set()

    def parent_is_gone(self) -> None:
        """Ask for an orderly stop, unless it has been asked for already."""
        if not self.requested.is_set():
            self.request(PARENT_GONE)


Main = Callable[[Shutdown], Awaitable[int]]


@contextmanager
def on_hangup(call: Callable[[], object]) -> Iterator[None]:
    """Call ``call`` at each SIGHUP, by which daemons are asked to read their configuration again."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, call)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


def announce_ready(**facts: object) -> None:
    """Tell whoever started us that we serve: one JSON line with ``"ready": true`` and ``facts`` on stdout."""
    sys.stdout.write(json.dumps({"ready": True, "pid": os.getpid(), "event_loop": EVENT_LOOP, **facts}) + "\n")
    sys.stdout.flush()


def run_process(main: Main, *, exit_with_parent: bool) -> int:
    """Run ``main`` on a new event loop until it returns, and return its exit code."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(_supervised(main, exit_with_parent=exit_with_parent))


async def _supervised(main: Main, *, exit_with_parent: bool) -> int:
    loop = asyncio.get_running_loop()
    shutdown = Shutdown()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, shutdown.request, number.name)
    if exit_with_parent:
        when_the_parent_ends(shutdown.parent_is_gone)
    return await main(shutdown)


def when_the_parent_ends(stop: Callable[[], object]) -> None:
    """Call ``stop`` when standard input closes, and end this process if it is still there some time after that."""
    _be_woken_when_the_parent_ends()
    loop, stdin = asyncio.get_running_loop(), sys.stdin.fileno()
    loop.add_reader(stdin, _parent_may_be_gone, loop, stdin, stop)


def _be_woken_when_the_parent_ends() -> None:
    """Ask the system for SIGCONT at the end of the parent: it does nothing to a process that runs (prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGCONT)


def _parent_may_be_gone(loop: asyncio.AbstractEventLoop, stdin: int, stop: Callable[[], object]) -> None:
    with suppress(OSError):
        if os.read(stdin, 4096):
            return
    loop.remove_reader(stdin)
    stop()
    loop.call_later(ORPHAN_GRACE_S, os._exit, 1)
