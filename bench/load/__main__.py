"""``make bench-load``: the open model at growing rates against a real cluster; is it sent, or told that it was not?

Each round is a whole ``zdu run`` with two nodes, the load balancer and the generator on this machine. What is wanted
is not a rate but honesty: either all that was intended was sent on time, or the verdict's check says otherwise.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.common.errors import EXIT_MET, EXIT_NOT_MET, BenchError, progress, run_command
from bench.common.machine import describe, raise_descriptor_limit, warn_if_busy
from bench.common.tables import Target, markdown_table, number, replaced_between_markers, targets_table

README = Path(__file__).parents[1] / "README.md"
RATES = (100, 200, 400, 800, 1500)
CHECK = "the arrivals kept their rate"
PEOPLE = 200
ON_TIME_SHARE = 0.95
ROUND_WITHIN_S = 180
SCENARIO = """\
name: open
title: An open model, and nothing else
cluster: {{nodes: 2, version: "7.3.0"}}
load:
  users: 0
  ramp: 1s
  mix:
    {{view_dashboard: 1, view_issue: 4, list_issues: 0, create_issue: 0, edit_issue: 0, comment_issue: 0,
     sign_in_again: 0, search_issues: 0, view_board: 0, transition_issue: 0}}
  arrivals: {{rate: {rate}, people: {people}}}
timeline:
  - observe: {{for: {seconds}s}}
"""


@dataclass(frozen=True)
class Round:
    """One rate, what became of it, and what the verdict made of it."""

    rate: int
    intended: int
    sent: int
    on_time: int
    p50_ms: float
    p99_ms: float
    said: str

    @property
    def kept(self) -> bool:
        """Whether everything was sent, and on time."""
        return self.intended > 0 and self.sent == self.intended and self.on_time >= ON_TIME_SHARE * self.sent

    @property
    def honest(self) -> bool:
        """Whether the verdict's check says what was so."""
        return self.said == ("pass" if self.kept else "inconclusive")


def round_of(rate: int, result: dict[str, object]) -> Round:
    """From what a run has left; BenchError if the load never ended in order."""
    load, requests, checks = result["load"], result["requests"], result["checks"]
    arrivals = load["arrivals"]  # type: ignore[index]  # JSON
    said = [check["outcome"] for check in checks if check["name"] == CHECK]  # type: ignore[attr-defined]  # JSON
    if not arrivals or not said:
        raise BenchError(f"the run at {rate} requests/s did not come to its end")
    view = requests["by_kind"].get("view_issue", {}).get("latency_ms", {})  # type: ignore[index]  # JSON
    p50, p99 = (math.nan if view.get(name) is None else float(view[name]) for name in ("p50", "p99"))
    return Round(rate, arrivals["intended"], arrivals["sent"], arrivals["on_time"], p50, p99, said[0])


def measure(rate: int, seconds: float, folder: Path) -> Round:
    """One run."""
    scenario = folder / "open.yaml"
    scenario.write_text(SCENARIO.format(rate=rate, people=PEOPLE, seconds=seconds))
    command = [sys.executable, "-P", "-m", "zdu", "run", str(scenario), "--json", "--out", str(folder / str(rate))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=ROUND_WITHIN_S)
    try:
        return round_of(rate, json.loads(done.stdout))
    except ValueError:
        raise BenchError(f"zdu run said nothing: {done.stderr.strip()}") from None


def table(rounds: list[Round]) -> str:
    """A row a rate."""
    rows = [
        [
            f"{one.rate:,}",
            f"{one.intended:,}",
            f"{one.sent:,}",
            f"{one.on_time:,}",
            number(one.p50_ms),
            number(one.p99_ms),
            one.said,
        ]
        for one in rounds
    ]
    header = ["actions/s", "intended", "sent", "on time", "p50, ms", "p99, ms", f"the check “{CHECK}”"]
    return markdown_table(header, rows)


def report(rounds: list[Round], machine: str) -> tuple[str, list[Target]]:
    """The whole text, and the one target there is."""
    honest = sum(one.honest for one in rounds)
    targets = [Target("rates at which the verdict says what was so", honest, len(rounds), at_least=True)]
    kept = [one.rate for one in rounds if one.kept]
    found = f"The highest rate that was kept is {max(kept):,} a second." if kept else "No rate was kept."
    return "\n\n".join([f"Machine: {machine}", table(rounds), found, targets_table(targets)]), targets


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rates", default=",".join(map(str, RATES)), help="actions per second, with commas")
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each rate is kept up")
    parser.add_argument("--write", action="store_true", help="put the tables into bench/README.md")
    options = parser.parse_args()
    raise_descriptor_limit()
    machine = describe()
    warning = warn_if_busy()
    if warning:
        progress(warning)
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        for rate in map(int, options.rates.split(",")):
            progress(f"{rate} actions a second ...")
            rounds.append(measure(rate, options.seconds, Path(folder)))
    text, targets = report(rounds, machine)
    print(text)
    if options.write:
        README.write_text(replaced_between_markers(README.read_text(), "bench-load", text))
    return EXIT_MET if all(target.met for target in targets) else EXIT_NOT_MET


if __name__ == "__main__":
    run_command(main)
