"""``zdu down``: the end of a cluster, and what is left of those whose simulator was killed."""

import asyncio
import json
import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from simulator.up.client import post
from zdu import living as files
from zdu.errors import ExitCode, ZduError
from zdu.living import Living, NoCluster, ProcessId

GONE_WITHIN_S = 1800.0
"""An orderly end: users finish, the audit reads every write through every node, all processes stop, the report.

After hours of work there are many writes to read; whoever cannot wait has Ctrl-C, and the end goes on without them.
"""
STRAY_STOPS_WITHIN_S = 5.0
LOOK_EVERY_S = 0.1


class StillThere(ZduError):
    """The cluster did not end in time."""

    exit_code = ExitCode.FAIL


@click.command()
@click.option("--name", envvar=files.CHOOSES, show_envvar=True, help="The cluster (the only one that is up).")
@click.option("--all", "everything", is_flag=True, help="Every cluster of yours, and what killed ones have left.")
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON and nothing else.")
def down(name: str | None, everything: bool, as_json: bool) -> None:
    """Stop a cluster and everything that belongs to it, and say whether anyone noticed.

    The run folder stays. With --all, also processes of clusters whose simulator was killed are found and ended;
    nothing that is not ours is ever touched. Exit code 0 once it is down, whatever the verdict: that is zdu up's.
    """
    ended = [_end(living, quiet=as_json) for living in _chosen(name, everything=everything)]
    if as_json:
        click.echo(json.dumps(ended, ensure_ascii=False))
    elif not ended:
        click.echo("No cluster is up; there is nothing to stop.")


def _chosen(name: str | None, *, everything: bool) -> list[Living]:
    """Those to end; none if none is there: what is down already is no error."""
    files.tidy()
    there = files.read_all()
    if everything:
        return there
    if name is not None:
        return [living for living in there if living.name == name]
    try:
        return [files.find()]
    except NoCluster:
        return there


def _end(living: Living, *, quiet: bool) -> dict[str, Any]:
    if not living.up:
        return _end_strays(living, quiet=quiet)
    if living.control_url:
        with suppress(NoCluster):  # it went while we asked; or it hangs, and the wait below tells
            asyncio.run(post(living, "down", {}))
    else:
        os.kill(living.simulator.pid, signal.SIGTERM)  # still being started
    if not quiet:
        click.echo(f"Stopping {living.name}; every acknowledged write is looked for …")
    if not _gone([living.simulator], GONE_WITHIN_S):
        pid = living.simulator.pid
        raise StillThere(
            f"{living.name} has not ended within {GONE_WITHIN_S:g} s: its simulator is process {pid}",
            hint=f"kill -9 {pid} and then zdu down --name {living.name} end it without a verdict.",
        )
    files.forget(living)
    verdict = _verdict(Path(living.run_folder))
    if not quiet:
        click.echo(f"{verdict['verdict'].upper()}  {verdict['sentence']}" if verdict else "There is no verdict.")
        click.echo(f"Run folder   {living.run_folder}")
    return {"name": living.name, "run_folder": living.run_folder, "strays": [], **verdict}


def _verdict(folder: Path) -> dict[str, Any]:
    try:
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        return {key: result[key] for key in ("verdict", "sentence", "reasons")}
    except (OSError, ValueError, KeyError):
        return {}


def _end_strays(living: Living, *, quiet: bool) -> dict[str, Any]:
    """First in order, then by force; each only if it is still the very process that the cluster had started."""
    strays = living.strays
    for number in (signal.SIGTERM, signal.SIGCONT):
        _send(strays.values(), number)
    if not _gone(strays.values(), STRAY_STOPS_WITHIN_S):
        _send(strays.values(), signal.SIGKILL)
        _gone(strays.values(), STRAY_STOPS_WITHIN_S)
    files.forget(living)
    if not quiet:
        click.echo(f"{living.name}: its simulator is gone; ended what it had left: {', '.join(strays)}.")
        click.echo(f"Run folder   {living.run_folder}   (no verdict: zdu report may read its record)")
    return {"name": living.name, "run_folder": living.run_folder, "strays": list(strays)}


def _send(processes: Iterable[ProcessId], number: signal.Signals) -> None:
    for process in processes:
        if process.alive:
            with suppress(ProcessLookupError):
                os.kill(process.pid, number)


def _gone(processes: Iterable[ProcessId], within_s: float) -> bool:
    """Wait for the end of all; whether they are gone."""

    async def wait() -> bool:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + within_s
        while any(process.alive for process in processes):
            if loop.time() > until_s:
                return False
            await asyncio.sleep(LOOK_EVERY_S)
        return True

    return asyncio.run(wait())
