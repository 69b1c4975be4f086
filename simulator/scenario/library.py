"""Where scenarios are: the shipped ones by name, anybody's own by path."""

import os
from importlib.resources import files
from pathlib import Path

from simulator.scenario.spelling import nearest
from zdu.errors import UsageError

_SUFFIXES = (".yaml", ".yml", ".py")


def shipped_scenarios() -> dict[str, Path]:
    """The scenario files that come with zdu, by name."""
    folder = Path(str(files("scenarios")))
    found = [*folder.glob("*.yaml"), *(path for path in folder.glob("*.py") if path.stem != "__init__")]
    return dict(sorted((path.stem.replace("_", "-"), path) for path in found))


def lesson_scenarios() -> dict[str, Path]:
    """The scenarios that only the tutorial plays, by name."""
    folder = Path(str(files("scenarios"))) / "lessons"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_scenario(name_or_path: str) -> Path:
    """The file of a shipped scenario, or the file at that path. Raises UsageError with the nearest name."""
    shipped = shipped_scenarios()
    by_name = {**shipped, **lesson_scenarios()}
    if name_or_path in by_name:
        return by_name[name_or_path]
    path = Path(name_or_path)
    looks_like_path = path.suffix in _SUFFIXES or os.sep in name_or_path
    if looks_like_path or path.is_file():
        if path.exists():
            return path
        raise UsageError(f"there is no file {name_or_path}", hint=_near_file(path) or _shipped(shipped))
    close = nearest(name_or_path, list(by_name))
    meant = f" Did you mean {close!r}?" if close else ""
    raise UsageError(f"unknown scenario {name_or_path!r}.{meant}", hint=_shipped(shipped))


def _near_file(path: Path) -> str:
    if not path.parent.is_dir():
        return ""
    close = nearest(path.name, [other.name for other in path.parent.iterdir() if other.suffix in _SUFFIXES])
    return f"Did you mean {path.parent / close}?" if close else ""


def _shipped(shipped: dict[str, Path]) -> str:
    return f"Shipped scenarios: {', '.join(shipped)}. Or give the path of a file of your own."
