"""Which run somebody means: by its folder, as the latest of all, or as the latest of a scenario."""

from pathlib import Path

from simulator.log_files import latest_run
from simulator.record.reading import EVENTS
from simulator.record.run_folder import RunFolder
from zdu.errors import UsageError

LATEST = "latest"


def find_run(named: str, out: Path) -> RunFolder:
    """The folder of the run that ``named`` means; run folders of zdu are below ``out``.

    A folder wins over a scenario of the same name: it is what somebody sees before them. Raises UsageError if there
    is no such run.
    """
    if named == LATEST:
        return RunFolder(latest_run(out).resolve())
    for path in (Path(named), out / named / LATEST, out / named):
        if (path / EVENTS).is_file():
            return RunFolder(path.resolve())
    played = sorted(path.parent.name for path in out.glob(f"*/{LATEST}"))
    below = f"Below {out} there are runs of {', '.join(played)}." if played else f"There is no run below {out} yet."
    raise UsageError(
        f"{named!r} is no run: neither the folder of one nor a scenario that was played",
        hint=f"{below} Name a run's folder, a scenario, or latest; --out says where run folders are.",
    )
