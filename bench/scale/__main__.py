"""``make bench-scale``: 10,000 idle clients and 1,000 active ones; and 100 nodes that are checked every second."""

import argparse
import json
import math
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.backends import start_backends
from bench.common.errors import EXIT_MET, EXIT_NOT_MET, BenchError, progress, run_command
from bench.common.machine import cores, describe, raise_descriptor_limit, require, warn_if_busy
from bench.common.processes import Child, Children, free_ports, tail, wait_for_port
from bench.common.tables import Target, markdown_table, number, replaced_between_markers, targets_table
from bench.compare import fixed_rate
from bench.proxies.setup import Node, Setup, start_proxy, wait_until_bound
from bench.proxies.zdu_lb import ZduLb

README = Path(__file__).parents[1] / "README.md"
ROOT = {"PYTHONPATH": str(Path(__file__).parents[2])}
RATE = 2000
SPARE_DESCRIPTORS = 500
CHECK_SHARE = 5.0


@dataclass
class Clients:
    """What many clients cost."""

    idle: int
    active: int
    before_bytes: int = 0
    idle_bytes: int = 0
    active_bytes: int = 0
    descriptors: int = 0
    closed: int = 0
    alone: dict[str, float] | None = None
    among: dict[str, float] | None = None

    @property
    def per_connection_kib(self) -> float:
        """Resident memory that one idle client adds."""
        return (self.idle_bytes - self.before_bytes) / self.idle / 1024


@dataclass
class Checks:
    """What checking many nodes costs."""

    nodes: int
    seconds: float
    share_percent: float
    checks_per_s: float


def main() -> int:
    """Measure, print, judge."""
    options = _options()
    require(["nginx"])
    machine = describe(["nginx"])
    limit = raise_descriptor_limit()
    idle, note = options.idle, ""
    # The load balancer may hold a connection to a node for each active client besides.
    if (most := limit - SPARE_DESCRIPTORS - 2 * options.active) < idle:
        if most < 100:
            raise BenchError(
                f"a process may open {limit} files here, too few; raise the hard limit: ulimit -Hn 20000"
            )
        note = f"A process may open {limit:,} files here (ulimit -Hn): {most:,} idle clients instead of {idle:,}."
        progress(note)
        idle = most
    seconds = idle / 500 + 2 * options.seconds + options.check_seconds + 25
    progress(f"about {seconds / 60:.1f} minutes")
    progress(warn_if_busy())
    with tempfile.TemporaryDirectory(prefix="zdu-scale-", ignore_cleanup_errors=True) as folder:
        clients = _many_clients(Path(folder), idle, options.active, options.seconds)
        checks = _many_nodes(Path(folder), options.nodes, options.check_seconds)
    target = Target(f"health checks of {checks.nodes} nodes a second, share of a core", checks.share_percent,
                    CHECK_SHARE, False, " %")  # fmt: skip
    report = _report(machine, note, clients, checks, target, options.seconds)
    print(json.dumps({"clients": vars(clients), "checks": vars(checks)}, indent=2) if options.json else report)
    if options.write:
        README.write_text(replaced_between_markers(README.read_text(encoding="utf-8"), "bench-scale", report))
    complaints = [run["complaint"] for run in (clients.alone, clients.among) if run and run["complaint"]]
    return EXIT_NOT_MET if not target.met or clients.closed or complaints else EXIT_MET


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-scale", description=__doc__)
    parser.add_argument("--idle", type=int, default=10_000, help="idle clients (default 10,000)")
    parser.add_argument("--active", type=int, default=1_000, help="active clients (default 1,000)")
    parser.add_argument("--nodes", type=int, default=100, help="nodes that are checked (default 100)")
    parser.add_argument("--seconds", type=float, default=10, help=f"at {RATE:,} requests/s, twice (default 10)")
    parser.add_argument("--check-seconds", type=float, default=30, help="how long checks are measured (default 30)")
    parser.add_argument("--json", action="store_true", help="data instead of the tables")
    parser.add_argument("--write", action="store_true", help="put the tables into bench/README.md")
    options = parser.parse_args()
    if min(options.idle, options.active, options.nodes, options.seconds, options.check_seconds) < 1:
        parser.error("every number is at least 1")
    return options


def _many_clients(folder: Path, idle: int, active: int, seconds: float) -> Clients:
    measured, others = cores()
    ports = free_ports(4)
    nodes = (Node("node1", ports[0]), Node("node2", ports[1]))
    found = Clients(idle, active)
    with Children() as children:
        start_backends(children, nodes, folder, others)
        setup = Setup(folder / "clients", ports[2], ports[3], nodes, keep_alive_s=900)
        balancer = start_proxy(children, ZduLb(), setup, measured)
        wait_until_bound(balancer, setup)
        # A little load warms up; more of it would leave free memory behind, and idle clients would seem to need none.
        fixed_rate(setup.port, 200, 2, 8)
        time.sleep(1)
        found.before_bytes = balancer.rss_bytes()
        command = [sys.executable, "-m", "bench.scale.idle_clients", str(setup.port), str(idle)]
        holder = children.start("idle", command, folder, others, ROOT)
        opened = _wait_for_line(holder, "open", 30 + idle / 100)
        if opened["open"] < idle:
            raise BenchError(
                f"only {opened['open']:,} of {idle:,} clients got an answer: {', '.join(opened['failed'])}\n"
                f"{tail(setup.folder / 'lb.log')}"
            )
        time.sleep(1)
        found.idle_bytes = balancer.rss_bytes()
        progress(f"{idle:,} idle clients: {found.per_connection_kib:.1f} KiB each")
        found.among = fixed_rate(setup.port, RATE, seconds, active)
        found.active_bytes, found.descriptors = balancer.rss_bytes(), balancer.descriptors()
        holder.stop()
        found.closed = _wait_for_line(holder, "closed", 5)["closed"]
        time.sleep(1)
        found.alone = fixed_rate(setup.port, RATE, seconds, active)
    return found


def _wait_for_line(child: Child, key: str, within_s: float) -> dict[str, Any]:
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        for line in child.output.read_text().splitlines():
            if line.startswith("{") and key in (found := json.loads(line)):
                return dict(found)
        if key != "closed":
            child.check()
        time.sleep(0.1)
    raise BenchError(f"{child.name} said nothing of '{key}' within {within_s:.0f} s:\n{tail(child.output)}")


def _many_nodes(folder: Path, count: int, seconds: float) -> Checks:
    measured, others = cores()
    *node_ports, port, admin_port = free_ports(count + 2)
    with Children() as children:
        command = [sys.executable, "-m", "bench.scale.many_nodes", *map(str, node_ports)]
        farm = children.start("nodes", command, folder, others, ROOT)
        wait_for_port(farm, node_ports[-1])
        nodes = tuple(Node(f"node{n + 1}", node_port) for n, node_port in enumerate(node_ports))
        setup = Setup(folder / "nodes", port, admin_port, nodes, inter_s=1)
        balancer = start_proxy(children, ZduLb(), setup, measured)
        time.sleep(5)  # the first checks of all nodes at once are not the steady state
        cpu_s, began_s = balancer.cpu_s(), time.monotonic()
        time.sleep(seconds)
        cpu_s, took_s = balancer.cpu_s() - cpu_s, time.monotonic() - began_s
        balancer.check()
        alive_s = took_s + 5
        farm.stop()
        asked = _wait_for_line(farm, "asked", 5)["asked"]
    return Checks(count, seconds, cpu_s / took_s * 100, float(str(asked)) / alive_s)


def _report(machine: str, note: str, clients: Clients, checks: Checks, target: Target, seconds: float) -> str:
    def row(name: str, run: dict[str, float] | None) -> list[str]:
        keys = ("p50_ms", "p90_ms", "p99_ms", "p99.9_ms", "p100_ms", "late_p99_ms")
        return [name, *(number(run[key] if run else math.nan, 2) for key in keys)]

    mib = 1024 * 1024
    complaints = [run["complaint"] for run in (clients.alone, clients.among) if run and run["complaint"]]
    parts = [
        f"Machine: {machine}",
        note,
        markdown_table(
            ["Clients", "zdu lb's memory"],
            [["warm, none connected", f"{clients.before_bytes / mib:.1f} MiB"],
             [f"{clients.idle:,} idle", f"{clients.idle_bytes / mib:.1f} MiB"],
             [f"and {clients.active:,} active", f"{clients.active_bytes / mib:.1f} MiB"],
             ["**each idle one**", f"**{clients.per_connection_kib:.1f} KiB**"]],
        ),
        f"{clients.descriptors:,} open files at the most; {clients.closed} of the idle clients were closed by the "
        "other side." + "".join(f" INVALID: {complaint}." for complaint in complaints),
        f"Latency at {RATE:,} requests/s over {clients.active:,} connections for {seconds:g} s, open loop, ms:",
        markdown_table(
            ["", "p50", "p90", "p99", "p99.9", "highest", "p99 of the sender's lateness"],
            [row("without idle clients", clients.alone), row(f"among {clients.idle:,} idle clients", clients.among)],
        ),
        f"{checks.nodes} nodes, checked every second (the nodes counted {checks.checks_per_s:.0f} a second), over "
        f"{checks.seconds:g} s without other traffic:",
        targets_table([target]),
    ]  # fmt: skip
    return "\n\n".join(filter(None, parts))


if __name__ == "__main__":
    run_command(main)
