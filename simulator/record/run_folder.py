"""Where a run leaves everything it knows: ``runs/<scenario>/<timestamp>/``, with a ``latest`` link beside it."""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zdu.clock import Clock
from zdu.errors import UsageError, ZduError


class RecordError(ZduError):
    """The record cannot be written (a full disk, most likely): a run without a record proves nothing."""


def record_error(folder: Path, error: OSError) -> RecordError:
    """The error for whatever could not be written to ``folder``."""
    return RecordError(
        f"the record of the run cannot be written to {folder}: {error.strerror}",
        hint="Free some space there or name another folder with --out.",
    )


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run."""

    path: Path

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.path / "logs"

    def node_home(self, node_id: str) -> Path:
        """The node's local home, which also holds its configuration."""
        return self.path / "nodes" / node_id

    @property
    def shared_home(self) -> Path:
        """The folder that all nodes share."""
        return self.path / "shared-home"

    @property
    def database_file(self) -> Path:
        """The cluster's database, when it is SQLite."""
        return self.path / "cluster.sqlite3"

    def write_json(self, name: str, data: dict[str, Any]) -> None:
        """Write a JSON file so that readers see all of it or nothing. Raises RecordError."""
        self.write_text(name, json.dumps(data, indent=2, ensure_ascii=False) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Write a text file so that readers see all of it or nothing. Raises RecordError."""
        draft = self.path / f".{name}.part"
        try:
            draft.write_text(text, encoding="utf-8")
            draft.replace(self.path / name)
        except OSError as error:
            raise record_error(self.path, error) from error


def create_run_folder(out: Path, scenario: str, clock: Clock) -> RunFolder:
    """Make a new folder below ``out`` and point ``latest`` at it.

    Two runs that start in the same instant get different folders. Raises UsageError when ``out`` cannot be written.
    """
    base = out / scenario
    try:
        path = _make_unique(base, datetime.fromtimestamp(clock.wall_ms() / 1000, UTC))
        folder = RunFolder(path)
        for part in (folder.logs, folder.shared_home, folder.path / "nodes"):
            part.mkdir()
    except OSError as error:
        raise UsageError(
            f"no run folder can be made below {out}: {error.strerror}",
            hint="Name another place with --out DIR.",
        ) from error
    _point_latest_at(base, path)
    return folder


def _make_unique(base: Path, started: datetime) -> Path:
    stamp = started.strftime("%Y%m%dT%H%M%S.%f")[:-3]
    for attempt in range(100):
        path = base / (stamp if attempt == 0 else f"{stamp}-{attempt}")
        # Somebody who tidies up may remove the empty folder above between the two.
        with suppress(FileExistsError, FileNotFoundError):
            base.mkdir(parents=True, exist_ok=True)
            path.mkdir()
            return path.resolve()
    raise FileExistsError(17, "too many runs started in the same instant", str(base / stamp))


def _point_latest_at(base: Path, path: Path) -> None:
    """Replace the link in one step; a run is not worth losing over it where links are not to be had."""
    draft = base / f".latest-{path.name}"
    with suppress(OSError):
        draft.symlink_to(path.name)
        draft.replace(base / "latest")
