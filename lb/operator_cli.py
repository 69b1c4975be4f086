"""``zdu lb state``, ``weight``, ``status``, ``explain``, ``reload``: what is done to a load balancer that runs."""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import click
from rich.console import Console
from rich.live import Live

from lb.operator_client import AdminClient
from lb.operator_view import explained, node_line, status_table
from zdu import living
from zdu.durations import parse_duration_s
from zdu.errors import ExitCode, UsageError, ZduError


def run_here(talk: Coroutine[Any, Any, int | None]) -> int | None:
    """Run one command's conversation on an event loop of its own."""
    return asyncio.run(talk)


_Arguments = ParamSpec("_Arguments")
LOOK_EVERY_S = 0.5
WATCH_EVERY_S = 1.0
_WIDE = 200
"""Columns of a table that goes into a pipe or file."""
DEFAULT_ADMIN = "http://127.0.0.1:8081"


class NotReached(ZduError):
    """What was waited for did not come in time."""

    exit_code = ExitCode.FAIL


class _Written(click.ParamType[float]):
    """A duration as people write it."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds."""
        if isinstance(value, float):
            return value
        try:
            return parse_duration_s(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _talks(
    command: Callable[Concatenate[AdminClient, _Arguments], Coroutine[Any, Any, int | None]],
) -> Callable[..., int | None]:
    """A command that talks to the admin port: gives it a client, and the options that say where and who."""

    @click.option(
        "--admin",
        envvar="ZDU_LB_ADMIN",
        show_envvar=True,
        help=f"The admin port's address (that of the cluster that is up, else {DEFAULT_ADMIN}).",
    )
    @click.option("--name", envvar=living.CHOOSES, show_envvar=True, help="The cluster, if several are up.")
    @click.option("--token", envvar="ZDU_LB_TOKEN", show_envvar=True, help="The configuration's admin_token.")
    @wraps(command)
    def run(
        admin: str | None,
        name: str | None,
        token: str | None,
        *args: _Arguments.args,
        **options: _Arguments.kwargs,
    ) -> int | None:
        async def talk() -> int | None:
            async with AdminClient(admin or _admin_of(name), token) as client:
                return await command(client, *args, **options)

        return run_here(talk())

    return run


def _admin_of(name: str | None) -> str:
    """The admin port of the cluster that is up, or where one is by default. Raises UsageError if several are up."""
    try:
        return living.find(name).lb_admin_url or DEFAULT_ADMIN
    except living.NoCluster:
        if name:
            raise
        return DEFAULT_ADMIN


@click.command()
@click.argument("node")
@click.argument("wish", metavar="ready|drain|maint", type=click.Choice(["ready", "drain", "maint"]))
@click.option(
    "--deadline", "deadline_s", type=_Written(), help="How long a drain still serves bound sessions, such as 20s."
)
@click.option("--wait", is_flag=True, help="Wait until it is so: drained, or taking new sessions again.")
@click.option(
    "--timeout", "limit_s", type=_Written(), default="10min", show_default=True, help="How long --wait waits."
)
@_talks
async def state(
    client: AdminClient, node: str, wish: str, deadline_s: float | None, wait: bool, limit_s: float
) -> int | None:
    """Set a node's admin state.

    drain: no new sessions; those bound to it are served until they have moved, at the latest at the deadline.
    maint: nothing goes there any more, at once. ready: it takes its share again. In-flight requests always finish.
    """
    if deadline_s is not None and wish != "drain":
        raise UsageError(f"zdu lb state: --deadline goes with drain, not with {wish}")
    body: dict[str, object] = {"state": wish}
    if deadline_s is not None:
        body["deadline"] = f"{round(deadline_s * 1000)}ms"
    facts = await client.post(f"/nodes/{node}/state", body)
    last = _say(await _now(client, node) if wait else facts, "")
    if not wait:
        return None
    try:
        async with asyncio.timeout(limit_s):
            while not _is_so(facts := await _now(client, node), wish):
                last = _say(facts, last)
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        raise NotReached(f"{node} is not {_GOALS[wish]} after {limit_s:g} s: {last}") from None
    _say(facts, last)
    return None


_GOALS = {"drain": "drained", "maint": "drained", "ready": "taking new sessions"}


async def _now(client: AdminClient, node: str) -> dict[str, Any]:
    everything = await client.get("/nodes")
    found: dict[str, Any] = next(facts for facts in everything["nodes"] if facts["name"] == node)
    return {**found, "now_s": everything["now_s"]}


def _is_so(facts: dict[str, Any], wish: str) -> bool:
    return bool(facts["takes_new_sessions"] if wish == "ready" else facts["drained"])


def _say(facts: dict[str, Any], last: str) -> str:
    """Say how a node is, if that is not what was said last."""
    line = node_line(facts)
    if line != last:
        click.echo(line)
    return line


@click.command()
@click.argument("node")
@click.argument("weight", type=click.IntRange(0, 256))
@_talks
async def weight(client: AdminClient, node: str, weight: int) -> None:
    """Set a node's WEIGHT, its share of new sessions: 0 (none) to 256."""
    _say(await client.post(f"/nodes/{node}/weight", {"weight": weight}), "")


@click.command()
@click.option("--watch", is_flag=True, help="Show it anew every second, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, everything there is.")
@_talks
async def status(client: AdminClient, watch: bool, as_json: bool) -> None:
    """Show the nodes and what they do."""
    facts = await client.get("/status.json")
    if as_json and not watch:
        click.echo(json.dumps(facts, indent=2))
        return
    if as_json:
        while True:
            click.echo(json.dumps(facts))
            await asyncio.sleep(WATCH_EVERY_S)
            facts = await client.get("/status.json")
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    if not watch:
        console.print(status_table(facts))
        return
    with Live(status_table(facts), console=console, auto_refresh=False) as live:
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            live.update(status_table(await client.get("/status.json")), refresh=True)


@click.command()
@click.argument("request_id", required=False)
@click.option("--cookie", default="", help="A Cookie field, such as ROUTEID=.node1.")
@click.option("--client", "address", default="127.0.0.1", show_default=True, help="The client's address.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@_talks
async def explain(client: AdminClient, request_id: str | None, cookie: str, address: str, as_json: bool) -> None:
    """Tell why request REQUEST_ID went where it went; or, without one, where a request with a cookie would go now."""
    if request_id and cookie:
        raise UsageError("zdu lb explain: either a request or a cookie")
    if request_id:
        facts = await client.get(f"/explain/{request_id}")
    else:
        facts = await client.get("/explain", cookie=cookie, client=address)
    click.echo(json.dumps(facts, indent=2) if as_json else "\n".join(explained(facts)))


@click.command()
@_talks
async def reload(client: AdminClient) -> None:
    """Have the load balancer read its configuration file again; no request is dropped."""
    changed = (await client.post("/reload", {}))["changed"]
    click.echo("\n".join(changed) if changed else "Nothing has changed.")


COMMANDS: tuple[click.Command, ...] = (state, weight, status, explain, reload)
