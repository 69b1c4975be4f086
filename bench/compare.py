"""``make bench-lb``: the load balancer, compiled too, beside HAProxy, nginx, Apache and a plain aiohttp proxy.

Each has one core and serves all the time; rounds are interleaved and each begins with another subject, so that a
machine that grows slower in the middle does so to all. What is compared are medians. A round in which any request
failed counts for nothing and is printed.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.backends import start_backends
from bench.common.errors import EXIT_MET, EXIT_NOT_MET, BenchError, progress, run_command
from bench.common.machine import core_time, cores, describe, require, warn_if_busy
from bench.common.processes import CLOCK_TICKS_PER_S, Child, Children, free_ports, tail
from bench.common.tables import (
    Target,
    markdown_table,
    median_or_nan,
    number,
    replaced_between_markers,
    rotated,
    targets_table,
)
from bench.proxies import proxies
from bench.proxies.setup import Node, Proxy, Setup, start_proxy, wait_until_bound
from bench.proxies.zdu_lb import CompiledZduLb, ZduLb
from bench.wrk import run_wrk

README = Path(__file__).with_name("README.md")
OURS, COMPILED = ZduLb.name, CompiledZduLb.name
HAPROXY, APACHE, AIOHTTP = "HAProxy", "Apache", "aiohttp proxy"
WANTED = {HAPROXY: 0.4, APACHE: 1.7, AIOHTTP: 5.0}
WANTED_OF_PLAIN = {HAPROXY: 0.4}
"""The ratios that were promised; all of them are printed for both."""
AT_FIXED_RATE = (OURS, HAPROXY)
RATE = 2000
QUIET = 0.05
"""Up to this share of the measured core for anything else, a round is undisturbed."""
SATURATED = 0.95
"""From this share of its core on a subject is what limits the rate."""


@dataclass
class Subject:
    """A load balancer that serves, and what its rounds brought."""

    proxy: Proxy
    child: Child
    setup: Setup
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    fixed: list[dict[str, float]] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    """The share of its core that other programs and the machine's host took meanwhile."""

    @property
    def name(self) -> str:
        """The product."""
        return self.proxy.name

    def median(self, what: str) -> float:
        """The median over the valid rounds."""
        return median_or_nan(getattr(self, what))

    def fixed_median(self, what: str) -> float:
        """The median over the valid rounds at the fixed rate."""
        return median_or_nan([run[what] for run in self.fixed])


def main() -> int:
    """Measure, print, judge."""
    options = _options()
    names = [name.strip() for name in options.subjects.split(",")]
    known = proxies()
    if unknown := [name for name in names if name not in known]:
        raise BenchError(f"no such subject: {', '.join(unknown)}; there are {', '.join(known)}")
    if COMPILED in names and not CompiledZduLb.is_built():
        progress(f"{COMPILED} is left out, there is none: make compiled builds it")
        names.remove(COMPILED)
    require(["wrk", "nginx", *(known[name].program for name in names if known[name].program)])
    fixed = [name for name in AT_FIXED_RATE if name in names and options.rate_seconds > 0]
    seconds = (options.rounds + 1) * (len(names) * (options.seconds + 1) + len(fixed) * (options.rate_seconds + 1.5))
    machine = describe(["haproxy", "nginx", "apache2", "wrk"])
    progress(f"{options.rounds} rounds and one to warm up: about {seconds / 60 + 0.2:.1f} minutes")
    progress(warn_if_busy())
    with (
        tempfile.TemporaryDirectory(prefix="zdu-bench-", ignore_cleanup_errors=True) as folder,
        Children() as children,
    ):
        Path(folder).chmod(0o755)  # Apache's worker is another user
        subjects = _start(children, [known[name] for name in names], Path(folder))
        ceiling = _ceiling(next(iter(subjects.values())).setup.nodes[0].port, options)
        _measure(subjects, fixed, options)
    targets = _targets(subjects)
    report = _report(machine, subjects, targets, options, ceiling)
    if options.json:
        print(json.dumps(_as_data(machine, subjects, targets), indent=2))
    else:
        print(report)
    if options.write:
        README.write_text(replaced_between_markers(README.read_text(encoding="utf-8"), "bench-lb", report))
    return EXIT_NOT_MET if any(target.met is False for target in targets) else EXIT_MET


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-lb", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds of each subject (default 5)")
    parser.add_argument("--seconds", type=float, default=6, help="wrk's time in each round (default 6)")
    parser.add_argument(
        "--rate-seconds", type=float, default=8, help="seconds at the fixed rate; 0: none (default 8)"
    )
    parser.add_argument("--connections", type=int, default=64, help="kept-alive connections (default 64)")
    parser.add_argument("--subjects", default=",".join(proxies()), help="comma-separated (default: all)")
    parser.add_argument("--json", action="store_true", help="all rounds as JSON instead of the tables")
    parser.add_argument("--write", action="store_true", help="put the tables into bench/README.md")
    options = parser.parse_args()
    if options.rounds < 1 or options.seconds < 1 or options.connections < 1:
        parser.error("--rounds, --seconds and --connections are at least 1")
    return options


def _ceiling(port: int, options: argparse.Namespace) -> float:
    """What wrk and one node reach on their core without anything between them: more than this cannot be seen."""
    found = run_wrk(port, min(2, options.seconds), options.connections, cores()[1])
    return found.requests / found.seconds


def _start(children: Children, chosen: Sequence[Proxy], folder: Path) -> dict[str, Subject]:
    measured, others = cores()
    ports = iter(free_ports(2 + 2 * len(chosen)))
    nodes = (Node("node1", next(ports)), Node("node2", next(ports)))
    start_backends(children, nodes, folder, others)
    subjects = {}
    for proxy in chosen:
        setup = Setup(folder / proxy.name.replace(" ", "-"), next(ports), next(ports), nodes)
        child = start_proxy(children, proxy, setup, measured)
        wait_until_bound(child, setup)
        subjects[proxy.name] = Subject(proxy, child, setup)
    return subjects


def _measure(subjects: dict[str, Subject], fixed: Sequence[str], options: argparse.Namespace) -> None:
    for turn in range(options.rounds + 1):  # round 0 warms up: connections, caches, first health checks
        for name in rotated(list(subjects), turn):
            seconds = options.seconds if turn else min(2, options.seconds)
            _saturate(subjects[name], turn, seconds, options.connections)
        for name in rotated(fixed, turn) if fixed else ():
            seconds = options.rate_seconds if turn else min(2, options.rate_seconds)
            _at_fixed_rate(subjects[name], turn, seconds, options.connections)


def _saturate(subject: Subject, turn: int, seconds: float, connections: int) -> None:
    subject.child.check()
    wait_until_bound(subject.child, subject.setup)
    subject.setup.access_log.open("r+b").truncate(0)
    cpu_s, begun_s, core = subject.child.cpu_s(), time.monotonic(), core_time(min(cores()[0]))
    found = run_wrk(subject.setup.port, seconds, connections, cores()[1])
    cpu_s, took_s = subject.child.cpu_s() - cpu_s, time.monotonic() - begun_s - 0.3
    spent = core_time(min(cores()[0])).since(core)
    disturbed = (max(0.0, spent.programs - cpu_s * CLOCK_TICKS_PER_S) + spent.stolen) / max(1, spent.all)
    problems = [f"{count} {kind} errors" for kind, count in found.errors.items()]
    if not subject.setup.access_log.stat().st_size and subject.name != AIOHTTP:
        problems.append("nothing was logged")
    if problems or not found.valid:
        _count_out(subject, turn, ", ".join(problems) or "no request was answered")
        return
    rate, cpu_us = found.requests / found.seconds, cpu_s / found.requests * 1e6
    progress(
        f"round {turn}: {subject.name:15} {rate:9,.0f} requests/s {cpu_us:7.1f} µs, {cpu_s / took_s:4.0%} busy, "
        f"others {disturbed:.0%}"
    )
    if turn:
        subject.rates.append(rate)
        subject.cpu_us.append(cpu_us)
        subject.busy.append(min(1.0, cpu_s / found.seconds))
        subject.others.append(disturbed)
        subject.p99_ms.append(found.p99_ms)


def _at_fixed_rate(subject: Subject, turn: int, seconds: float, connections: int) -> None:
    wait_until_bound(subject.child, subject.setup)
    found = fixed_rate(subject.setup.port, RATE, seconds, connections)
    subject.setup.access_log.open("r+b").truncate(0)
    if found["complaint"]:
        _count_out(subject, turn, f"at {RATE} requests/s {found['complaint']}")
        return
    progress(
        f"round {turn}: {subject.name:15} {RATE:9,} requests/s, p50 {found['p50_ms']:.2f} ms, "
        f"p99 {found['p99_ms']:.2f} ms; sent {found['sent']} of {found['intended']}, "
        f"p99 of the sender's own lateness {found['late_p99_ms']:.2f} ms"
    )
    if turn:
        subject.fixed.append(found)


def fixed_rate(port: int, rate: float, seconds: float, connections: int) -> dict[str, float]:
    """Run the open-loop generator on the other cores."""
    others = ",".join(map(str, sorted(cores()[1])))
    command = ["taskset", "-c", others, sys.executable, "-m", "bench.fixed_rate", str(port), f"--rate={rate}",
               f"--seconds={seconds}", f"--connections={connections}"]  # fmt: skip
    root = Path(__file__).parents[1]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 40, check=False, cwd=root)
        return dict(json.loads(done.stdout))
    except subprocess.TimeoutExpired:
        raise BenchError("the generator did not end in time") from None
    except ValueError:
        raise BenchError(f"the generator printed no result:\n{done.stderr[-2000:]}") from None


def _count_out(subject: Subject, turn: int, why: str) -> None:
    progress(f"round {turn}: {subject.name:15} INVALID: {why}\n{tail(subject.child.output, 3)}")
    subject.invalid.append(f"{subject.name}, round {turn}: {why}")


def _targets(subjects: dict[str, Subject]) -> list[Target]:
    def rate(name: str) -> float:
        return subjects[name].median("rates") if name in subjects else math.nan

    def p99(name: str) -> float:
        return subjects[name].fixed_median("p99_ms") if name in subjects else math.nan

    def requests_per_cpu_s(name: str) -> float:
        return 1e6 / subjects[name].median("cpu_us") if name in subjects else math.nan

    ratios = [
        # Where the other one was not saturated its rate flatters ours; the second ratio does not depend on that.
        Target(f"{ours}, {unit}, {name}'s = 1", of(ours) / of(name), bound, True)
        for ours, wanted in ((OURS, WANTED_OF_PLAIN), (COMPILED, WANTED))
        for unit, of in (("requests/s", rate), ("requests per second of CPU", requests_per_cpu_s))
        for name, bound in wanted.items()
    ]
    return [
        *ratios,
        Target(f"{OURS}, p99 at {RATE:,} requests/s above HAProxy's", p99(OURS) - p99(HAPROXY), 1.5, False, " ms"),
    ]


def _report(
    machine: str, subjects: dict[str, Subject], targets: Sequence[Target], options: argparse.Namespace, ceiling: float
) -> str:
    ours = {name: subjects[name].median("rates") for name in (OURS, COMPILED) if name in subjects}
    rows = [
        [
            subject.name,
            number(subject.median("rates")) + ("" if subject.median("busy") >= SATURATED else " *"),
            f"{min(subject.rates):,.0f}–{max(subject.rates):,.0f}" if subject.rates else "–",
            *(number(rate / subject.median("rates"), 2) for rate in ours.values()),
            number(subject.median("cpu_us"), 1),
            number(subject.median("busy") * 100) + " %",
            number(subject.median("p99_ms"), 1) + " ms",
        ]
        for subject in subjects.values()
    ]
    header = [
        "",
        "requests/s",
        "lowest–highest",
        *(f"{name}, this one = 1" for name in ours),
        "CPU µs/request",
        "its core busy",
        "p99 (closed loop)",
    ]
    parts = [
        f"Machine: {machine}",
        f"Medians of {options.rounds} interleaved rounds of {options.seconds:g} s, {options.connections} kept-alive "
        "connections, each subject alone on one core, wrk and both nodes on the other. "
        f"wrk straight to one node, on that one core: {ceiling:,.0f} requests/s.",
        markdown_table(header, rows),
    ]
    disturbed = max((max(subject.others) for subject in subjects.values() if subject.others), default=0.0)
    parts.append(
        f"Other programs and the machine's host (steal) took at most {disturbed:.0%} of the measured core in a round"
        + ("." if disturbed <= QUIET else ": **too much, these figures are noise**.")
    )
    if any(subject.median("busy") < SATURATED for subject in subjects.values()):
        parts.append(
            "\\* Not saturated: wrk and the nodes were at the end of their core first, so this product's own limit "
            "is higher; compare the CPU per request."
        )
    if any(subject.fixed for subject in subjects.values()):
        shown = ["p50_ms", "p90_ms", "p99_ms", "p99.9_ms", "p100_ms", "late_p99_ms"]
        rows = [[s.name, *(number(s.fixed_median(key), 2) for key in shown)] for s in subjects.values() if s.fixed]
        parts += [
            f"At {RATE:,} requests/s for {options.rate_seconds:g} s a round, open loop, latency in ms from the "
            "intended time of sending; everything that was intended was sent.",
            markdown_table(["", "p50", "p90", "p99", "p99.9", "highest", "p99 of the sender's lateness"], rows),
        ]
    parts.append(targets_table(targets))
    invalid = [f"- {line}" for subject in subjects.values() for line in subject.invalid]
    parts.append("Rounds that count for nothing:\n" + "\n".join(invalid) if invalid else "All rounds were valid.")
    return "\n\n".join(parts)


def _as_data(machine: str, subjects: dict[str, Subject], targets: Sequence[Target]) -> dict[str, object]:
    keys = ("rates", "cpu_us", "busy", "p99_ms", "fixed", "invalid", "others")
    return {
        "machine": machine,
        "subjects": {name: {key: getattr(subject, key) for key in keys} for name, subject in subjects.items()},
        "targets": [
            {"name": t.name, "found": None if math.isnan(t.value) else t.value, "bound": t.bound, "met": t.met}
            for t in targets
        ],
    }


if __name__ == "__main__":
    run_command(main)
