"""``make bench-cluster``: 50 node processes on one SQLite file, then 50 on one PostgreSQL server, with users at work.

How long each takes to join, whether heartbeats are on time (first with nobody there, then under load), what each node
takes of the memory, and whether any user ever hears of a locked database.
"""

import argparse
import asyncio
import json
import math
import os
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from bench.cluster.figures import Sample, lateness_ms, longest_gap_ms, oldest_ms
from bench.cluster.nodes import LOCKED, NOT_WRITTEN, Nodes, Place, drop_database, set_up_database
from bench.cluster.users import Ledger, User, send, signed_in
from bench.cluster.watch import Watch
from bench.common.errors import EXIT_MET, EXIT_NOT_MET, BenchError, progress, run_command
from bench.common.machine import describe, raise_descriptor_limit, warn_if_busy
from bench.common.processes import Children
from bench.common.tables import (
    Target,
    markdown_table,
    median_or_nan,
    number,
    percentile,
    replaced_between_markers,
    targets_table,
)

README = Path(__file__).parents[1] / "README.md"
POSTGRES_URL = "ZDU_TEST_POSTGRES_URL"
"""Where ``tests.support.postgres``, which the Makefile puts before this command, says that its server is."""
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
SETTLE_S = 3.0
DEAD_AFTER_BEATS = 5
"""A node counts as alive for five heartbeats, as Jira's do for five minutes."""
MIB = 1024 * 1024


@dataclass
class Found:
    """All that one database's cluster showed."""

    ready_s: list[float] = field(default_factory=list)
    active_s: list[float] = field(default_factory=list)
    running_s: list[float] = field(default_factory=list)
    all_running_s: float = math.nan
    idle: list[Sample] = field(default_factory=list)
    loaded: list[Sample] = field(default_factory=list)
    idle_cpu: float = math.nan
    loaded_cpu: float = math.nan
    ledger: Ledger = field(default_factory=Ledger)
    memory: list[tuple[int, int]] = field(default_factory=list)
    connections: int = 0
    log_lines: dict[str, int] = field(default_factory=dict)
    badly_ended: int = 0


def main() -> int:
    """Measure, print, judge."""
    options = _options()
    machine = describe()
    raise_descriptor_limit()
    urls = {SQLITE: "", POSTGRESQL: os.environ.get(POSTGRES_URL, "")}
    wanted = [name for name in urls if name.lower() in options.databases.lower().split(",")]
    if POSTGRESQL in wanted and not urls[POSTGRESQL]:
        raise BenchError(
            "no PostgreSQL: install it (Debian: apt-get install --no-install-recommends postgresql) and start this "
            "with 'make bench-cluster', or leave it out: make bench-cluster ARGS='--databases sqlite'"
        )
    each_s = 1.2 * options.nodes + options.idle_seconds + options.seconds + 20
    progress(f"about {len(wanted) * each_s / 60:.0f} minutes")
    progress(warn_if_busy())
    found: dict[str, Found] = {}
    for name in wanted:
        with tempfile.TemporaryDirectory(prefix="zdu-cluster-", ignore_cleanup_errors=True) as folder:
            url = urls[name] or f"sqlite+aiosqlite:///{folder}/cluster.db"
            place = Place(Path(folder), url, "" if name == SQLITE else f"bench_{os.getpid()}")
            progress(f"{name}: {options.nodes} nodes")
            found[name] = uvloop.run(_measure(place, options))
    targets = [target for name in found for target in _targets(name, found[name], options)]
    report = _report(machine, found, targets, options)
    print(json.dumps({name: _as_data(one, options) for name, one in found.items()}, indent=2) if options.json
          else report)  # fmt: skip
    if options.write:
        README.write_text(replaced_between_markers(README.read_text(encoding="utf-8"), "bench-cluster", report))
    return EXIT_MET if all(target.met for target in targets) else EXIT_NOT_MET


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-cluster", description=__doc__)
    parser.add_argument("--nodes", type=int, default=50, help="node processes (default 50)")
    parser.add_argument("--at-once", type=int, default=4, help="nodes on their way at the same time (default 4)")
    parser.add_argument("--heartbeat", type=float, default=1.0, help="seconds; Jira's minute, all intervals with it"
                        " (default 1)")  # fmt: skip
    parser.add_argument("--rate", type=float, default=20, help="requests a second of all users (default 20)")
    parser.add_argument("--seconds", type=float, default=20, help="under load (default 20)")
    parser.add_argument("--idle-seconds", type=float, default=10, help="without users before that (default 10)")
    parser.add_argument("--databases", default="sqlite,postgresql", help="default: sqlite,postgresql")
    parser.add_argument("--json", action="store_true", help="data instead of the tables")
    parser.add_argument("--write", action="store_true", help="put the tables into bench/README.md")
    options = parser.parse_args()
    if not (1 <= options.nodes <= 200 and options.at_once >= 1 and 0.1 <= options.heartbeat <= 60):
        parser.error("1 to 200 nodes, at least 1 at once, a heartbeat of 0.1 to 60 seconds")
    if not (1 <= options.rate <= 500 and min(options.seconds, options.idle_seconds) >= 2 * options.heartbeat):
        parser.error("a rate from 1 to 500, and at least two heartbeats long with and without load")
    if unknown := set(options.databases.lower().split(",")) - {SQLITE.lower(), POSTGRESQL.lower()}:
        parser.error(f"no such database: {', '.join(sorted(unknown))}; sqlite, postgresql")
    return options


async def _measure(place: Place, options: argparse.Namespace) -> Found:
    found = Found()
    async with AsyncExitStack() as stack:
        stack.callback(drop_database, place)
        set_up_database(place, options.nodes)
        watch = await stack.enter_async_context(Watch(place.url, place.namespace))
        nodes = Nodes(place, stack.enter_context(Children()), options.heartbeat)
        stack.push_async_callback(nodes.stop)  # all at once; what is left of them Children ends
        found.all_running_s = await nodes.start(options.nodes, options.at_once)
        progress(f"all are RUNNING after {found.all_running_s:.0f} s")
        await asyncio.sleep(SETTLE_S)
        active_ms = await watch.active_since_ms()
        found.ready_s = sorted(node.ready_s for node in nodes.all)
        found.running_s = sorted(node.running_s for node in nodes.all)
        found.active_s = sorted(
            (active_ms[node.name] - node.started_wall_ms) / 1000 for node in nodes.all if node.name in active_ms
        )
        cpu_s = nodes.cpu_s()
        found.idle = await watch.sample(options.idle_seconds)
        found.idle_cpu = (nodes.cpu_s() - cpu_s) / options.idle_seconds
        users = [User(f"user{n}", node.url) for n, node in enumerate(nodes.all, start=1)]
        for user in users:
            stack.push_async_callback(user.close)
        await signed_in(users)
        progress(f"{len(users)} users at work for {options.seconds:g} s")
        cpu_s = nodes.cpu_s()
        found.ledger, found.loaded = await asyncio.gather(
            send(users, options.rate, options.seconds), watch.sample(options.seconds)
        )
        found.loaded_cpu = (nodes.cpu_s() - cpu_s) / options.seconds
        found.memory, found.connections = nodes.memory_bytes(), await watch.connections()
        nodes.check()
        found.badly_ended = await nodes.stop()
        found.log_lines = nodes.log_lines()
    return found


def _as_data(found: Found, options: argparse.Namespace) -> dict[str, Any]:
    interval_ms = options.heartbeat * 1000
    data = {key: value for key, value in vars(found).items() if key not in {"idle", "loaded", "ledger"}}
    for key, samples in (("idle", found.idle), ("loaded", found.loaded)):
        data[f"{key}_lateness_ms"] = lateness_ms(samples, interval_ms)
    return data | {"requests": vars(found.ledger)}


def _targets(name: str, found: Found, options: argparse.Namespace) -> list[Target]:
    interval_ms = options.heartbeat * 1000
    alive = sum(
        found.loaded[-1].now_ms - beat_ms <= DEAD_AFTER_BEATS * interval_ms
        for beat_ms in found.loaded[-1].beats_ms.values()
    )
    oldest_beats = max(oldest_ms(found.idle), oldest_ms(found.loaded)) / interval_ms
    late_ms = percentile(lateness_ms(found.loaded, interval_ms), 0.99)
    none_of = (
        ("answers from 500 on", found.ledger.server_errors),
        ("requests that did not get what they asked for", found.ledger.unfulfilled),
        ("answers that speak of a locked database", found.ledger.locked),
        ("times a node's log speaks of a locked database", found.log_lines[LOCKED]),
        ("heartbeats that could not be written", found.log_lines[NOT_WRITTEN]),
        ("nodes that did not end with 0 when asked to stop", found.badly_ended),
    )
    return [
        Target(f"{name}: nodes that joined", len(found.active_s), options.nodes, True),
        Target(f"{name}: nodes alive after the load", alive, options.nodes, True),
        Target(f"{name}: heartbeat lateness p99 under load", late_ms, interval_ms / 2, False, " ms"),
        Target(f"{name}: oldest heartbeat at any look, in intervals", oldest_beats, DEAD_AFTER_BEATS, False),
        *(Target(f"{name}: {what}", times, 0, False) for what, times in none_of),
    ]


def _report(machine: str, found: dict[str, Found], targets: list[Target], options: argparse.Namespace) -> str:
    interval_ms = options.heartbeat * 1000

    def row(what: str, cell: Any) -> list[str]:
        return [what, *(cell(one) for one in found.values())]

    def spread(values: list[float], digits: int = 1) -> str:
        return f"{number(median_or_nan(values), digits)} / {number(max(values, default=math.nan), digits)}"

    def late(samples: list[Sample]) -> str:
        all_ms = lateness_ms(samples, interval_ms)
        return " / ".join(number(percentile(all_ms, share)) for share in (0.5, 0.99, 1))

    def latency(ledger: Ledger) -> str:
        return " / ".join(number(percentile(ledger.latencies_ms, share)) for share in (0.5, 0.99, 1))

    def memory(which: int, found: Found) -> str:
        return spread([one[which] / MIB for one in found.memory], 0)

    rows = [
        row("start until the port is open, s: median / highest", lambda one: spread(one.ready_s)),
        row("start until its row is ACTIVE, s: median / highest", lambda one: spread(one.active_s)),
        row("start until RUNNING, s: median / highest", lambda one: spread(one.running_s)),
        row("all RUNNING after, s", lambda one: number(one.all_running_s, 1)),
        row("heartbeat lateness, nobody there, ms: p50 / p99 / highest", lambda one: late(one.idle)),
        row("heartbeat lateness, under load, ms: p50 / p99 / highest", lambda one: late(one.loaded)),
        row("longest time between two looks at them, ms", lambda one: number(longest_gap_ms(one.loaded))),
        row("resident memory of a node, MiB: median / highest", lambda one: memory(0, one)),
        row("its share of it (PSS), MiB: median / highest", lambda one: memory(1, one)),
        row("cores that all nodes use, nobody there", lambda one: number(one.idle_cpu, 2)),
        row("cores that all nodes use, under load", lambda one: number(one.loaded_cpu, 2)),
        row("connections to the server", lambda one: number(one.connections or math.nan)),
        row(
            "requests sent, of them as asked", lambda one: f"{one.ledger.intended}, {one.ledger.outcomes['as asked']}"
        ),
        row("issues created", lambda one: number(one.ledger.created)),
        row("latency, ms: p50 / p99 / highest", lambda one: latency(one.ledger)),
    ]
    others = {
        f"{name}: {times} × {outcome}"
        for name, one in found.items()
        for outcome, times in one.ledger.outcomes.items()
        if outcome != "as asked"
    }
    return "\n\n".join(
        filter(
            None,
            [
                f"Machine: {machine}",
                f"{options.nodes} nodes, at most {options.at_once} of them on their way at a time; a heartbeat every "
                f"{options.heartbeat:g} s instead of every minute, and all other intervals by the same factor. "
                f"{options.idle_seconds:g} s without users, then {options.rate:g} requests/s for "
                f"{options.seconds:g} s.",
                markdown_table(["", *found], rows),
                "Not as asked: " + ", ".join(sorted(others)) + "." if others else "",
                targets_table(targets),
            ],
        )
    )


if __name__ == "__main__":
    run_command(main)
