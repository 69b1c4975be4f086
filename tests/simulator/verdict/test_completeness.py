"""What was never looked at proves nothing: each witness that is missing makes a blameless run inconclusive."""

from dataclasses import replace

import pytest

from simulator.verdict import reach_verdict
from tests.support.evidence import PROBES_FINE, RUNNING, evidence, good_events, good_requests
from zdu.events import (
    BalancerAudited,
    ClusterAudited,
    Event,
    LoadStopped,
    NodeBack,
    NodeLogsAudited,
    NodeTakenOut,
    NotAudited,
    UpgradeHistory,
    WritesAudited,
)

AUDIT = "the audit at the end was complete"


def broken(events: list[tuple[float, Event]], **changes: object) -> tuple[str, dict[str, str]]:
    verdict = reach_verdict(replace(evidence(events), **changes))  # type: ignore[arg-type]  # fields of the evidence
    return verdict.word, {check.name: check.detail for check in verdict.checks if not check.ok}


def with_(*new: Event) -> list[tuple[float, Event]]:
    by_kind = {type(event): event for event in new}
    return [(at_s, by_kind.get(type(event), event)) for at_s, event in good_events()]


@pytest.mark.parametrize("kind", [ClusterAudited, UpgradeHistory, WritesAudited, BalancerAudited, NodeLogsAudited])
def test_a_witness_that_was_not_asked_is_missed(kind: type[Event]) -> None:
    word, wrong = broken([pair for pair in good_events() if not isinstance(pair[1], kind)])
    assert word == "inconclusive"
    assert AUDIT in wrong


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (BalancerAudited(0, []), "the load balancer's log has 0 attempts, but 520 answers came"),
        (BalancerAudited(519, []), "the load balancer's log has 519 attempts, but 520 answers came"),
        (BalancerAudited(0, [], untold="it tells of no retries"), "has 0 attempts"),
        (NodeLogsAudited([], RUNNING[:1]), "the log of node2 tells of no state"),
        (WritesAudited(1, [], [], {"node1": []}), "the writes were not read through node2"),
    ],
)
def test_a_witness_that_saw_too_little_is_missed(event: Event, told: str) -> None:
    word, wrong = broken(with_(event))
    assert (word, list(wrong)) == ("inconclusive", [AUDIT])
    assert told in wrong[AUDIT]


def test_another_load_balancer_s_log_may_know_less() -> None:
    assert broken(with_(BalancerAudited(1, [], untold="it tells of no retries")))[0] == "pass"


def test_an_audit_that_was_hindered_says_by_what() -> None:
    assert "the database is gone" in broken([*good_events(), (15.3, NotAudited("the database is gone"))])[1][AUDIT]


def test_a_node_that_was_rolled_and_never_seen_to_be_out_is_missed() -> None:
    out = (NodeTakenOut, NodeBack)
    kept = [(at_s, event) for at_s, event in good_events() if not (isinstance(event, out) and event.node == "node2")]
    word, wrong = broken(kept)
    assert (word, wrong) == (
        "inconclusive",
        {"each node was seen to be taken out": "node2 was never seen to be taken out"},
    )


def test_a_request_without_an_outcome_is_missed_by_its_number() -> None:
    word, wrong = broken(good_events(), requests=[r for r in good_requests() if r.id not in {77, 99}])
    assert (word, wrong) == (
        "inconclusive",
        {"every request has its outcome": "the record has no outcome of 2 requests, the first is number 77"},
    )
    assert "every request has its outcome" in broken(with_(LoadStopped(PROBES_FINE)))[1]
    twice = [*good_requests(), good_requests()[-1]]
    assert "every request has its outcome" in broken(good_events(), requests=twice)[1]
