"""``zdu logs``: what the processes of a run have logged, also while they are at it."""

import asyncio
import os
import sys
from contextlib import closing
from pathlib import Path

import click

from simulator.log_files import LogTail, latest_run, log_file, log_names, run_logs
from zdu import living

RUNS = Path("runs")
LOOK_EVERY_S = 0.2


@click.command(short_help="Print what a node or the load balancer logged, or follow it.")
@click.argument("name", required=False)
@click.option("-f", "--follow", is_flag=True, help="Print what is logged from now on, too, until Ctrl-C.")
@click.option("-n", "--lines", type=click.IntRange(0), metavar="N", help="Begin with the last N lines (all).")
@click.option("--run", "run", type=click.Path(path_type=Path), metavar="DIR", help="The run's folder (the latest).")
@click.option("--name", "cluster", envvar=living.CHOOSES, show_envvar=True, help="The cluster that is up.")
@click.option("--out", type=click.Path(path_type=Path), help="Where run folders are (runs).")
def logs(
    name: str | None, follow: bool, lines: int | None, run: Path | None, cluster: str | None, out: Path | None
) -> None:
    """Print the log of NAME, a node such as node1 or the load balancer, lb. Without NAME, tell which there are.

    Of the cluster that is up, if there is one (zdu up), else of the latest run.
    A node's log has the shape of Jira's atlassian-jira.log: time, thread, level, class, message.

    \b
    Examples:
      zdu logs                     which logs the latest run has
      zdu logs node1 -f            follow node1, in another terminal than the run
      zdu logs lb -n 20 --run runs/valiantys/latest
    """
    run = _chosen(cluster, out) if run is None else run
    try:
        if name is None:
            _list(run)
            return
        tail = LogTail(log_file(run, name))
        with closing(tail):
            if lines is not None:
                tail.skip_to_last(lines)
            _print_what_is_there(tail)
            if follow:
                _follow_until_ctrl_c(tail)
            elif not tail.present:
                click.echo(f"{name} has not logged anything yet: {tail.path}", err=True)
    except BrokenPipeError:
        # Whoever read our output has gone (`zdu logs node1 | head`); what Python flushes at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _chosen(cluster: str | None, out: Path | None) -> Path:
    """The folder of the cluster that is up, unless runs were asked for; else of the latest run."""
    if out is None:
        try:
            return Path(living.find(cluster).run_folder)
        except living.NoCluster:
            if cluster:
                raise
    return latest_run(out or RUNS)


def _list(run: Path) -> None:
    click.echo(f"Logs in {run_logs(run)}:")
    for name in log_names(run):
        path = log_file(run, name)
        size = f"{path.stat().st_size:,} bytes" if path.exists() else "nothing yet"
        click.echo(f"  {name:12} {size}")


def _print_what_is_there(tail: LogTail) -> None:
    while text := tail.more():
        click.echo(text, nl=False)


def _follow_until_ctrl_c(tail: LogTail) -> None:
    try:
        asyncio.run(_follow(tail))
    except asyncio.CancelledError:  # asyncio's own answer to a Ctrl-C that comes before the first step
        raise KeyboardInterrupt from None


async def _follow(tail: LogTail) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        _print_what_is_there(tail)
