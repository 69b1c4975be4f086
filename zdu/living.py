"""Where living clusters are: one small file per cluster, in a folder of the user, kept by ``zdu up``.

The file says how to reach the simulator that holds the cluster, and which processes belong to it. Its mode is 600,
because it has the token of the control port. A simulator that was killed leaves its file behind; whoever reads it
recognises that by the process's id *and* the time at which it began, for the system gives ids anew.

The folder is ``$XDG_STATE_HOME/zdu`` (XDG Base Directory Specification), by default ``~/.local/state/zdu``;
``~/Library/Application Support/zdu`` on macOS.
"""

import fcntl
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from zdu.errors import ExitCode, UsageError, ZduError

DEFAULT_NAME = "up"
CHOOSES = "ZDU_CLUSTER"
"""The environment variable that names the cluster for every command of a terminal."""
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_PRIVATE = 0o600
_STARTED_AT = 19
"""``starttime`` is the 22nd field of /proc/PID/stat, so the 20th after the command's name (proc(5))."""


class NoCluster(ZduError):
    """No cluster of that name is up, or none at all."""

    exit_code = ExitCode.FAIL


@dataclass(frozen=True)
class ProcessId:
    """A process that cannot be mistaken for a later one with the same number."""

    pid: int
    began: str

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        """The process that has this number now."""
        return cls(pid, _began(pid))

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return bool(self.began) and _began(self.pid) == self.began


@dataclass(frozen=True)
class Living:
    """What the file of one cluster says. ``control_url`` is empty while the cluster is still being started."""

    name: str
    simulator: ProcessId
    run_folder: str
    control_url: str = ""
    token: str = field(default="", repr=False)
    lb_admin_url: str = ""
    processes: Mapping[str, ProcessId] = field(default_factory=dict)

    @property
    def up(self) -> bool:
        """Whether its simulator runs."""
        return self.simulator.alive

    @property
    def strays(self) -> dict[str, ProcessId]:
        """The processes that are left of a cluster whose simulator is gone."""
        return {} if self.up else {name: process for name, process in self.processes.items() if process.alive}

    @property
    def there(self) -> bool:
        """Whether anything of it is left: its simulator, or a process without it."""
        return self.up or bool(self.strays)


def state_folder() -> Path:
    """Where the files are."""
    chosen = os.environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(chosen):  # noqa: PTH117 - the specification: a relative path is to be ignored
        return Path(chosen) / "zdu"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "zdu"
    return Path.home() / ".local" / "state" / "zdu"


def read_all() -> list[Living]:
    """Every cluster that has a file, by name, whether it is up or only left something behind."""
    found = (_read(path) for path in sorted(state_folder().glob("*.json")))
    return [living for living in found if living is not None]


def tidy() -> None:
    """Remove the files of clusters of which no process is left: kill -9 of a simulator leaves one."""
    for living in read_all():
        if not living.there:
            forget(living)


def find(name: str | None = None) -> Living:
    """The cluster that is up under ``name``, or the only one. Raises NoCluster; UsageError if the choice is open."""
    name = name or os.environ.get(CHOOSES) or None
    tidy()
    up = [living for living in read_all() if living.up]
    if name is not None:
        up = [living for living in up if living.name == name] or _none_of_that_name(name, up)
    if not up:
        raise NoCluster("no cluster is up", hint="Start one with: zdu up")
    if len(up) > 1:
        names = ", ".join(living.name for living in up)
        raise UsageError(f"several clusters are up: {names}", hint=f"Say which with --name NAME or {CHOOSES}=NAME.")
    return up[0]


def is_to_be_named(name: str) -> bool:
    """Whether a command for this cluster should say so: it has a name of its own, or another one is there, too."""
    return name != DEFAULT_NAME or any(living.there and living.name != name for living in read_all())


def claim(name: str, run_folder: Path) -> Living:
    """Take ``name`` for a cluster of this process. Raises UsageError while another one has it or has left strays."""
    check_name(name)
    mine = Living(name, ProcessId.of(os.getpid()), str(run_folder))
    with _locked():
        there = _read(_path(name))
        if there is not None and there.up:
            raise UsageError(
                f"a cluster called {name} is up already, held by process {there.simulator.pid}",
                hint=f"Look at it with zdu status, end it with zdu down --name {name}, or take another --name.",
            )
        if there is not None and there.strays:
            raise UsageError(
                f"an earlier cluster called {name} has left processes behind: {', '.join(there.strays)}",
                hint=f"End them with: zdu down --name {name}",
            )
        write(mine)
    return mine


def check_name(name: str) -> None:
    """Raise UsageError for a name that cannot be a cluster's: it becomes the name of a file."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a cluster",
            hint="Up to 40 small letters, digits and hyphens, such as team-a; no hyphen at either end.",
        )


def write(living: Living) -> None:
    """Keep the file, so that readers see all of it or nothing. Raises UsageError if it cannot be written."""
    folder, path = state_folder(), _path(living.name)
    draft = folder / f".{living.name}.{living.simulator.pid}.part"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(draft, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, _PRIVATE)) as file:
            json.dump(asdict(living), file)
        draft.replace(path)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}", hint="XDG_STATE_HOME names another folder for it."
        ) from error


def forget(living: Living) -> None:
    """Remove the file, if it is still this cluster's."""
    with suppress(OSError), _locked():
        there = _read(_path(living.name))
        if there is not None and there.simulator == living.simulator:
            _path(living.name).unlink(missing_ok=True)


def with_process(living: Living, name: str, pid: int) -> Living:
    """The same with one more process, or a new one in the place of an old one."""
    return replace(living, processes={**living.processes, name: ProcessId.of(pid)})


def _none_of_that_name(name: str, up: list[Living]) -> list[Living]:
    others = ", ".join(living.name for living in up)
    raise NoCluster(
        f"no cluster called {name} is up",
        hint=f"Up are: {others}." if others else f"Start one with: zdu up --name {name}",
    )


def _path(name: str) -> Path:
    return state_folder() / f"{name}.json"


def _read(path: Path) -> Living | None:
    """The file's words; None if it is gone, or not one of ours."""
    try:
        words = json.loads(path.read_text(encoding="utf-8"))
        simulator = ProcessId(**words.pop("simulator"))
        processes = {name: ProcessId(**process) for name, process in words.pop("processes").items()}
        return Living(**words, simulator=simulator, processes=processes)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


@contextmanager
def _locked() -> Iterator[None]:
    """One claimant at a time; the system lets go of the lock when its holder ends in whatever way."""
    folder = state_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be used: {error.strerror}", hint="XDG_STATE_HOME names another folder for it."
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _began(pid: int) -> str:
    """When the process began, in the system's own words; empty if there is none, or only its remains."""
    if sys.platform == "linux":
        try:
            # The command's name, in brackets, may have blanks and brackets of its own.
            _, _, rest = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")
            words = rest.split()
            return "" if words[0] in {"Z", "X"} else f"{_boot()}:{words[_STARTED_AT]}"
        except (OSError, IndexError):
            return ""
    done = subprocess.run(["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603 - a number
    return done.stdout.strip()


def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""
