"""``make oracle``: the same cases through our load balancer and through HAProxy, nginx and Apache, side by side.

Every product has two misbehaving nodes of its own, a and b; requests are bound to a by the sticky cookie. Time-outs
are short and the same for all, health checks a minute apart, and a node is never left alone for having failed, so
that one case does not change the next. Exit code 1 if ours does not do what is wanted of it.
"""

import argparse
import asyncio
import json
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path

import uvloop

from bench.common.errors import EXIT_MET, EXIT_NOT_MET, BenchError, progress, run_command
from bench.common.machine import describe, require
from bench.common.tables import replaced_between_markers
from bench.oracle import cases as case_library
from bench.oracle import vectors as vector_library
from bench.oracle.case import Case, Vector
from bench.oracle.report import case_table, complaints, score_table, vector_table
from bench.oracle.runner import Runner
from bench.proxies.apache import Apache
from bench.proxies.haproxy import HAProxy, RetryingHAProxy
from bench.proxies.nginx import Nginx
from bench.proxies.setup import Proxy
from bench.proxies.zdu_lb import ZduLb

OURS = ZduLb.name
DOCUMENT = Path(__file__).parents[2] / "docs" / "oracle.md"
_DOCUMENT_WIDTH = 120


def main() -> int:
    """Run, print, judge."""
    options = _options()
    known: dict[str, Proxy] = {
        proxy.name: proxy for proxy in (ZduLb(), HAProxy(), RetryingHAProxy(), Nginx(), Apache())
    }
    names = [name.strip() for name in options.subjects.split(",")] if options.subjects else list(known)
    if unknown := [name for name in names if name not in known]:
        raise BenchError(f"no such subject: {', '.join(unknown)}; there are {', '.join(known)}")
    require(known[name].program for name in names if known[name].program)
    cases = [case for family in case_library.FAMILIES.values() for case in family if options.only in case.name]
    vectors = [
        vector for family in vector_library.FAMILIES.values() for vector in family if options.only in vector.name
    ]
    if not cases and not vectors:
        raise BenchError(f"no case and no vector has {options.only!r} in its name")
    progress(f"{len(cases)} cases and {len(vectors)} requests, {len(names)} products at once: about 1 to 2 minutes")
    with tempfile.TemporaryDirectory(prefix="zdu-oracle-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        runners = [Runner(known[name], Path(folder), cases, vectors) for name in names]
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
            loop.run(_run_all(runners))
    report = _report(runners, cases, vectors)
    if options.json:
        print(json.dumps(_as_data(runners, cases, vectors), indent=2))
    else:
        print(report)
    if options.write:
        DOCUMENT.write_text(replaced_between_markers(DOCUMENT.read_text(encoding="utf-8"), "oracle", report))
    ours = next((runner for runner in runners if runner.proxy.name == OURS), None)
    wrong = complaints(cases, ours.seen, vectors, ours.vectors_seen) if ours else []
    progress("\n".join([f"{OURS}: {len(wrong)} not as wanted", *(f"  {line}" for line in wrong)]))
    return EXIT_NOT_MET if wrong else EXIT_MET


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make oracle", description=__doc__)
    parser.add_argument("--subjects", default="", help="comma-separated (default: all)")
    parser.add_argument("--only", default="", help="only cases and requests with this in their name")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print data instead of tables")
    output.add_argument("--markdown", action="store_true", help="print tables (as without any option)")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {DOCUMENT.name}")
    return parser.parse_args()


async def _run_all(runners: Sequence[Runner]) -> None:
    try:
        async with asyncio.TaskGroup() as tasks:
            for runner in runners:
                tasks.create_task(runner.run())
    except BaseExceptionGroup as group:
        known = group.subgroup(BenchError)
        raise known.exceptions[0] if known else group.exceptions[0] from None


def _report(runners: Sequence[Runner], cases: Sequence[Case], vectors: Sequence[Vector]) -> str:
    seen = {runner.proxy.name: runner.seen for runner in runners}
    vectors_seen = {runner.proxy.name: runner.vectors_seen for runner in runners}
    machine = describe(["haproxy", "nginx", "apache2"]).partition(", load average")[0] + "."
    parts = [textwrap.fill(machine, _DOCUMENT_WIDTH, break_on_hyphens=False)]
    parts.append(score_table(cases, seen, vectors, vectors_seen, OURS))
    for family, members in case_library.FAMILIES.items():
        if chosen := [case for case in members if case in cases]:
            parts += [f"### {family}", case_table(chosen, seen)]
    for title, entries in vector_library.FAMILIES.items():
        if picked := [vector for vector in entries if vector in vectors]:
            parts += [f"### {title}", vector_table(picked, vectors_seen, OURS)]
    return "\n\n".join(parts)


def _as_data(runners: Sequence[Runner], cases: Sequence[Case], vectors: Sequence[Vector]) -> dict[str, object]:
    return {
        "cases": {
            case.name: {
                "wanted": case.want,
                **{
                    runner.proxy.name: {"client": seen.client, "closed": seen.closed, "executions": seen.executions,
                                        "notes": seen.notes, "seconds": round(seen.seconds, 3)}
                    for runner in runners if (seen := runner.seen.get(case.name))
                },
            }
            for case in cases
        },
        "requests": {
            vector.name: {
                "right": vector.verdict, "rfc": vector.section,
                **{runner.proxy.name: {"client": runner.vectors_seen[vector.name].client,
                                       "executions": runner.vectors_seen[vector.name].executions}
                   for runner in runners},
            }
            for vector in vectors
        },
        "complaints": {
            runner.proxy.name: complaints(cases, runner.seen, vectors, runner.vectors_seen) for runner in runners
        },
    }  # fmt: skip


if __name__ == "__main__":
    run_command(main)
