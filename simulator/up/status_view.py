"""``zdu status`` as people read it."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from simulator.up.client import get_status
from simulator.view.live import CLUSTER_STYLES, STATE_STYLES
from zdu.living import Living

LOOK_EVERY_S = 1.0
_WIDE = 160
"""Columns of a table that goes into a pipe or file."""


def show_all(statuses: Sequence[Mapping[str, Any]]) -> None:
    """Print every cluster."""
    console = _console()
    for status in statuses:
        console.print(picture(status))
        console.print()


def watch(living: Living) -> None:
    """Show it again and again, until Ctrl-C or its end."""

    async def look() -> None:
        first = picture(await get_status(living))
        with Live(first, console=_console(), auto_refresh=False) as live:
            while True:
                await asyncio.sleep(LOOK_EVERY_S)
                live.update(picture(await get_status(living)), refresh=True)

    asyncio.run(look())


def picture(status: Mapping[str, Any]) -> RenderableType:
    """One cluster."""
    state = status["state"] or "no node serves"
    head = Text.assemble(
        (status["name"], "bold"), "  ", (state, CLUSTER_STYLES.get(state, "bold blue")), f"  from {status['base']}"
    )
    if status["phase"] != "up":
        head.append(f"  ({status['phase']})", style="yellow")
    if status["under_way"]:
        head.append(f"  {status['under_way']} is under way", style="yellow")
    nodes = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("node", "version", "application", "load balancer", "sessions", "in flight", "address"):
        nodes.add_column(column)
    for node in status["nodes"]:
        balancer = node["balancer"]
        seen = balancer["operational"] if balancer["admin"] in {"READY", ""} else balancer["admin"]
        figures = ["" if balancer[key] is None else str(balancer[key]) for key in ("sessions", "in_flight")]
        shown = Text(node["state"], style=STATE_STYLES.get(node["state"], ""))
        nodes.add_row(node["id"], node["version"], shown, seen, *figures, status["urls"]["nodes"].get(node["id"], ""))
    return Group(head, nodes, Text(_figures(status)), *_next(status))


def _figures(status: Mapping[str, Any]) -> str:
    load = status["load"]
    latency = "" if load["p50_ms"] is None else f", p50 {load['p50_ms']:.0f} ms, p99 {load['p99_ms']:.0f} ms"
    return (
        f"{status['users']} users at work, {load['rate']:.0f} req/s, {load['requests']:,} requests, "
        f"{load['failed']:,} failed, {load['moved']} sessions moved{latency}"
    )


def _next(status: Mapping[str, Any]) -> list[Text]:
    lines = [f"  {advice['command']:34} {advice['why']}" for advice in status["next"]]
    return [Text("Next:"), *map(Text, lines)] if lines else []


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)
