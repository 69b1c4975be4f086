"""``make soak``: our load balancer before three nodes that are killed, hang, drain and misbehave, for ten minutes.

Its memory and open files are sampled every five seconds. Orders (POST) are journalled by the nodes: none may be
executed twice, none confirmed that nobody executed. Exit code 1 if something grows or an order is wrong.
"""

import argparse
import asyncio
import itertools
import json
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import uvloop

from bench.common.errors import EXIT_MET, EXIT_NOT_MET, BenchError, progress, run_command
from bench.common.machine import cores, describe
from bench.common.processes import Child, Children, free_ports, wait_for_port
from bench.common.tables import markdown_table, number, replaced_between_markers
from bench.proxies.setup import Admin, Node, Setup, launch, settle, wait_until_bound
from bench.proxies.zdu_lb import ZduLb, change_weight, set_state
from bench.soak.traffic import Ledger, User
from bench.soak.trend import Executions, Trend, compare_executions, trend

README = Path(__file__).parents[1] / "README.md"
SAMPLE_EVERY_S = 5.0
FAULT_EVERY_S = 6.0
USERS = 40
MIB = 1024 * 1024
MEMORY_RULE = (0.05, 4 * MIB)
DESCRIPTOR_RULE = (0.10, 20.0)
DESCRIPTORS_LEFT = 10
"""How many more than before the traffic may be open once all users are gone and pools have timed out."""
CALM_S = 25.0


class Soak:
    """One run."""

    def __init__(self, seconds: float, faults: float, seed: int, folder: Path) -> None:
        self._seconds, self._faults, self._folder = seconds, faults, folder
        self._rng = random.Random(seed)
        self.ledger = Ledger()
        self.events: Counter[str] = Counter()
        self.memory: list[tuple[float, float]] = []
        self.descriptors: list[tuple[float, float]] = []
        self.descriptors_before = self.descriptors_after = 0
        ports = free_ports(5)
        self._nodes = tuple(Node(f"node{n + 1}", ports[n]) for n in range(3))
        self._setup = Setup(folder / "lb", ports[3], ports[4], self._nodes, inter_s=0.5)
        self._running: dict[str, Child] = {}

    def _start_node(self, children: Children, node: Node) -> None:
        command = [sys.executable, "-m", "bench.soak.node", node.name, str(node.port), str(self._journal(node)),
                   f"--faults={self._faults}", f"--seed={self._rng.randrange(2**31)}"]  # fmt: skip
        environment = {"PYTHONPATH": str(Path(__file__).parents[2])}
        self._running[node.name] = children.start(node.name, command, self._folder, cores()[1], environment)

    def _journal(self, node: Node) -> Path:
        return self._folder / f"{node.name}.journal"

    async def run(self) -> None:
        """Start, load, disturb, sample, calm down."""
        with Children() as children:
            for node in self._nodes:
                self._start_node(children, node)
            for node in self._nodes:
                await asyncio.to_thread(wait_for_port, self._running[node.name], node.port)
            balancer = launch(children, ZduLb(), self._setup, cores()[0])
            await asyncio.to_thread(settle, balancer, ZduLb(), self._setup)
            await asyncio.to_thread(wait_until_bound, balancer, self._setup)
            self.descriptors_before = balancer.descriptors()
            loop = asyncio.get_running_loop()
            end_s = loop.time() + self._seconds
            async with asyncio.TaskGroup() as tasks:
                for number_ in range(USERS):
                    user = User(number_, self._setup.port, self.ledger, random.Random(self._rng.random()))
                    tasks.create_task(user.run(end_s))
                tasks.create_task(self._sample(balancer, end_s))
                tasks.create_task(self._disturb(children, balancer, end_s))
            await self._calm(balancer)

    async def _sample(self, balancer: Child, end_s: float) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        for turn in itertools.count(1):
            balancer.check()
            self.memory.append((loop.time() - began_s, balancer.rss_bytes()))
            self.descriptors.append((loop.time() - began_s, balancer.descriptors()))
            if turn % 12 == 0:
                progress(f"{loop.time() - began_s:5.0f} s: {self.memory[-1][1] / MIB:6.1f} MiB, "
                         f"{self.descriptors[-1][1]:.0f} descriptors, {self.ledger.requests} requests")  # fmt: skip
            if loop.time() + SAMPLE_EVERY_S > end_s:
                return
            await asyncio.sleep(SAMPLE_EVERY_S)

    async def _disturb(self, children: Children, balancer: Child, end_s: float) -> None:
        """One fault after the other, on one node after the other; the last one is mended before the end."""
        loop = asyncio.get_running_loop()
        faults = (self._kill, self._hang, self._drain, self._maintain)
        for turn in itertools.count():
            if loop.time() + FAULT_EVERY_S + 5 > end_s:
                return
            await asyncio.sleep(self._rng.uniform(0.5, 1.5) * FAULT_EVERY_S / 2)
            await faults[turn % len(faults)](children, self._nodes[turn // len(faults) % len(self._nodes)])
            if turn % len(faults) == len(faults) - 1 and balancer.heeds(signal.SIGHUP):
                change_weight(self._setup, self._nodes[0].name, self._rng.randint(50, 150))
                balancer.signal(signal.SIGHUP)
                self.events["reload"] += 1

    async def _kill(self, children: Children, node: Node) -> None:
        child = self._running[node.name]
        child.signal(signal.SIGKILL)
        await asyncio.to_thread(child.popen.wait)
        self.events["kill -9 and restart"] += 1
        await asyncio.sleep(self._rng.uniform(0.2, 2))
        self._start_node(children, node)

    async def _hang(self, _: Children, node: Node) -> None:
        child = self._running[node.name]
        child.signal(signal.SIGSTOP)
        self.events["hang (SIGSTOP)"] += 1
        await asyncio.sleep(self._rng.uniform(0.5, 3))
        child.signal(signal.SIGCONT)

    async def _drain(self, _: Children, node: Node) -> None:
        await self._set(node, Admin.DRAIN)

    async def _maintain(self, _: Children, node: Node) -> None:
        await self._set(node, Admin.MAINT)

    async def _set(self, node: Node, admin: Admin) -> None:
        with suppress(OSError):
            await asyncio.to_thread(set_state, self._setup.admin_port, node.name, admin)
            self.events[f"{admin} and ready"] += 1
            await asyncio.sleep(self._rng.uniform(1, 3))
        await asyncio.to_thread(set_state, self._setup.admin_port, node.name, Admin.READY)

    async def _calm(self, balancer: Child) -> None:
        """All users are gone: its descriptors must go back, at the latest when idle connections time out."""
        deadline_s = asyncio.get_running_loop().time() + CALM_S
        while True:
            self.descriptors_after = balancer.descriptors()
            over = self.descriptors_after - self.descriptors_before
            if over <= DESCRIPTORS_LEFT or asyncio.get_running_loop().time() > deadline_s:
                return
            await asyncio.sleep(0.5)

    def executions(self) -> Executions:
        """The nodes' journals against what users know."""
        journals = (self._journal(node) for node in self._nodes)
        executed = [line for path in journals if path.exists() for line in path.read_text().splitlines()]
        return compare_executions(executed, self.ledger.sent_orders, self.ledger.confirmed_orders)


def main() -> int:
    """Run, print, judge."""
    options = _options()
    machine = describe()
    progress(f"about {(options.seconds + CALM_S) / 60 + 0.2:.1f} minutes")
    with tempfile.TemporaryDirectory(prefix="zdu-soak-", ignore_cleanup_errors=True) as folder:
        soak = Soak(options.seconds, options.faults, options.seed, Path(folder))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            try:
                runner.run(soak.run())
            except BaseExceptionGroup as group:
                known = group.subgroup(BenchError)
                raise known.exceptions[0] if known else group.exceptions[0] from None
        executions = soak.executions()
    warm_up_s = min(120.0, options.seconds / 5)
    memory, descriptors = trend(soak.memory, warm_up_s), trend(soak.descriptors, warm_up_s)
    problems = _problems(soak, memory, descriptors, executions)
    report = _report(machine, options, soak, memory, descriptors, executions, problems, warm_up_s)
    if options.json:
        print(json.dumps({"memory": soak.memory, "descriptors": soak.descriptors, "outcomes": soak.ledger.outcomes,
                          "events": soak.events, "problems": problems}, indent=2))  # fmt: skip
    else:
        print(report)
    if options.write:
        README.write_text(replaced_between_markers(README.read_text(encoding="utf-8"), "soak", report))
    return EXIT_NOT_MET if problems else EXIT_MET


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long (default 600; make soak SECONDS=...)")
    parser.add_argument(
        "--faults", type=float, default=0.02, help="share of requests nodes treat badly (default 0.02)"
    )
    parser.add_argument("--seed", type=int, default=1, help="for faults and traffic (default 1)")
    parser.add_argument("--json", action="store_true", help="all samples as JSON instead of the tables")
    parser.add_argument("--write", action="store_true", help="put the tables into bench/README.md")
    options = parser.parse_args()
    if options.seconds < 20 or not 0 <= options.faults < 1:
        parser.error("--seconds is at least 20, --faults from 0 to below 1")
    return options


def _problems(soak: Soak, memory: Trend | None, descriptors: Trend | None, executions: Executions) -> list[str]:
    problems = []
    if memory is None or descriptors is None:
        problems.append("too few samples")
    elif memory.grows(*MEMORY_RULE):
        problems.append("memory grows")
    if descriptors is not None and descriptors.grows(*DESCRIPTOR_RULE):
        problems.append("descriptors grow")
    if (over := soak.descriptors_after - soak.descriptors_before) > DESCRIPTORS_LEFT:
        problems.append(f"{over} more descriptors than before are open although all users are gone")
    if executions.twice:
        problems.append(f"executed twice: {', '.join(executions.twice[:10])}")
    if executions.lost:
        problems.append(f"confirmed and never executed: {', '.join(executions.lost[:10])}")
    if not executions.confirmed:
        problems.append("no order was confirmed: this proves nothing")
    if wrong := sum(count for outcome, count in soak.ledger.outcomes.items() if "WRONG" in outcome):
        problems.append(f"{wrong} wrong echoes")
    return problems


def _report(
    machine: str, options: argparse.Namespace, soak: Soak, memory: Trend | None, descriptors: Trend | None,
    executions: Executions, problems: Sequence[str], warm_up_s: float,
) -> str:  # fmt: skip
    def row(name: str, found: Trend | None, unit: float, digits: int, rule: tuple[float, float]) -> list[str]:
        if found is None:
            return [name, *["–"] * 5]
        verdict = "**growing**" if found.grows(*rule) else "flat"
        values = (found.start, found.end, found.highest, found.slope_per_min)
        return [name, *(number(value / unit, digits) for value in values), verdict]

    outcomes = [[name, f"{count:,}"] for name, count in sorted(soak.ledger.outcomes.items())]
    events = ", ".join(f"{count} × {name}" for name, count in sorted(soak.events.items())) or "none"
    parts = [
        f"Machine: {machine}",
        f"{options.seconds:g} s, {USERS} users, {soak.ledger.requests:,} requests; "
        f"{options.faults:.0%} of them treated badly by their node; besides: {events}.",
        markdown_table(
            ["", "after warm-up", "end", "highest", "slope per minute", "verdict"],
            [row("memory (RSS), MiB", memory, MIB, 1, MEMORY_RULE),
             row("descriptors", descriptors, 1, 1, DESCRIPTOR_RULE)],
        ),
        f"Growing means: the line fitted through the samples after {warm_up_s:.0f} s rises by more than "
        f"{MEMORY_RULE[0]:.0%} and {MEMORY_RULE[1] / MIB:.0f} MiB (memory), {DESCRIPTOR_RULE[0]:.0%} and "
        f"{DESCRIPTOR_RULE[1]:.0f} (descriptors). Open before the traffic: {soak.descriptors_before} descriptors; "
        f"after all users had left: {soak.descriptors_after}.",
        f"Orders (POST): {executions.sent:,} sent, {executions.confirmed:,} confirmed, {executions.executed:,} "
        f"executed; {len(executions.twice)} executed twice, {len(executions.lost)} confirmed and never executed.",
        markdown_table(["what users saw", "times"], outcomes),
        "Verdict: " + ("; ".join(problems) if problems else "flat, and every order at most once."),
    ]  # fmt: skip
    return "\n\n".join(parts)


if __name__ == "__main__":
    run_command(main)
