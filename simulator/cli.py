"""``zdu run``: what a person types, and what is printed in the end."""

import resource
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click
from rich.console import Console

from simulator.balancers import KINDS, OURS, check_balancer, for_balancer
from simulator.ci_output import check_summary, summary_option
from simulator.dashboard.audience import Audience
from simulator.database_target import DATABASE_HELP, check_database, choose_database, in_a_command
from simulator.playing import play
from simulator.record.recorder import Recorder
from simulator.record.run_folder import create_run_folder
from simulator.scenario import load, named_overrides
from simulator.scenario.completion import complete_scenario
from simulator.scenario.model import Scenario
from simulator.stage import RunPlan, View
from simulator.view.conclusion import print_conclusion
from simulator.view.live import LiveView
from simulator.view.model import ViewModel
from simulator.view.plain import PlainView
from simulator.view.silent import SilentView
from zdu.clock import Entropy, SystemClock
from zdu.errors import ExitCode

DEFAULT_SCENARIO = "valiantys"
WANTED_DESCRIPTORS = 65_536
LARGEST_SEED = 2**31 - 1


@click.command()
@click.argument("scenario_name", metavar="[SCENARIO]", default=DEFAULT_SCENARIO, shell_complete=complete_scenario)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), help="Where run folders go (runs).")
@click.option("--seed", type=click.IntRange(0, LARGEST_SEED), help="Make users choose as in an earlier run.")
@click.option("--db", "database_url", metavar="URL", help=DATABASE_HELP)
@click.option("--twin", is_flag=True, help="Play the scenario's twin, which differs in one thing.")
@click.option("--lb", type=click.Choice(list(KINDS)), default=OURS, help="The load balancer (ours).")
@click.option("--nodes", type=int, help="How many nodes the cluster has.")
@click.option("--users", type=int, help="How many users work at once.")
@click.option("--rate", type=float, help="Probes per second, of each of the two kinds.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Change any key of the scenario.")
@click.option("--expect", "objectives", metavar="SENTENCE", multiple=True, help="One more objective: 'p99 < 800ms'.")
@click.option("--fail-fast", is_flag=True, help="End the story once an objective can no longer be met.")
@summary_option
@click.option("--dashboard", is_flag=True, help="Show the run in a browser, too; the address is printed.")
@click.option("--step", "steps", is_flag=True, help="Each step waits for a click there, or the space bar.")
@click.option("--plain", is_flag=True, help="Plain lines instead of the live view.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON and nothing else.")
def run(
    scenario_name: str,
    out: Path,
    seed: int | None,
    database_url: str | None,
    twin: bool,
    lb: str,
    nodes: int | None,
    users: int | None,
    rate: float | None,
    settings: Sequence[str],
    objectives: Sequence[str],
    fail_fast: bool,
    summary: Path | None,
    dashboard: bool,
    steps: bool,
    plain: bool,
    as_json: bool,
) -> None:
    """Play SCENARIO, by name or file (valiantys), on a real cluster, and judge whether anyone noticed.

    Nodes, load balancer and database are started on this machine and stopped again; users and probes send real
    requests meanwhile. Everything that was measured is left in a folder of its own.

    \b
    Exit codes: 0 pass, 1 fail, 2 inconclusive, 64 wrong usage or scenario,
                70 the run itself could not go on, 130 interrupted.

    \b
    Examples:
      zdu run
      zdu run valiantys --nodes 3 --users 60 --seed 7
      zdu run valiantys --set balancer.drain=false     what happens without a drain
      zdu run valiantys --lb apache                    behind Apache httpd, as in the blog
      zdu run valiantys --step                         step by step, in a browser
      zdu run valiantys --expect 'p99 of view_issue < 800ms during upgrade'
    """
    named = named_overrides(nodes=nodes, users=users, rate=rate)
    played = load(scenario_name, [*for_balancer(lb), *settings, *named], objectives, twin=twin)
    check_balancer(lb, played)
    check_database(database_url, played)
    raise_descriptor_limit()
    check_summary(summary)
    clock = SystemClock()
    folder = create_run_folder(out, played.name, clock)
    database = choose_database(database_url, folder)
    seed = Entropy().rng.randrange(LARGEST_SEED) if seed is None else seed
    plan = RunPlan(
        scenario=played,
        seed=seed,
        folder=folder,
        database=database,
        command=_command_to_run_again(click.get_current_context(), seed),
        lb=lb,
        fail_fast=fail_fast,
    )
    recorder = Recorder(folder.path, clock)
    audience = Audience(plan, recorder, Entropy().token(), steps=steps) if dashboard or steps else None
    conclusion, interrupted = play(
        plan, recorder, lambda: choose_view(played, plain=plain, as_json=as_json), audience
    )
    print_conclusion(conclusion, as_json=as_json, summary=summary)
    sys.exit(ExitCode.INTERRUPTED if interrupted else conclusion.exit_code)


def choose_view(played: Scenario, *, plain: bool, as_json: bool = False) -> View:
    """What shows the run in this terminal; nothing with ``as_json``."""
    model = ViewModel.of(played.cluster.node_ids)
    if as_json:
        return SilentView()
    console = Console()
    if plain or not console.is_terminal:
        scale = f" Jira's own intervals run {played.cluster.time_scale:g} times as fast." if played.of_jira else ""
        click.echo(f"{played.title}.{scale}")
        return PlainView(model, click.echo)
    scale = f" · time scale {played.cluster.time_scale:g}" if played.of_jira else ""
    return LiveView(model, f"{played.title}{scale}", console)


def raise_descriptor_limit() -> None:
    """Allow this process and its children as many sockets as the system lets them have; a user has one or two."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, WANTED_DESCRIPTORS)), hard))


def _command_to_run_again(context: click.Context, seed: int) -> str:
    """The command line as it was typed, with the seed, and without where the output went or what it looked like."""
    given: dict[str, object] = {**context.params, "seed": seed}
    words = ["zdu", "run", str(given["scenario_name"]), *(["--twin"] if given["twin"] else [])]
    before, database = in_a_command(context.params["database_url"])
    words += database
    if given["lb"] != OURS:
        words += ["--lb", str(given["lb"])]
    for name in ("seed", "nodes", "users", "rate"):
        if given[name] is not None:
            words += [f"--{name}", f"{given[name]:.10g}"]
    for setting in context.params["settings"]:
        words += ["--set", setting]
    for objective in context.params["objectives"]:
        words += ["--expect", objective]
    if context.params["fail_fast"]:
        words.append("--fail-fast")
    return before + shlex.join(words)
