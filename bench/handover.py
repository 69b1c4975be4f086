"""``make bench-handover``: users while the load balancer under them is replaced, again and again.

Half of the requests come on new connections, as many at once as a browser opens for each of a few users; the other
half on kept-alive ones. Whatever is not a complete answer with status 200 has failed: nothing is sent a second time.
A kept-alive connection that ends in good order between two requests is opened again, as every HTTP client does, and
counted. Besides there are clients that stay connected and ask nothing.
"""

import argparse
import asyncio
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from bench.backends import start_backends
from bench.common.errors import EXIT_MET, EXIT_NOT_MET, BenchError, progress, run_command
from bench.common.machine import cores, describe, require, warn_if_busy
from bench.common.processes import Child, Children, free_ports, tail
from bench.common.tables import (
    Target,
    markdown_table,
    number,
    percentile,
    replaced_between_markers,
    targets_table,
)
from bench.proxies.setup import Node

README = Path(__file__).with_name("README.md")
ROOT = {"PYTHONPATH": str(Path(__file__).parents[1])}
HANDOVER, REUSEPORT = "listening socket handed over", "SO_REUSEPORT"
BURST_EVERY_S = 0.1
KEPT = 25
"""Kept-alive connections that share their half of the rate."""
IDLE = 200
ANSWER_S = 10.0
START_S = 30.0
MOST_S = 120.0


@dataclass
class Outcome:
    """What users saw of one way to restart."""

    way: str
    replacements: int = 0
    sent: int = 0
    answered: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    reopened: int = 0
    """Kept-alive connections that were opened again, because they ended or an answer said so."""
    idle_ended: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    exit_codes: Counter[int] = field(default_factory=Counter)

    @property
    def failed(self) -> int:
        """Requests without a complete answer with status 200."""
        return self.failures.total()


class Users:
    """Everybody who uses the load balancer at ``port``, until :meth:`end`, and for :data:`MOST_S` at the most."""

    def __init__(self, port: int, rate: float, outcome: Outcome) -> None:
        self._port, self._rate, self._outcome = port, rate, outcome
        self._loop = asyncio.get_running_loop()
        self._ends_s = self._loop.time() + MOST_S

    def end(self) -> None:
        """Ask nothing more."""
        self._ends_s = self._loop.time()

    async def run(self) -> None:
        """Until the time is over and all is answered."""
        idle = [await asyncio.open_connection("127.0.0.1", self._port) for _ in range(IDLE)]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._bursts(tasks))
            for place in range(KEPT):
                tasks.create_task(self._keep_asking(place))
        await asyncio.sleep(0.1)  # an end that is on its way arrives
        self._outcome.idle_ended = sum(reader.at_eof() or reader.exception() is not None for reader, _ in idle)
        for _, writer in idle:
            writer.transport.abort()

    async def _bursts(self, tasks: asyncio.TaskGroup) -> None:
        at_once = max(1, round(self._rate / 2 * BURST_EVERY_S))
        due_s = self._loop.time()
        while due_s < self._ends_s:
            for _ in range(at_once):
                tasks.create_task(self._come_once())
            due_s += BURST_EVERY_S
            await asyncio.sleep(due_s - self._loop.time())

    async def _come_once(self) -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError as error:
            self._outcome.sent += 1
            self._outcome.failures[f"new: {error.strerror or error}"] += 1
            return
        await self._ask(reader, writer, "new", "Connection: close\r\n")
        writer.transport.abort()

    async def _keep_asking(self, place: int) -> None:
        every_s = KEPT / (self._rate / 2)
        due_s = self._loop.time() + every_s * place / KEPT
        pair: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while due_s < self._ends_s:
            await asyncio.sleep(max(0.0, due_s - self._loop.time()))
            due_s += every_s
            if pair is None or pair[0].at_eof():
                if pair is not None:
                    pair[1].transport.abort()
                    self._outcome.reopened += 1
                try:
                    pair = await asyncio.open_connection("127.0.0.1", self._port)
                except OSError as error:
                    self._outcome.sent += 1
                    self._outcome.failures[f"kept: {error.strerror or error}"] += 1
                    pair = None
                    continue
            if not await self._ask(*pair, f"kept {place}", ""):
                pair[1].transport.abort()
                self._outcome.reopened += 1
                pair = None
        if pair is not None:
            pair[1].transport.abort()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, who: str, more: str) -> bool:
        """One request; true if its connection may be used again."""
        outcome, began_s = self._outcome, time.monotonic()
        outcome.sent += 1
        kind = who.split(" ", maxsplit=1)[0]
        try:
            async with asyncio.timeout(ANSWER_S):
                writer.write(
                    f"GET /{outcome.sent} HTTP/1.1\r\nHost: h\r\nCookie: JSESSIONID={who}\r\n{more}\r\n".encode()
                )
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                at = head.index(b"content-length:")
                await reader.readexactly(int(head[at + 15 :].split(b"\r\n", 1)[0]))
        except asyncio.IncompleteReadError as error:
            outcome.failures[f"{kind}: {'broken off' if error.partial else 'closed without an answer'}"] += 1
            return False
        except ConnectionError:
            outcome.failures[f"{kind}: reset"] += 1
            return False
        except (TimeoutError, ValueError):
            outcome.failures[f"{kind}: no answer"] += 1
            return False
        if b" 200 " not in head[:15]:
            outcome.failures[f"{kind}: status {head[9:12].decode()}"] += 1
            return False
        outcome.answered += 1
        outcome.latencies_ms.append((time.monotonic() - began_s) * 1000)
        return b"\r\nconnection: close\r\n" not in head


class Replaced:
    """A load balancer that is replaced by another process, in one of the two ways."""

    def __init__(self, way: str, folder: Path, nodes: Sequence[Node], port: int, admin_ports: Sequence[int]) -> None:
        self._way, self._folder, self._nodes = way, folder, nodes
        self._port, self._admin_ports = port, admin_ports
        self._started = 0
        self.running: Child | None = None

    async def start(self, children: Children) -> None:
        """Start the first one, or the next beside the one that runs, and wait until it serves."""
        config = self._folder / f"lb{self._started}.yaml"
        config.write_text(json.dumps(self._settings()))
        module = ["zdu", "lb"] if self._way == HANDOVER else ["bench.proxies.reuseport_lb"]
        more = ["--take-over"] if self._way == HANDOVER and self.running is not None else []
        command = [sys.executable, "-P", "-m", *module, "--config", str(config), *more]
        child = children.start(f"lb{self._started}", command, self._folder, environment=ROOT)
        self._started += 1
        deadline_s = time.monotonic() + START_S
        while '"ready": true' not in (child.output.read_text() if child.output.exists() else ""):
            child.check()
            if time.monotonic() > deadline_s:
                raise BenchError(f"{child.name} was not ready within {START_S:g} s:\n{tail(child.output)}")
            await asyncio.sleep(0.01)
        self._before, self.running = self.running, child

    async def end_old_one(self) -> int:
        """Tell the one that ran before to stop, if nobody else has, and return its exit code."""
        old = self._before
        assert old is not None, "there was one"
        if self._way == REUSEPORT:
            await asyncio.sleep(0.5)  # for the new one's first health checks
            old.signal(signal.SIGTERM)
        return await asyncio.to_thread(old.popen.wait, START_S)

    def _settings(self) -> dict[str, object]:
        handover = {"handover": str(self._folder / "lb.sock")} if self._way == HANDOVER else {}
        return {
            "port": self._port,
            "admin_port": self._admin_ports[0 if handover else self._started],
            "nodes": [{"name": node.name, "port": node.port} for node in self._nodes],
            "health": {"inter": "500ms"},
            "log_file": str(self._folder / f"lb{self._started}.log"),
            "access_log_file": str(self._folder / "access.log"),
            **handover,
        }


def main() -> int:
    """Measure, print, judge."""
    options = _options()
    require(["nginx"])
    machine = describe(["nginx"])
    progress(f"about {2 * options.seconds + 15:.0f} seconds")
    progress(warn_if_busy())
    outcomes = []
    for way in (HANDOVER, REUSEPORT):
        with (
            tempfile.TemporaryDirectory(prefix="zdu-handover-", ignore_cleanup_errors=True) as folder,
            Children() as all_,
        ):
            _, others = cores()
            ports = free_ports(4 + options.replacements)
            nodes = (Node("node1", ports[0]), Node("node2", ports[1]))
            start_backends(all_, nodes, Path(folder), others)
            replaced = Replaced(way, Path(folder), nodes, ports[2], ports[3:])
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                outcomes.append(runner.run(_measure(replaced, all_, way, ports[2], options)))
            progress(f"{way}: {outcomes[-1].failed} of {outcomes[-1].sent} failed")
    ours = outcomes[0]
    targets = [
        Target("failed requests, sockets handed over", ours.failed, 0, False),
        Target("idle connections ended by it", ours.idle_ended, 0, False),
    ]
    report = _report(machine, options, outcomes, targets)
    print(json.dumps([_facts(outcome) for outcome in outcomes], indent=2) if options.json else report)
    if options.write:
        README.write_text(replaced_between_markers(README.read_text(encoding="utf-8"), "bench-handover", report))
    in_order = ours.answered > 0 and set(ours.exit_codes) == {0}
    return EXIT_MET if in_order and all(target.met for target in targets) else EXIT_NOT_MET


async def _measure(
    replaced: Replaced, children: Children, way: str, port: int, options: argparse.Namespace
) -> Outcome:
    outcome = Outcome(way)
    await replaced.start(children)
    await asyncio.sleep(0.5)  # for its first health checks
    users = Users(port, options.rate, outcome)
    using = asyncio.create_task(users.run())
    pause_s = options.seconds / (options.replacements + 1)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    for turn in range(options.replacements):
        await asyncio.sleep(max(0.0, began_s + (turn + 1) * pause_s - loop.time()))
        await replaced.start(children)
        outcome.exit_codes[await replaced.end_old_one()] += 1
        outcome.replacements += 1
        if using.done():
            raise BenchError(f"{options.replacements} replacements took longer than {MOST_S:g} s")
    await asyncio.sleep(max(0.0, began_s + options.seconds - loop.time()))
    users.end()
    await using
    outcome.latencies_ms.sort()
    return outcome


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-handover", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15, help="of traffic, at least, for each way (default 15)")
    parser.add_argument("--rate", type=float, default=500, help="requests per second (default 500)")
    parser.add_argument("--replacements", type=int, default=5, help="of the load balancer (default 5)")
    parser.add_argument("--json", action="store_true", help="data instead of the table")
    parser.add_argument("--write", action="store_true", help="put the table into bench/README.md")
    options = parser.parse_args()
    if not (1 <= options.seconds <= 600 and 10 <= options.rate <= 5000 and 1 <= options.replacements <= 100):
        parser.error("--seconds is 1 to 600, --rate 10 to 5000, --replacements 1 to 100")
    return options


def _facts(outcome: Outcome) -> dict[str, object]:
    facts = {name: value for name, value in vars(outcome).items() if name != "latencies_ms"}
    return {**facts, "p99_ms": percentile(outcome.latencies_ms, 0.99), "max_ms": max(outcome.latencies_ms, default=0)}


def _report(machine: str, options: argparse.Namespace, outcomes: Sequence[Outcome], targets: Sequence[Target]) -> str:
    rows = [
        [
            outcome.way,
            f"{outcome.replacements}",
            f"{outcome.sent:,}",
            f"{outcome.failed:,}",
            f"{outcome.reopened}",
            f"{outcome.idle_ended} of {IDLE}",
            number(percentile(outcome.latencies_ms, 0.99), 1),
            number(max(outcome.latencies_ms, default=0), 1),
        ]
        for outcome in outcomes
    ]
    header = ["", "replaced", "requests", "failed", "kept-alive reopened", "idle ended", "p99, ms", "slowest, ms"]
    failures = [
        f"{outcome.way}: " + ", ".join(f"{count} × {what}" for what, count in sorted(outcome.failures.items()))
        for outcome in outcomes
        if outcome.failures
    ]
    parts = [
        f"Machine: {machine}",
        f"{options.rate:g} requests/s, half on new connections that come "
        f"{max(1, round(options.rate / 2 * BURST_EVERY_S))} at once, half on {KEPT} kept-alive ones.",
        markdown_table(header, rows),
        *failures,
        targets_table(targets),
    ]
    return "\n\n".join(parts)


if __name__ == "__main__":
    run_command(main)
