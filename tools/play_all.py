"""``make scenarios``: every shipped scenario and its twin, with several seeds each, held against its meant end.

So is each lesson's exercise, whose twin is the answer.

For the night: a run takes about twenty seconds. Exit code 0 if every run ended as its file says, 1 if not.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from simulator.lessons.catalogue import LESSONS
from simulator.lessons.exercise import exercise_text
from simulator.scenario import load, shipped_scenarios
from simulator.scenario.library import lesson_scenarios
from simulator.scenario.model import Scenario
from simulator.spawn import zdu_command
from zdu.fork_server import VARIABLE, fork_server

RUN_WITHIN_S = 300.0
_BUSY_OUTAGE_S = 3.0


def busy(scenario: Scenario) -> list[str]:
    """For a machine that has other work as well: its own slowness is not to be taken for the cluster's.

    Limits are only loosened: a scenario that allows any outage goes on allowing it.
    """
    words = ["--set", "expect.min_probe_rate_kept=0.5"]
    allowed_s = scenario.expect.longest_outage_s
    if allowed_s is not None and allowed_s < _BUSY_OUTAGE_S:
        words += ["--expect", f"longest outage <= {_BUSY_OUTAGE_S:g}s"]
    return words


@dataclass(frozen=True)
class Play:
    """One run that is to be made, and how it is meant to end."""

    name: str
    twin: bool
    seed: int
    verdict: str
    because: tuple[str, ...]

    @property
    def title(self) -> str:
        """The scenario, and whether it is its twin."""
        return f"{self.name} --twin" if self.twin else self.name


def plays(names: Sequence[str], seeds: Iterable[int]) -> Iterator[Play]:
    """Every run, seed by seed, so that the first table of a night cut short has something of each."""
    chosen = [(name, twin) for name in names for twin in (False, True) if not twin or load(name).twin]
    for seed in seeds:
        for name, twin in chosen:
            ends = load(name, twin=twin).ends
            yield Play(name, twin, seed, ends.verdict, ends.because)


def exercises(folder: Path) -> list[str]:
    """Each lesson's exercise as a file in ``folder``, with the answer for its twin."""
    for lesson in LESSONS:
        (folder / lesson.file_name).write_text(exercise_text(lesson, answered=True), encoding="utf-8")
    return [str(folder / lesson.file_name) for lesson in LESSONS]


def made(play: Play, folder: Path, *, on_a_busy_machine: bool = False, fork_server: str = "") -> str:
    """Make the run; empty if it ended as it is meant to, else what was different."""
    words = ["run", play.name, "--json", "--seed", str(play.seed), "--out", str(folder)]
    words += busy(load(play.name, twin=play.twin)) if on_a_busy_machine else []
    command = zdu_command(*words, *(["--twin"] if play.twin else []))
    try:
        done = subprocess.run(  # noqa: S603 - our own command line
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_WITHIN_S,
            cwd=folder,
            env={**os.environ, VARIABLE: fork_server},
        )
        result = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return f"not over after {RUN_WITHIN_S:g} s"
    except ValueError:
        return f"no result: {' '.join(done.stderr.split())[:200]}"
    wrong = [check["name"] for check in result["checks"] if not check["ok"]]
    if result["verdict"] != play.verdict:
        return f"{result['verdict']} ({', '.join(wrong) or 'nothing was wrong'})"
    missing = set(play.because) - set(wrong)
    return f"{play.verdict}, but not because of: {', '.join(sorted(missing))}" if missing else ""


def table(outcomes: Sequence[tuple[Play, str]]) -> list[str]:
    """One line for each scenario: how many runs ended as they are meant to, and what the others did."""
    titles = list(dict.fromkeys(play.title for play, _ in outcomes))
    width = max(map(len, titles), default=0)
    lines = [f"{'scenario':{width}}  meant to    as meant"]
    for title in titles:
        of_it = [(play, other) for play, other in outcomes if play.title == title]
        good = sum(not other for _, other in of_it)
        others = Counter(other for _, other in of_it if other)
        told = "".join(f"; {count} × {other}" for other, count in others.items())
        lines.append(f"{title:{width}}  {of_it[0][0].verdict:12}{good} of {len(of_it)}{told}")
    return lines


def main() -> int:
    """Make all runs, print the table."""
    parser = argparse.ArgumentParser(prog="make scenarios", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many runs of each (default 10)")
    parser.add_argument("--first-seed", type=int, default=1, help="the first of them (default 1)")
    parser.add_argument("--busy", action="store_true", help="the machine has other work: its figures may be worse")
    parser.add_argument("--at-once", type=int, default=1, help="runs side by side (default 1)")
    parser.add_argument("--forked", action="store_true", help="as tests do: processes are forked, with imports ready")
    parser.add_argument("names", nargs="*", help="only these (default: all that ship)")
    options = parser.parse_args()
    outcomes: list[tuple[Play, str]] = []
    with (
        tempfile.TemporaryDirectory(prefix="zdu-scenarios-") as folder,
        fork_server(Path(folder)) if options.forked else nullcontext("") as server,
        ThreadPoolExecutor(options.at_once) as runs,
    ):
        names = options.names or [*sorted(shipped_scenarios()), *lesson_scenarios(), *exercises(Path(folder))]
        todo = list(plays(names, range(options.first_seed, options.first_seed + options.seeds)))
        make = partial(made, folder=Path(folder), on_a_busy_machine=options.busy, fork_server=server)
        for play, other in zip(todo, runs.map(make, todo), strict=True):
            outcomes.append((play, other))
            sys.stderr.write(
                f"{len(outcomes)} of {len(todo)}: {play.title}, seed {play.seed}: {other or 'as meant'}\n"
            )
    sys.stdout.write("\n".join(table(outcomes)) + "\n")
    return int(any(other for _, other in outcomes))


if __name__ == "__main__":
    sys.exit(main())
