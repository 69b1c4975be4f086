"""Faults in the verdict: the idle ones prove nothing, the others are named, killed is not died."""

from dataclasses import replace

from simulator.verdict import Verdict, reach_verdict
from tests.support.evidence import evidence, good_events, good_requests, request
from zdu.events import Event, FaultApplied, FaultFired, FaultReset, ProcessExited, ProcessStopping

ON = (2.0, FaultApplied(1, "net.latency", "node2", {"latency": "300ms"}))
FIRED = (2.5, FaultFired(1, "net.latency", "node2", 3))
OVER = (6.0, FaultReset(1, "net.latency", "node2", 17))


def judged(*events: tuple[float, Event]) -> Verdict:
    return reach_verdict(evidence([*good_events(), *events]))


def failing(node: str, at_s: float) -> Verdict:
    bad = replace(request(999, at_s, node), status=503, outcome="http_503")
    return reach_verdict(evidence([*good_events(), ON, FIRED, OVER], requests=[*good_requests(), bad]))


def test_a_fault_that_took_effect_and_that_nobody_noticed_passes() -> None:
    verdict = judged(ON, FIRED, OVER)
    assert verdict.word == "pass"
    (check,) = [check for check in verdict.checks if check.name == "every fault took effect"]
    assert check.detail == "net.latency on node2: 17 times"


def test_a_fault_that_never_took_effect_proves_nothing() -> None:
    verdict = judged(ON, (6.0, FaultReset(1, "net.latency", "node2", 0)))
    assert verdict.word == "inconclusive"
    assert "net.latency on node2, put on at 2.00 s, never took effect" in verdict.reasons[0]


def test_a_fault_that_could_not_be_taken_back_proves_nothing() -> None:
    verdict = judged(ON, FIRED, (6.0, FaultReset(1, "net.latency", "node2", 3, "no way back")))
    assert verdict.word == "inconclusive"
    assert "net.latency could not be taken back: no way back" in verdict.reasons[0]


def test_a_request_that_failed_under_a_fault_is_a_failed_request_and_the_sentence_names_the_fault() -> None:
    verdict = failing("node2", 3.0)
    assert verdict.word == "fail"
    assert "1 of them while net.latency on node2 was on." in verdict.sentence
    assert "while net.latency on node2 was on, and got http_503" in " ".join(verdict.reasons)


def test_what_happened_to_the_node_and_the_fault_are_one_sentence_with_single_commas() -> None:
    bad = replace(request(999, 9.05, "node2"), status=503, outcome="http_503")
    still_on = (10.0, FaultReset(1, "net.latency", "node2", 17))
    verdict = reach_verdict(evidence([*good_events(), ON, FIRED, still_on], requests=[*good_requests(), bad]))
    told = " ".join(verdict.reasons)
    assert "while net.latency on node2 was on, and got http_503" in told
    assert "after node2 was taken out" in told
    assert ",," not in told


def test_a_fault_that_is_on_and_has_not_taken_effect_yet_explains_nothing() -> None:
    late = (5.0, FaultFired(1, "net.latency", "node2", 3))
    bad = replace(request(999, 3.0, "node2"), status=503, outcome="http_503")
    verdict = reach_verdict(evidence([*good_events(), ON, late, OVER], requests=[*good_requests(), bad]))
    assert "net.latency" not in verdict.sentence
    assert "net.latency" not in " ".join(verdict.reasons)


def test_a_fault_of_another_node_explains_nothing() -> None:
    assert "net.latency" not in failing("node1", 3.0).sentence


def test_a_fault_that_was_over_a_moment_ago_is_named_as_such_and_one_of_long_ago_is_not() -> None:
    assert "shortly after net.latency on node2 was on" in failing("node2", 8.0).sentence
    assert "net.latency" not in failing("node2", 12.5).sentence


def test_a_process_that_was_to_be_killed_did_not_end_badly() -> None:
    killed = (15.5, ProcessExited("node1", -9, expected=True))
    assert judged((15.4, ProcessStopping("node1", "SIGKILL")), killed).word == "pass"
    assert judged((15.4, ProcessStopping("node1", "SIGTERM")), killed).word == "fail"


def test_a_fault_that_keeps_sessions_from_moving_is_told_where_they_had_to_move() -> None:
    fixated = "session.fixated_to_dead_node"
    on = [(2.0, FaultApplied(1, fixated, "", {})), (2.5, FaultFired(1, fixated, "", 3))]
    verdict = judged(*on, (6.0, FaultReset(1, fixated, "", 17)))
    (check,) = [check for check in verdict.checks if check.name == "sessions had to move"]
    assert check.detail.endswith(
        f"from 2.00 s to 6.00 s {fixated} kept sessions on nodes that were gone, so they could not move"
    )
