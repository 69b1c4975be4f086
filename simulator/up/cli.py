"""``zdu up``: what a person types, and what is printed."""

import asyncio
import json
import shlex
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from simulator.balancers import KINDS, OURS, check_balancer, for_balancer
from simulator.cli import LARGEST_SEED, raise_descriptor_limit
from simulator.database_target import DATABASE_HELP, choose_database, drop_database, in_a_command
from simulator.record.recorder import Recorder
from simulator.record.run_folder import create_run_folder
from simulator.scenario.document import read_document
from simulator.scenario.library import find_scenario
from simulator.scenario.load import expecting, read_scenario
from simulator.scenario.model import Scenario
from simulator.scenario.overrides import Override, apply_overrides, named_overrides
from simulator.stage import RunPlan, View
from simulator.up.session import ACCOUNTS, Session
from simulator.view.conclusion import print_conclusion
from simulator.view.model import ViewModel
from simulator.view.plain import PlainView
from simulator.view.silent import SilentView
from zdu import living as files
from zdu.clock import Entropy, SystemClock
from zdu.errors import ExitCode
from zdu.process import new_event_loop

CLUSTER = Path(__file__).parent / "cluster.yaml"
APPLICATION = Path(__file__).parent / "application.yaml"
"""The same for an application that is not Jira: when ``--set node.command=…`` says so."""


class HappeningsView(PlainView):
    """What happens, line by line; the figures are on the dashboard and in ``zdu status``."""

    def refresh(self, now_s: float) -> None:
        """Print nothing: a terminal that stays open for hours is to be readable afterwards."""


@click.command()
@click.option("--name", default=files.DEFAULT_NAME, show_default=True, help="What the cluster is called; one each.")
@click.option("--nodes", type=int, help="How many nodes it has (2).")
@click.option("--version", help="The version that all nodes run at first (7.3.0).")
@click.option("--db", "database_url", metavar="URL", help=DATABASE_HELP)
@click.option("--users", type=int, help="How many users are at work at first (12).")
@click.option("--lb-port", type=click.IntRange(0, 65535), help="Where the application is served (any free port).")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The dashboard's port (any free one).")
@click.option("--lb", type=click.Choice(list(KINDS)), default=OURS, help="The load balancer (ours).")
@click.option("--like", metavar="SCENARIO", help="Cluster, load balancer, users and objectives of that scenario.")
@click.option("--expect", "objectives", metavar="SENTENCE", multiple=True, help="An objective: 'p99 < 800ms'.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Any key of a scenario's file.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), help="Where run folders go (runs).")
@click.option("--seed", type=click.IntRange(0, LARGEST_SEED), help="Make users choose as in an earlier run.")
@click.option("--open", "open_browser", is_flag=True, help="Open the dashboard in a browser.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line when it is up, and one at the end.")
@click.option("--exit-with-parent", is_flag=True, help="End when standard input closes: for programs that start it.")
def up(
    name: str,
    nodes: int | None,
    version: str | None,
    database_url: str | None,
    users: int | None,
    lb_port: int | None,
    port: int,
    lb: str,
    like: str | None,
    objectives: Sequence[str],
    settings: Sequence[str],
    out: Path,
    seed: int | None,
    open_browser: bool,
    as_json: bool,
    exit_with_parent: bool,
) -> None:
    """Start a cluster and keep it, until Ctrl-C or zdu down.

    Nodes, load balancer, people at work and the dashboard; the upgrade is yours: from another terminal, from the
    dashboard, or on Jira's own pages. In the end you learn whether anyone noticed, and the run folder has the record.

    \b
    From another terminal:
      zdu status --watch                     what is so now, and what to do next
      zdu node stop|start|kill|pause|resume|upgrade node1 [--to 7.3.2]
      zdu upgrade start|roll|finalise|cancel|roll-back
      zdu load set --users 60                people come and go
      zdu lb state node1 drain --wait        the load balancer's own commands
      zdu logs node1 -f
      zdu down

    \b
    Exit codes: that of the verdict, 0 pass, 1 fail, 2 inconclusive; 64 wrong usage, 70 it could not start,
                130 Ctrl-C before it was up, or twice.
    """
    files.check_name(name)
    changes: list[str | Override] = [*for_balancer(lb), *settings, *_overrides(nodes, users, version, lb_port)]
    base = APPLICATION if any(setting.startswith("node.") for setting in settings) else CLUSTER
    scenario = expecting(_cluster(like, base, changes), objectives).model_copy(update={"name": name})
    check_balancer(lb, scenario)
    raise_descriptor_limit()
    clock, entropy = SystemClock(), Entropy()
    folder = create_run_folder(out, name, clock)
    mine = files.claim(name, folder.path)
    database = choose_database(database_url, folder)
    plan = RunPlan(
        scenario=scenario,
        seed=entropy.rng.randrange(LARGEST_SEED) if seed is None else seed,
        folder=folder,
        database=database,
        command=_command_to_start_again(click.get_current_context()),
        lb=lb,
        by_hand=True,
    )
    recorder = Recorder(folder.path, clock)
    model = ViewModel.of(scenario.cluster.node_ids)
    view: View = SilentView() if as_json else HappeningsView(model, click.echo)
    recorder.follow(view.on_event, view.on_request)

    def ready(status: dict[str, Any], page_url: str) -> None:
        words = {**status, "dashboard": page_url}
        click.echo(json.dumps(words) if as_json else _told(words))
        sys.stdout.flush()
        if open_browser and not webbrowser.open(page_url):
            click.echo(f"No browser could be opened; the dashboard is at {page_url}", err=True)

    session = Session(plan, recorder, view, mine=mine, token=entropy.token(), on_ready=ready)
    if not as_json:
        what = "Jira" if scenario.of_jira else "your application"
        click.echo(f"Starting {scenario.cluster.nodes} nodes of {what} {scenario.cluster.version} …")
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            conclusion = runner.run(session.hold(port, exit_with_parent=exit_with_parent))
    finally:
        files.forget(mine)
    if conclusion.verdict.word == "pass":
        drop_database(database)
    print_conclusion(conclusion, as_json=as_json)
    sys.exit(ExitCode.INTERRUPTED if session.interrupted else conclusion.exit_code)


def _command_to_start_again(context: click.Context) -> str:
    """The command line as it was typed, without where the output went."""
    given, words = context.params, ["zdu", "up"]
    before, database = in_a_command(given["database_url"])
    words += database
    if given["lb"] != OURS:
        words += ["--lb", str(given["lb"])]
    for name in ("like", "nodes", "version", "users", "seed"):
        if given[name] is not None:
            words += [f"--{name}", str(given[name])]
    for option, values in (("--set", given["settings"]), ("--expect", given["objectives"])):
        for value in values:
            words += [option, value]
    return before + shlex.join(words)


def _cluster(like: str | None, base: Path, changes: Sequence[str | Override]) -> Scenario:
    """The cluster to start, without a story. Raises ScenarioError with every mistake in it."""
    document = read_document(base, "of zdu up") if like is None else read_document(find_scenario(like), like)
    return read_scenario(apply_overrides(document, changes))


def _overrides(nodes: int | None, users: int | None, version: str | None, lb_port: int | None) -> list[Override]:
    found = named_overrides(nodes=nodes, users=users)
    if version is not None:
        found.append(Override("cluster.version", version, f"--version {version}"))
    if lb_port is not None:
        found.append(Override("balancer.listen", f"127.0.0.1:{lb_port}", f"--lb-port {lb_port}"))
    return found


def _told(words: dict[str, Any]) -> str:
    """What a newcomer needs in order to go on."""
    urls = words["urls"]
    accounts = max(ACCOUNTS, words["users"])
    lines = [
        "",
        f"{len(words['nodes'])} nodes of Jira {words['base']} are up, {words['users']} users are at work.",
        "",
        f"  Dashboard      {words['dashboard']}",
        f"  Application    {urls['application']}   through the load balancer",
        f"  Load balancer  {urls['lb_status']}   its status page",
        *(f"  {node:14} {url}" for node, url in urls["nodes"].items()),
        "",
        f"  Log in as admin / admin, or as user{accounts} / user{accounts}: every password is the name.",
        f"  Run folder     {words['run_folder']}",
        "",
        "Next, in another terminal or on the dashboard:",
        *(f"  {advice['command']:34} {advice['why']}" for advice in words["next"]),
        "",
        "Ctrl-C stops everything, too.",
        "",
    ]
    return "\n".join(lines)
