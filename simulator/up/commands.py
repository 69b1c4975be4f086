"""The commands for a cluster that is up: ``zdu status``, ``upgrade``, ``load``, and what ``zdu node`` does to one."""

import asyncio
import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import click

from simulator.up.client import get_status, post
from simulator.up.status_view import show_all, watch
from zdu import living as files
from zdu.errors import UsageError

cluster_name = click.option(
    "--name", "cluster", envvar=files.CHOOSES, show_envvar=True, help="The cluster (the only one that is up)."
)
as_json_only = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON and nothing else.")
_name = click.option("--name", envvar=files.CHOOSES, show_envvar=True, help="The cluster (the only one that is up).")
_json = as_json_only
_to = click.option("--to", default="", metavar="VERSION", help="The version, such as 7.3.2.")


def wish(path: str, cluster: str | None, as_json: bool, **body: Any) -> None:
    """Send a command to the cluster, print what happens meanwhile, its answer, and the sensible next command."""
    living = files.find(cluster)
    told = None if as_json else click.echo
    answer = asyncio.run(post(living, path, body, told=told))
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    click.echo(f"{answer['message']}.")
    if answer["next"]:
        click.echo(f"\nNext: {_advice(answer['next'][0])}")


def _advice(advice: Mapping[str, str]) -> str:
    return f"{advice['command']}   ({advice['why']})"


def _of_a_node(action: str, text: str, *, takes_version: bool = False) -> click.Command:
    def run(node: str, name: str | None, as_json: bool, to: str = "") -> None:
        wish(f"nodes/{node}/{action}", name, as_json, **({"to": to} if takes_version else {}))

    run.__doc__ = text
    command: Callable[..., None] = wraps(run)(run)
    for option in (_json, _name, *((_to,) if takes_version else ()), click.argument("node")):
        command = option(command)
    return click.command(action)(command)


stop = _of_a_node("stop", "Stop NODE in an orderly way (SIGTERM): it finishes what it has in hand.")
start = _of_a_node(
    "start", "Start NODE with the version it had, or another one; over when it says RUNNING.", takes_version=True
)
kill = _of_a_node("kill", "Kill NODE at once (SIGKILL), as a power cut does.")
pause = _of_a_node("pause", "Let NODE stand still (SIGSTOP): its port is open, and nobody answers.")
resume = _of_a_node("resume", "Let a paused NODE go on (SIGCONT).")
upgrade_node = _of_a_node(
    "upgrade", "Take NODE out of the load balancer, upgrade it, and put it back.", takes_version=True
)


@click.group()
def upgrade() -> None:
    """Lead the upgrade of the cluster that is up.

    \b
    The way through:
      zdu upgrade start              Jira is put into upgrade mode
      zdu upgrade roll --to 7.3.2    every node in turn, out and in again
      zdu upgrade finalise           the upgrade tasks; then there is no way back
    """


def _of_the_upgrade(action: str, text: str, *, takes_version: bool = False) -> None:
    def run(name: str | None, as_json: bool, to: str = "") -> None:
        wish(f"upgrade/{action}", name, as_json, **({"to": to} if takes_version else {}))

    run.__doc__ = text
    command: Callable[..., None] = run
    for option in (_json, _name, *((_to,) if takes_version else ())):
        command = option(command)
    upgrade.command(action)(command)


_of_the_upgrade("start", "Put Jira into upgrade mode: from now on nodes of a newer version may join.")
_of_the_upgrade("roll", "Upgrade every node that is not upgraded yet, one by one.", takes_version=True)
_of_the_upgrade("finalise", "Run the upgrade tasks. From here on there is no way back.")
_of_the_upgrade("cancel", "Leave upgrade mode, as long as no node is upgraded.")
_of_the_upgrade("roll-back", "Bring every upgraded node back to the old version, and cancel.")


@click.group("load")
def people() -> None:
    """Change how many users are at work on the cluster that is up. The probes always go on measuring."""


@people.command("start")
@_name
@_json
def people_start(name: str | None, as_json: bool) -> None:
    """Let the users come back that went home."""
    wish("load/start", name, as_json)


@people.command("stop")
@_name
@_json
def people_stop(name: str | None, as_json: bool) -> None:
    """Let everybody go home."""
    wish("load/stop", name, as_json)


@people.command("set")
@click.option("--users", type=click.IntRange(0), required=True, help="How many are to be at work.")
@_name
@_json
def people_set(users: int, name: str | None, as_json: bool) -> None:
    """Let users come or go."""
    wish("load/set", name, as_json, users=users)


@click.command()
@click.argument("scenario_name", metavar="SCENARIO")
@_name
@_json
def play(scenario_name: str, name: str | None, as_json: bool) -> None:
    """Play the story of SCENARIO on the cluster that is up, which has to be as the scenario begins."""
    wish("play", name, as_json, scenario=scenario_name)


@click.command()
@click.option("--watch", "watching", is_flag=True, help="Look again every second, until Ctrl-C.")
@_name
@_json
def status(watching: bool, name: str | None, as_json: bool) -> None:
    """Show the clusters that are up: nodes, upgrade state, users, and what to do next."""
    if watching and as_json:
        raise UsageError("zdu status: either --watch or --json")
    if watching:
        watch(files.find(name))
        return
    chosen = [files.find(name)] if name else [living for living in files.read_all() if living.up] or [files.find()]
    answers = [asyncio.run(get_status(living)) for living in chosen]
    if as_json:
        click.echo(json.dumps(answers[0] if name or len(answers) == 1 else answers, ensure_ascii=False))
    else:
        show_all(answers)
