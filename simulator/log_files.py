"""The logs of a run: which there are, and reading one on while it is still being written.

A log may be missing (its process has not started yet), be cut short or be replaced by a new file of the same name
(rotation): a reader that follows it must outlive all three, lose no line and print none twice.
"""

import codecs
import json
import os
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from zdu.errors import UsageError

BALANCER = "lb"
CHUNK_BYTES = 64 * 1024
"""How much one look reads: a log of any size is printed without being held in memory."""


def latest_run(out: Path) -> Path:
    """The folder of the run below ``out`` that began last. Raises UsageError if there is none.

    Run folders are named by the time they began; of two scenarios' ``latest`` links neither knows the other.
    """
    runs = [logs.parent for logs in out.glob("*/*/logs") if not logs.parent.is_symlink()]
    if not runs:
        raise UsageError(f"there is no run below {out}", hint="Play one (zdu run), or name the folder of a run.")
    return max(runs, key=lambda run: run.name)


def run_logs(run: Path) -> Path:
    """Where the logs of ``run`` are. Raises UsageError if that is not a run's folder."""
    logs = run / "logs"
    if not logs.is_dir():
        raise UsageError(
            f"{run} is not the folder of a run: there is no folder logs in it",
            hint="zdu run names its folder at its end; runs/SCENARIO/latest leads to the newest.",
        )
    return logs


def log_names(run: Path) -> list[str]:
    """Every process of the run that has a log or will have one, in alphabetical order."""
    written = {path.stem for path in run_logs(run).glob("*.log")}
    return sorted(written | _announced(run))


def log_file(run: Path, name: str) -> Path:
    """The log of the process ``name``, which may not exist yet. Raises UsageError for a name nobody has."""
    names = log_names(run)
    if name not in names:
        raise UsageError(
            f"no process of this run is called {name!r}",
            hint=f"In {run} there are: {', '.join(names) or 'none'}.",
        )
    return run_logs(run) / f"{name}.log"


def _announced(run: Path) -> set[str]:
    """The nodes that the record's first event names, and the load balancer; nothing where there is no record."""
    with suppress(OSError, ValueError, KeyError, TypeError), (run / "events.jsonl").open(encoding="utf-8") as events:
        return {BALANCER, *map(str, json.loads(events.readline())["nodes"])}
    return set()


@dataclass
class LogTail:
    """Reads one log on, look by look."""

    path: Path
    _file: BinaryIO | None = None
    _decoder: codecs.IncrementalDecoder = field(init=False)

    def __post_init__(self) -> None:
        self._decoder = _decoder()

    @property
    def present(self) -> bool:
        """Whether the log has been there at the last look."""
        return self._file is not None

    def more(self) -> str:
        """What has been written since the last look, up to a chunk; empty when there is nothing new (yet).

        Raises UsageError when the log is there and cannot be read.
        """
        if self._file is None and not self._open():
            return ""
        if (text := self._read()) or not self._replaced():
            return text
        rest = self._read()  # its writer may have said something more before it let go
        self.close()
        return rest + self._read() if self._open() else rest

    def close(self) -> None:
        """Let go of the file; a later look begins at its start."""
        if self._file is not None:
            self._file.close()
        self._file, self._decoder = None, _decoder()

    def skip_to_last(self, lines: int) -> None:
        """Go to where the last ``lines`` lines begin."""
        if self._file is None and not self._open():
            return
        assert self._file is not None  # noqa: S101 - opened above
        begins: deque[int] = deque(maxlen=lines)
        end = 0
        for line in self._file:
            begins.append(end)
            end += len(line)
        self._file.seek(begins[0] if begins else end)

    def _open(self) -> bool:
        try:
            self._file = self.path.open("rb")
        except FileNotFoundError:
            return False
        except OSError as error:
            raise UsageError(f"{self.path} cannot be read: {error.strerror}") from error
        return True

    def _read(self) -> str:
        assert self._file is not None  # noqa: S101 - only called with an open file
        return self._decoder.decode(self._file.read(CHUNK_BYTES))

    def _replaced(self) -> bool:
        """Whether the name leads to another file now, or the file has become shorter than what was read of it."""
        assert self._file is not None  # noqa: S101 - only called with an open file
        try:
            now = self.path.stat()
        except FileNotFoundError:
            return False  # moved away, and nothing new in its place yet: its writer may still write to it
        mine = os.fstat(self._file.fileno())
        return (now.st_dev, now.st_ino) != (mine.st_dev, mine.st_ino) or now.st_size < self._file.tell()


def _decoder() -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder("utf-8")(errors="replace")
