"""How long a test waits for its cluster: ``python -m bench.fixture`` starts some and prints where the time goes."""

import json
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from bench.common.machine import describe
from zdu.clock import SystemClock
from zdu.fork_server import VARIABLE, fork_server
from zdu.pytest_plugin.leases import House, Leases
from zdu.pytest_plugin.wishes import read_wishes

MARKS = ("run_started", "control", "lb", "node1", "node2", "load_started")


def marks_of(folder: Path) -> dict[str, float]:
    """When each process served, in seconds since the run began."""
    found: dict[str, float] = {}
    for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        name = event.get("process", "") if event["kind"] == "process_started" else event["kind"]
        if name in MARKS:
            found.setdefault(name, event["t_s"])
    return found


@click.command()
@click.option("--times", default=7, show_default=True, help="How many clusters are started, one after the other.")
@click.option("--no-fork", is_flag=True, help="An interpreter of its own for each process.")
def main(times: int, *, no_fork: bool) -> None:
    """Start two-node clusters as the fixture does."""
    clock = SystemClock()
    waited: list[float] = []
    marks: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        environment = {} if no_fork else {VARIABLE: stack.enter_context(fork_server(folder))}
        for number in range(times):
            (folder / f"{number}").mkdir()
            leases = Leases(House(folder / "runs", folder / f"{number}", number, environment), "bench")
            began_s = clock.monotonic_s()
            cluster = leases.start(read_wishes((), {}))
            waited.append(clock.monotonic_s() - began_s)
            marks.append(marks_of(cluster.run_folder))
            leases.kill()
    click.echo(describe())
    click.echo(f"{times} clusters, ready after: {', '.join(f'{s:.2f}' for s in waited)} s")
    click.echo(f"median {statistics.median(waited):.2f} s")
    for mark in MARKS:
        click.echo(f"  {mark:14} {statistics.median(found[mark] for found in marks):5.2f} s after the run began")


if __name__ == "__main__":
    main()
