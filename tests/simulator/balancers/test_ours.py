"""The load balancer's log tells of attempts that no client hears of."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from simulator.balancers.audit import Inquiry, tell
from simulator.balancers.ours import read_log
from simulator.verdict.lag import Leaving
from simulator.verdict.model import Absence
from zdu.events import BalancerAudited

ABSENCES = [Absence("node1", 4.0, 7.0), Absence("node2", 9.0, None)]


def audited(
    log: Path, *failed: int, leavings: Sequence[Leaving] = (), answered_by: Mapping[int, str] | None = None
) -> BalancerAudited:
    asked = Inquiry(ABSENCES, leavings, failed, answered_by or {}, lambda monotonic_s: monotonic_s - 100, float)
    return tell(read_log(log), asked, asked.since_start_s, who="the load balancer")


def line(t_s: float, *nodes: str) -> str:
    return held_line(t_s, t_s, *nodes)


def held_line(received_s: float, began_s: float, *nodes: str) -> str:
    attempts = [{"node": node, "began_s": 100 + began_s} for node in nodes]
    facts = {"method": "GET", "target": "/", "received_s": 100 + received_s, "attempts": attempts}
    return json.dumps(facts) + "\n"


def test_an_answer_that_names_another_node_than_it_was_sent_to_is_told(tmp_path: Path) -> None:
    log = tmp_path / "access.jsonl"
    facts = {"request_id": "zdu-7", "method": "GET", "target": "/", "received_s": 101.0}
    attempts = [{"node": node, "began_s": 101.0} for node in ("node1", "node2")]
    log.write_text(json.dumps({**facts, "attempts": attempts}) + "\n" + line(1.0, "node1"))
    assert audited(log, answered_by={7: "node2"}).misattributed == []
    assert audited(log, answered_by={7: "node1"}).misattributed == [
        "request 7 was sent to node2, and its answer names node1"
    ]


def test_attempts_to_a_node_that_was_out_are_named_and_others_are_not(tmp_path: Path) -> None:
    log = tmp_path / "access.jsonl"
    log.write_text(
        line(3.9, "node1") + line(5.0, "node1", "node2") + line(7.1, "node1") + line(9.5, "node2") + '{"cut'
    )
    audit = audited(log)
    assert audit.attempts == 5
    assert audit.stray_attempts == [
        "the load balancer sent GET / of 5.00 s to node1",
        "the load balancer sent GET / of 9.50 s to node2",
    ]


def test_a_request_that_was_held_until_the_node_was_back_went_to_no_node_that_was_out(tmp_path: Path) -> None:
    log = tmp_path / "access.jsonl"
    log.write_text(held_line(6.0, 7.1, "node1") + held_line(3.0, 5.0, "node1"))
    audit = audited(log)
    assert audit.stray_attempts == ["the load balancer sent GET / of 5.00 s to node1"]


def test_the_way_of_a_failed_request_is_found_by_its_number(tmp_path: Path) -> None:
    log = tmp_path / "access.jsonl"
    facts = {"request_id": "zdu-812", "method": "GET", "target": "/", "received_s": 105.0}
    attempts = [{"node": node, "began_s": 105.0} for node in ("node2", "node3")]
    log.write_text(json.dumps({**facts, "attempts": attempts}) + "\n" + line(5.0, "node2"))
    audit = audited(log, 812, 813)
    assert audit.sent_to == {"812": ["node2", "node3"]}


def test_a_log_that_is_not_there_has_no_attempts(tmp_path: Path) -> None:
    assert audited(tmp_path / "none.jsonl").attempts == 0


def test_attempts_to_a_node_that_had_said_it_was_leaving_are_told_with_their_time_and_number(tmp_path: Path) -> None:
    log = tmp_path / "access.jsonl"
    lines = []
    for number, at_s, node in ((1, 3.9, "node1"), (2, 4.25, "node1"), (3, 4.5, "node2"), (4, 7.5, "node1")):
        attempts = [{"node": node, "began_s": 100 + at_s}]
        facts = {"request_id": f"zdu-{number}", "method": "GET", "target": "/", "attempts": attempts}
        lines.append(json.dumps(facts) + "\n")
    log.write_text("".join(lines) + line(4.75, "node1"))
    leaving = [Leaving("node1", 4.0, None, 7.0, 1.0)]

    audit = audited(log, leavings=leaving)

    assert audit.late_attempts == [
        {"node": "node1", "at_s": 4.25, "request": 2},
        {"node": "node1", "at_s": 4.75, "request": 0},
    ]
