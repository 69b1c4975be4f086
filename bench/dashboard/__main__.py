"""``make bench-dashboard``: the live page with ten nodes and two hundred users who move, in Chromium, frame by frame.

The page, the control port and the feed are those of ``zdu up``; what is recorded is made up, so that nothing else
works on this machine and every round is the same: 200 answers a second, a quarter of them from a node drawn anew.
"""

import argparse
import asyncio
import os
import random
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from playwright.async_api import async_playwright

from bench.common.errors import EXIT_MET, EXIT_NOT_MET, BenchError, progress, run_command
from bench.common.machine import describe, warn_if_busy
from bench.common.tables import markdown_table, targets_table
from bench.dashboard.frames import Smoothness, smoothness
from simulator.cluster import DatabaseTarget
from simulator.dashboard.feed import Feed
from simulator.dashboard.site import Site
from simulator.dashboard.status import status_of_stage
from simulator.record.recorder import Recorder
from simulator.record.requests import OK, RequestRecord
from simulator.record.run_folder import RunFolder
from simulator.scenario import load
from simulator.stage import RunPlan
from zdu.clock import SystemClock
from zdu.events import LoadStarted, NodeObserved, ProcessStarted

CHROMIUM = "/usr/bin/chromium"
ANSWERS_A_SECOND = 200
ONE_IN_MOVES = 4
SHOWN_WITHIN_MS = 60_000
_MEASURE = """
(seconds) => new Promise((resolve) => {
  const times = [];
  let long = 0;
  const observer = new PerformanceObserver((list) => (long += list.getEntries().length));
  observer.observe({entryTypes: ["longtask"]});
  const until = performance.now() + seconds * 1000;
  const tick = (now) => {
    times.push(now);
    if (now < until) requestAnimationFrame(tick);
    else { observer.disconnect(); resolve({times, long}); }
  };
  requestAnimationFrame(tick);
})
"""


def answers(nodes: int, users: int) -> Iterator[RequestRecord]:
    """Answers without end, each of a user; every so many is one of another node than before."""
    rng = random.Random(1)
    at = {f"s{number}": f"node{1 + number % nodes}" for number in range(1, users + 1)}
    for number in count(1):
        user = rng.choice(list(at))
        if number % ONE_IN_MOVES == 0:
            at[user] = f"node{1 + rng.randrange(nodes)}"
        yield RequestRecord(
            number, f"{user}.1", "view_issue", "GET", "/browse/ZDU-1", 0.0, 0.0, 0.01, 0.02, at[user], "7.3.0",
            "reused", 200, OK, "",
        )  # fmt: skip


async def measure(program: str, nodes: int, users: int, seconds: float) -> tuple[Smoothness, float]:
    """Serve the page, feed it, look at it: how smooth it was, and how many users moved a second meanwhile."""
    scenario = load("valiantys", [f"cluster.nodes={nodes}", f"load.users={users}"])
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder), SystemClock())
        plan = RunPlan(scenario, 1, RunFolder(Path(folder)), DatabaseTarget("sqlite+aiosqlite:///none"), "zdu up")
        feed = Feed(recorder, scenario.cluster.node_ids)
        site = Site(feed, "bench", lambda: {**status_of_stage("bench", plan, None, feed), "phase": "up"})
        await site.open()
        try:
            for number, node in enumerate(scenario.cluster.node_ids):
                recorder.event(ProcessStarted(node, 1 + number, "", "7.3.0", ""))
                recorder.event(NodeObserved(node, "RUNNING", "7.3.0", 73011))
            recorder.event(LoadStarted(users, 0.0))
            async with asyncio.TaskGroup() as working:
                feeding = working.create_task(_keep_feeding(recorder, nodes, users))
                found = await _look(site.page_url, program, feed, users, seconds)
                feeding.cancel()
        finally:
            await site.close()
            recorder.close()
    return found


async def _keep_feeding(recorder: Recorder, nodes: int, users: int) -> None:
    for answer in answers(nodes, users):
        recorder.request(answer)
        await asyncio.sleep(1 / ANSWERS_A_SECOND)


def chromium() -> str:
    """The browser's program. Raises BenchError if there is none."""
    program = os.environ.get("ZDU_CHROMIUM", CHROMIUM)
    if not Path(program).exists():
        raise BenchError(f"there is no Chromium at {program}: install Debian's chromium, or set ZDU_CHROMIUM")
    return program


async def _look(url: str, program: str, feed: Feed, users: int, seconds: float) -> tuple[Smoothness, float]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        try:
            page = await browser.new_page(viewport={"width": 1280, "height": 900})
            await page.goto(url, timeout=SHOWN_WITHIN_MS)
            shown = f"document.querySelectorAll('circle.user').length === {users}"
            await page.wait_for_function(shown, timeout=SHOWN_WITHIN_MS)
            await page.evaluate(_MEASURE, 1.0)  # what is done once is not what is asked for
            before = feed.last_move
            found = await page.evaluate(_MEASURE, seconds)
            return smoothness(found["times"], found["long"]), (feed.last_move - before) / seconds
        finally:
            await browser.close()


def report(found: Smoothness, machine: str, what: str) -> str:
    """The whole text."""
    header = ["frames", "a second", "p50, ms", "p95, ms", "worst, ms", "late", "long tasks"]
    row = [
        f"{found.frames:,}",
        *(f"{value:.1f}" for value in (found.per_second, found.p50_ms, found.p95_ms, found.worst_ms)),
        str(found.late),
        str(found.long_tasks),
    ]
    return "\n\n".join([f"Machine: {machine}", what, markdown_table(header, [row]), targets_table(found.targets)])


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=10)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    machine = describe()
    if warning := warn_if_busy():
        progress(warning)
    progress(f"{options.seconds:g} s in Chromium ...")
    found, moves = asyncio.run(measure(chromium(), options.nodes, options.users, options.seconds))
    what = (
        f"{options.nodes} nodes, {options.users} users, {moves:.0f} moves a second, Chromium without a graphics card."
    )
    print(report(found, machine, what))
    return EXIT_MET if all(target.met for target in found.targets) else EXIT_NOT_MET


if __name__ == "__main__":
    run_command(main)
