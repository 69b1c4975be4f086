"""``make bench-audit``: how long the closing audit takes by the number of writes, on SQLite and real nodes.

The writes are made by the node's own gateway, so only the auditor is measured: every write looked for in the
database, and issues with them read through each node. One more write is claimed that nobody made: it has to be found.
"""

import argparse
import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from bench.cluster.nodes import Nodes, Place, set_up_database
from bench.common.errors import EXIT_MET, EXIT_NOT_MET, BenchError, progress, run_command
from bench.common.machine import describe, warn_if_busy
from bench.common.processes import Children
from bench.common.tables import markdown_table, number
from shared_db import Database
from shared_db.rows import NewIssue
from simulator.audit import Auditor
from simulator.clients.jira_admin import JiraAdmin
from simulator.cluster import DatabaseTarget
from simulator.record.requests import OK, RequestRecord

BATCH = 100
LOST = "w999999"
"""The mark of the write that nobody made."""


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="make bench-audit", description=__doc__)
    parser.add_argument("--nodes", type=int, default=2, help="node processes (default 2)")
    parser.add_argument("--writes", default="300,3000,10000", help="acknowledged writes (default 300,3000,10000)")
    options = parser.parse_args()
    sizes = sorted(int(size) for size in options.writes.split(","))
    machine = describe()
    progress(warn_if_busy())
    with tempfile.TemporaryDirectory(prefix="zdu-audit-", ignore_cleanup_errors=True) as folder:
        place = Place(Path(folder), f"sqlite+aiosqlite:///{folder}/cluster.db", "")
        rows, found = uvloop.run(_measure(place, options.nodes, sizes))
    print(machine, markdown_table(["writes", "audit, s", "looked at through nodes"], rows), sep="\n\n")
    return EXIT_MET if found else EXIT_NOT_MET


async def _measure(place: Place, count: int, sizes: list[int]) -> tuple[list[list[str]], bool]:
    rows, found = [], True
    async with AsyncExitStack() as stack:
        set_up_database(place, 2)
        nodes = Nodes(place, stack.enter_context(Children()), 1.0)
        stack.push_async_callback(nodes.stop)
        await nodes.start(count, count)
        database = await stack.enter_async_context(await Database.open(place.url))
        auditor = Auditor(DatabaseTarget(place.url))
        stack.push_async_callback(auditor.close)
        requests: list[RequestRecord] = []
        for size in sizes:
            while len(requests) < size:
                requests += await _write(database, len(requests), min(BATCH, size - len(requests)))
            admins = {node.name: JiraAdmin(node.url) for node in nodes.all}
            begun_s = time.monotonic()
            audited = await auditor.writes([*requests, _request(size + 1, LOST, requests[0].issue)], admins)
            took_s = time.monotonic() - begun_s
            await asyncio.gather(*(admin.close() for admin in admins.values()))
            found &= [told.split()[0] for told in audited.lost] == [LOST]
            rows.append(
                [number(size), number(took_s, 1), f"{audited.issues_read:,} of {audited.issues_written:,} issues"]
            )
    return rows, found


async def _write(database: Database, before: int, count: int) -> list[RequestRecord]:
    """So many issues, each with a mark in its description."""
    marks = [f"w{before + number:06}" for number in range(count)]
    made = await database.issues.create_many("ZDU", [NewIssue("Audited", mark, "user1") for mark in marks])
    if len(made) != count:
        raise BenchError("not all issues were created")
    return [
        _request(before + number, mark, issue.key)
        for number, (mark, issue) in enumerate(zip(marks, made, strict=True), start=1)
    ]


def _request(number: int, mark: str, issue: str) -> RequestRecord:
    at_s = float(number)
    return RequestRecord(
        id=number,
        session="s1.1",
        kind="create_issue",
        method="POST",
        path="/create",
        intended_s=at_s,
        sent_s=at_s,
        first_byte_s=at_s,
        end_s=at_s,
        node=f"node{1 + number % 2}",
        version="7.3.0",
        connection="new",
        status=302,
        outcome=OK,
        detail="",
        write=mark,
        issue=issue,
    )


if __name__ == "__main__":
    run_command(main)
