"""``zdu compare-lb``: the same scenario behind one load balancer after the other, and which of them lost what."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from simulator.balancers import KINDS, check_balancer, for_balancer
from simulator.cli import raise_descriptor_limit
from simulator.database_target import choose_database
from simulator.playing import play
from simulator.record.recorder import Recorder
from simulator.record.run_folder import create_run_folder
from simulator.scenario import load
from simulator.scenario.completion import complete_scenario
from simulator.stage import RunPlan
from simulator.view.silent import SilentView
from zdu.clock import SystemClock
from zdu.errors import ExitCode, UsageError
from zdu.markdown import markdown_table, replaced_between_markers

HEADER = (
    *("", "verdict", "requests", "lost", "longest outage, new / kept-alive (ms)", "LB lag, new / kept-alive (ms)"),
    *("sessions moved", "sessions lost", "p99 (ms)", "sent again"),
)
NONE = "–"


@click.command("compare-lb")
@click.argument("scenario_name", metavar="[SCENARIO]", default="valiantys", shell_complete=complete_scenario)
@click.option("--lb", "wanted", metavar="NAMES", help="Some of ours,apache,haproxy,nginx (all that are installed).")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Change any key of the scenario.")
@click.option("--seed", type=int, default=1, show_default=True, help="Users choose alike in all runs.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), help="Where run folders go (runs).")
@click.option("--write", type=click.Path(path_type=Path, exists=True), help="Put the table into this document.")
def compare_lb(
    scenario_name: str,
    wanted: str | None,
    settings: Sequence[str],
    seed: int,
    out: Path,
    write: Path | None,
) -> None:
    """Play SCENARIO behind each load balancer and print, as a Markdown table, which of them lost what.

    With --write the table goes between two markers of the document, which name the scenario and its changes:
    <!-- compare-lb: valiantys --> and <!-- /compare-lb: valiantys -->.

    \b
    Exit codes: 0 each was measured, whatever was lost; 2 a run proved nothing; 64, 70, 130 as for zdu run.

    \b
    Examples:
      zdu compare-lb
      zdu compare-lb --lb ours,apache --set balancer.drain=false
    """
    kinds = _kinds(wanted)
    for kind in kinds:  # every mistake before the first run
        check_balancer(kind, load(scenario_name, [*for_balancer(kind), *settings]))
    name = " ".join([scenario_name, *settings])
    if write:
        _write(write, name, None)
    raise_descriptor_limit()
    results: dict[str, Mapping[str, Any]] = {}
    for kind in kinds:
        click.echo(f"{kind}: {load(scenario_name).title} …", err=True)
        result, interrupted = _one(kind, scenario_name, settings, seed, out)
        results[kind] = result
        click.echo(f"{kind}: {result['verdict']}. {result['sentence']}", err=True)
        if interrupted:
            sys.exit(ExitCode.INTERRUPTED)
    table = markdown_table(HEADER, [row(result) for result in results.values()])
    click.echo(table)
    if write:
        _write(write, name, table)
    proved_nothing = any(result["verdict"] == "inconclusive" for result in results.values())
    sys.exit(ExitCode.INCONCLUSIVE if proved_nothing else ExitCode.PASS)


def row(result: Mapping[str, Any]) -> list[str]:
    """What one run came to, from its ``result.json``; a dash for what was not measured or cannot be told."""
    probes, lag = result["probes"], result.get("lb_lag", {})
    return [
        result["load_balancer"],
        result["verdict"],
        f"{result['requests']['total']:,}",
        f"{result['requests']['failed']:,}",
        " / ".join(_number(_longest_outage_ms(probes[kind])) for kind in ("new", "reused")),
        " / ".join(_number(lag.get(kind)) for kind in ("new_ms", "reused_ms")),
        str(result["sessions"]["moved"]),
        str(result["sessions"]["lost"]),
        _number(result["requests"]["latency_ms"]["p99"]),
        _number(result["requests"]["retried_by_load_balancer"]),
    ]


def _longest_outage_ms(probe: Mapping[str, Any]) -> float:
    """Without what the control probe suffered as well: that was the machine."""
    outages = probe["outages"]
    return max(((o["to_s"] - o["from_s"]) * 1000 - o.get("machine_ms", 0.0) for o in outages), default=0.0)


def _one(
    kind: str, scenario_name: str, settings: Sequence[str], seed: int, out: Path
) -> tuple[Mapping[str, Any], bool]:
    played = load(scenario_name, [*for_balancer(kind), *settings])
    clock = SystemClock()
    folder = create_run_folder(out, played.name, clock)
    changes = [word for setting in settings for word in ("--set", setting)]
    plan = RunPlan(
        scenario=played,
        seed=seed,
        folder=folder,
        database=choose_database(None, folder),
        command=shlex.join(["zdu", "run", scenario_name, "--lb", kind, "--seed", str(seed), *changes]),
        lb=kind,
    )
    conclusion, interrupted = play(plan, Recorder(folder.path, clock), SilentView)
    return conclusion.result, interrupted


def _kinds(wanted: str | None) -> list[str]:
    if wanted is None:
        return [kind for kind, known in KINDS.items() if known.installed]
    kinds = list(dict.fromkeys(word.strip() for word in wanted.split(",") if word.strip()))
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise UsageError(
            f"--lb: {', '.join(unknown) or 'nothing'} is no load balancer known here",
            hint=f"Known: {', '.join(KINDS)}; several with commas between them.",
        )
    return kinds


def _write(document: Path, name: str, table: str | None) -> None:
    """Put the table into the document; with None only see whether it has a place for it. Raises UsageError."""
    text = document.read_text(encoding="utf-8")
    changed = replaced_between_markers(text, f"compare-lb: {name}", table or "")
    if table is not None:
        document.write_text(changed, encoding="utf-8")


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:,.0f}"
