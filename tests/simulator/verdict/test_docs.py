"""The page about the verdict names every check and every key, and no others."""

import re
from dataclasses import replace
from pathlib import Path

from simulator.result import build_result
from simulator.verdict import CheckKind, reach_verdict
from tests.support.evidence import PROBES_FINE, evidence, good_events, good_requests, request
from zdu.events import FaultApplied, FinalisedEarly, LoadStopped

PAGE = (Path(__file__).parents[3] / "docs" / "verdict.md").read_text(encoding="utf-8")


def rows_below(heading: str) -> list[str]:
    """The first column of the table in a section."""
    section = PAGE.split(f"## {heading}")[1].split("\n## ")[0]
    return [row.strip() for row in re.findall(r"^\| (.*?) \|", section, re.MULTILINE)][1:]


def test_every_check_is_explained() -> None:
    requests = [
        *good_requests(),
        request(997, 8.0, own_writes=1),
        request(998, 8.0, kind="search_issues"),
        request(999, 8.0, kind="bulk_edit"),
    ]
    refusals = (("node1", "8.0.3"),)
    arrivals = {"intended": 1, "sent": 1, "on_time": 1, "dropped": 0}
    events = [
        (at_s, LoadStopped(PROBES_FINE, arrivals=arrivals) if isinstance(event, LoadStopped) else event)
        for at_s, event in good_events()
    ]
    events.append((2.0, FaultApplied(1, "net.latency", "node1", {})))
    events.append((6.0, FinalisedEarly("node1", ["node2"], 6.0, 409, "no")))
    found = evidence(events, requests, sessions_kind="shared", refusals=refusals)
    checks = reach_verdict(replace(found, breaches=("7.3.2+leaks-5xx",))).checks
    objectives = [check.name for check in checks if check.kind is CheckKind.OBJECTIVE]
    assert rows_below("Objectives: missed ones fail the run") == objectives
    promises = [check.name for check in checks if check.kind is CheckKind.PROMISE]
    assert rows_below("Promises: broken ones fail the run") == promises
    proofs = [check.name for check in checks if check.kind is CheckKind.PROOF]
    assert rows_below("Proofs: without one the run is inconclusive") == proofs


def test_every_key_of_the_result_is_explained() -> None:
    good = evidence()
    keys = build_result(good, reach_verdict(good)).keys()
    explained = [key for row in rows_below("`result.json`") for key in re.findall(r"`(\w+)`", row)]
    assert sorted(explained) == sorted(keys)
