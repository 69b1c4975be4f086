"""The machine that the figures are of, and the programs that must be on it."""

import os
import platform
import re
import resource
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.common.errors import BenchError
from simulator.balancers.programs import PACKAGES, find_program, version_of

DEBIAN_PACKAGES: Mapping[str, str] = {**PACKAGES, "wrk": "wrk"}
"""Which of Debian's packages brings which program."""


def program(name: str) -> str:
    """Where a program is that :func:`require` asked for."""
    found = find_program(name)
    if found is None:
        require([name])
    return str(found)


def require(programs: Iterable[str]) -> None:
    """BenchError that names the packages to install, if a program is missing."""
    missing = sorted({name for name in programs if find_program(name) is None})
    if missing:
        packages = " ".join(sorted({DEBIAN_PACKAGES[name] for name in missing}))
        raise BenchError(
            f"not on this machine: {', '.join(missing)}. On Debian and Ubuntu:\n"
            f"    apt-get install --no-install-recommends {packages}\n"
            "Debian starts servers by itself; 'systemctl disable --now haproxy nginx apache2' ends that."
        )


def cpu_model() -> str:
    """The processor's name as Linux tells it."""
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def describe(programs: Iterable[str] = ()) -> str:
    """One paragraph: processor, cores, kernel, versions, date, and how busy the machine was already."""
    versions = [f"{name} {version_of(name)}" for name in programs if find_program(name)]
    versions += [
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in ("aiohttp", "uvloop")),
    ]
    cores = len(os.sched_getaffinity(0))
    busy = os.getloadavg()[0]
    return (
        f"{cpu_model()}, {cores} core{'s' * (cores != 1)}, Linux {platform.release()}, {', '.join(versions)}; "
        f"{datetime.now(UTC).date().isoformat()}, load average {busy:.1f} at the start."
    )


def warn_if_busy() -> str:
    """A sentence if other programs use the cores now; empty if not."""
    busy = os.getloadavg()[0]
    if busy < 0.5:
        return ""
    return f"note: the load average is {busy:.1f}; figures of a machine that does other things are worth little"


@dataclass(frozen=True)
class CoreTime:
    """How a core's time was spent so far, in clock ticks: by programs, and by the host for others (steal)."""

    programs: int
    stolen: int
    all: int

    def since(self, before: "CoreTime") -> "CoreTime":
        """The difference."""
        return CoreTime(self.programs - before.programs, self.stolen - before.stolen, self.all - before.all)


def core_time(core: int, stat: str | None = None) -> CoreTime:
    """Read it from ``/proc/stat`` (proc(5): user, nice, system, idle, iowait, irq, softirq, steal)."""
    text = Path("/proc/stat").read_text(encoding="utf-8") if stat is None else stat
    fields = next(line for line in text.splitlines() if line.startswith(f"cpu{core} ")).split()[1:9]
    user, nice, system, idle, iowait, irq, softirq, steal = map(int, fields)
    return CoreTime(user + nice + system, steal, user + nice + system + idle + iowait + irq + softirq + steal)


def cores() -> tuple[set[int], set[int]]:
    """The core of what is measured, and those of everything else; the same one if there is only one."""
    available = sorted(os.sched_getaffinity(0))
    return ({available[0]}, set(available[1:])) if len(available) > 1 else (set(available), set(available))


def raise_descriptor_limit() -> int:
    """Allow this process and its children as many open files as the machine does; how many that is."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
