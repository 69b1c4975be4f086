"""Processes that are measured: started on given cores, watched through /proc, ended by their own group only."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.common.errors import BenchError

CLOCK_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

_LAUNCH = f"""\
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, {signal.SIGTERM:d})  # PR_SET_PDEATHSIG: no orphan is left when this command is killed
cores, *command = sys.argv[1:]
if cores:
    os.sched_setaffinity(0, map(int, cores.split(",")))
os.execvp(command[0], command)
"""
"""What a child does before it becomes the program; a ``preexec_fn`` would do it between fork and exec, unsafely."""


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on, below those that the kernel gives to outgoing connections."""
    found: list[int] = []
    with contextlib.ExitStack() as held:
        for _ in range(count * 50 + 500):
            if len(found) == count:
                return found
            candidate = held.enter_context(socket.socket())
            port = random.randint(15_000, 32_000)
            with contextlib.suppress(OSError):
                candidate.bind(("127.0.0.1", port))
                found.append(port)
    raise BenchError(f"no {count} free ports between 15000 and 32000")


@dataclass
class Child:
    """A process of ours with its own process group, which its own children belong to."""

    name: str
    popen: subprocess.Popen[bytes]
    output: Path

    @property
    def pid(self) -> int:
        """The process's id, which is its group's too."""
        return self.popen.pid

    def check(self) -> None:
        """BenchError with the end of what it printed, if it has ended."""
        if (code := self.popen.poll()) is not None:
            raise BenchError(f"{self.name} ended with code {code}:\n{tail(self.output)}")

    def cpu_s(self) -> float:
        """User and system time of the whole group so far."""
        return sum(map(_cpu_s, _group(self.pid)))

    def own_cpu_s(self) -> float:
        """User and system time of the process itself: cheap, where there are many and none has children."""
        return _cpu_s(self.pid)

    def rss_bytes(self) -> int:
        """Resident memory of the whole group."""
        return sum(int(_read(pid, "statm").split()[1]) * PAGE_BYTES for pid in _group(self.pid))

    def descriptors(self) -> int:
        """Open files and sockets of the whole group."""
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in _group(self.pid))

    def heeds(self, number: signal.Signals) -> bool:
        """Whether it has a handler for a signal, so that the signal does not just end it."""
        caught = next(line for line in _read(self.pid, "status").splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught.split()[1], 16) >> (number - 1) & 1)

    def signal(self, number: signal.Signals) -> None:
        """Send the process itself a signal; nothing if it has ended (its id may be another's by now)."""
        self.popen.send_signal(number)

    def stop(self, within_s: float = 3.0) -> None:
        """SIGTERM, and what of its group is left after a while gets SIGKILL."""
        if self.popen.poll() is not None:
            return
        self.signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(within_s)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait(5)


class Children(contextlib.ExitStack):
    """Starts processes and ends all of them, last first, whatever happens."""

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def start(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        cores: Collection[int] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Child:
        """Run ``command`` on ``cores``; what it prints goes to ``folder/name.out``, appended.

        To be called in the main thread: Linux ends the child when the *thread* that started it ends.
        """
        output = folder / f"{name}.out"

        with output.open("ab") as sink:
            popen = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _LAUNCH, ",".join(map(str, sorted(cores or ()))), *command],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd=folder if environment is None else None,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        child = Child(name, popen, output)
        self.callback(child.stop)
        return child


def wait_for_port(child: Child, port: int, within_s: float = 20.0) -> None:
    """Until the process takes connections on a loopback port; BenchError if it ends or takes too long."""
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        child.check()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise BenchError(f"{child.name} did not listen on port {port} within {within_s:g} s:\n{tail(child.output)}")


def tail(path: Path, lines: int = 15) -> str:
    """The end of a log."""
    with contextlib.suppress(OSError):
        return "\n".join("    " + line for line in path.read_text(errors="replace").splitlines()[-lines:])
    return "    (no output)"


def _group(leader: int) -> Iterator[int]:
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if int(_stat_fields(int(entry.name))[2]) == leader:
                    yield int(entry.name)


def _cpu_s(pid: int) -> float:
    with contextlib.suppress(OSError):
        fields = _stat_fields(pid)
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS_PER_S
    return 0.0


def _stat_fields(pid: int) -> list[str]:
    return _read(pid, "stat").rpartition(")")[2].split()


def _read(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8", errors="replace")
