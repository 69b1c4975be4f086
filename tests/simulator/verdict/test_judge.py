"""The verdict is tested by spoiling one thing in a blameless record: each must be found, and named."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from simulator.scenario.model import Expectations
from simulator.verdict import Verdict, reach_verdict
from tests.support.evidence import NEW, evidence, good_events, good_requests, request
from zdu.events import (
    ClusterAudited,
    ClusterObserved,
    Event,
    LoadStopped,
    ProcessExited,
    RunAborted,
    RunInterrupted,
    UpgradeHistory,
    WritesAudited,
)

Events = list[tuple[float, Event]]


def broken(verdict: Verdict) -> list[str]:
    return [check.name for check in verdict.checks if not check.ok]


def replaced(kind: type[Event], new: Event) -> Events:
    return [(at_s, new if isinstance(event, kind) else event) for at_s, event in good_events()]


def test_a_blameless_record_passes() -> None:
    verdict = reach_verdict(evidence())
    assert (verdict.word, broken(verdict)) == ("pass", [])
    assert "Nobody noticed" in verdict.sentence
    assert verdict.sessions.moved == 2


def test_one_failed_request_fails_the_run_and_is_told_with_its_cause() -> None:
    requests = good_requests()
    requests.append(
        request(812, 4.4, "node1", session="s17", status=503, outcome="http_503", detail="JIRA is stopping")
    )
    requests[-1] = replace(requests[-1], sent_s=4.4, end_s=4.41)
    verdict = reach_verdict(evidence(requests=requests))
    assert verdict.word == "fail"
    told = verdict.reasons[0]
    assert "request 812 (view_issue, session s17) sent at 4.40 s got http_503 from node1" in told
    assert "0.30 s after node1 was told to stop" in told


def test_a_scenario_may_allow_failed_requests() -> None:
    requests = [*good_requests(), request(999, 8.0, outcome="timeout", node="")]
    assert reach_verdict(evidence(requests=requests, expect=Expectations(failed_requests=1))).word == "pass"


def test_a_session_that_met_the_log_in_page_is_lost() -> None:
    requests = [*good_requests(), request(999, 8.0, outcome="login_page", session="s5")]
    verdict = reach_verdict(evidence(requests=requests, expect=Expectations(failed_requests=1)))
    assert broken(verdict) == ["no session was lost"]
    assert verdict.sessions.lost == ("s5",)


WRITES_NAME = "every acknowledged write is there exactly once"


@pytest.mark.parametrize(
    ("audit", "name"),
    [
        (WritesAudited(9, ["w000007 (create_issue)"], [], {"node1": []}), WRITES_NAME),
        (WritesAudited(9, [], ["w000008 (comment_issue)"], {"node1": []}), WRITES_NAME),
        (
            WritesAudited(9, [], [], {"node1": [], "node2": ["w000009 (edit_issue)"]}),
            "every acknowledged write is readable through every node",
        ),
    ],
)
def test_a_lost_a_doubled_and_an_invisible_write_fail_the_run(audit: WritesAudited, name: str) -> None:
    verdict = reach_verdict(evidence(replaced(WritesAudited, audit)))
    assert (verdict.word, broken(verdict)) == ("fail", [name])
    assert "w00000" in verdict.reasons[0]


def test_an_illegal_step_of_the_upgrade_state_fails_the_run() -> None:
    rows = [
        {"order_number": n, "state": state, "database_time": n}
        for n, state in enumerate(("READY_TO_UPGRADE", "STABLE", "MIXED"))
    ]
    verdict = reach_verdict(evidence(replaced(UpgradeHistory, UpgradeHistory(rows))))
    assert verdict.word == "fail"
    assert "STABLE → MIXED" in verdict.reasons[0]


def test_a_node_that_shows_a_state_no_legal_way_leads_to_fails_the_run() -> None:
    events = [*good_events(), (14.5, ClusterObserved("MIXED", "node2"))]
    verdict = reach_verdict(evidence(events))
    assert "on node2: STABLE → MIXED" not in verdict.reasons  # MIXED can be reached again by a second upgrade
    events = [*good_events(), (12.5, ClusterObserved("READY_TO_UPGRADE", "node2"))]
    assert reach_verdict(evidence(events)).word == "pass"  # a roll back leads there


def test_a_request_to_a_node_that_was_out_fails_the_run() -> None:
    requests = [*good_requests(), request(777, 5.0, "node1")]
    verdict = reach_verdict(evidence(requests=requests))
    assert broken(verdict) == ["no request went to a node after it was taken out"]
    assert "request 777 went to node1 at 5.00 s" in verdict.reasons[0]


def test_a_request_sent_while_a_node_was_out_and_answered_once_it_was_back_is_fine() -> None:
    late = replace(request(778, 6.99, "node1"), end_s=7.02, version=NEW)
    assert reach_verdict(evidence(requests=[*good_requests(), late])).word == "pass"


def test_a_process_that_died_fails_the_run_even_if_no_request_did() -> None:
    events = [*good_events(), (8.0, ProcessExited("node2", -9, expected=False))]
    verdict = reach_verdict(evidence(events))
    assert (verdict.word, broken(verdict)) == ("fail", ["every process lived until it was stopped"])
    assert "node2 died at 8.00 s (signal 9); nobody had stopped it" in verdict.reasons[0]


def test_a_process_that_ends_badly_when_stopped_fails_the_run() -> None:
    events = [*good_events(), (15.5, ProcessExited("node1", -9, expected=True))]
    assert broken(reach_verdict(evidence(events))) == ["every process lived until it was stopped"]


def test_a_process_killed_because_the_run_was_interrupted_breaks_no_promise() -> None:
    events = [*good_events(), (15.4, RunInterrupted("SIGINT")), (15.5, ProcessExited("node1", -9, expected=True))]
    assert reach_verdict(evidence(events)).word == "inconclusive"


def test_a_story_that_broke_fails_the_run() -> None:
    verdict = reach_verdict(evidence([*good_events(), (8.0, RunAborted("node2 does not answer"))]))
    assert verdict.word == "fail"
    assert "node2 does not answer" in verdict.sentence


def test_a_cluster_that_is_not_upgraded_in_the_end_fails_the_run() -> None:
    audit = ClusterAudited({"node1": {"version": NEW, "state": "STABLE"}, "node2": {"error": "no answer"}})
    verdict = reach_verdict(evidence(replaced(ClusterAudited, audit)))
    assert broken(verdict) == [f"the cluster is STABLE on {NEW}"]


def test_an_outage_longer_than_allowed_is_found_from_the_probes() -> None:
    probes = [
        request(1000 + n, n / 10, "node2", kind="probe_new", session="probe_new", outcome=outcome)
        for n, outcome in enumerate(["ok", "ok", "http_503", "http_503", "http_503", "ok"])
    ]
    expect = Expectations(failed_requests=3, longest_outage="250ms")  # type: ignore[arg-type]  # as written in a file
    verdict = reach_verdict(evidence(requests=good_requests() + probes, expect=expect))
    assert broken(verdict) == ["outages stayed short"]
    assert "300 ms" in verdict.reasons[0]


def no_moves() -> Verdict:
    stay = [r for r in good_requests() if not (r.session == "s2" and r.sent_s > 8.9)]
    return reach_verdict(evidence(requests=[r for r in stay if not (r.session == "s1" and r.sent_s > 3.9)]))


def no_mixed_traffic() -> Verdict:
    quiet = [r for r in good_requests() if not 7.0 <= r.sent_s < 12.1]
    return reach_verdict(evidence(requests=quiet))


def late_probes() -> Verdict:
    late = {"probe_new": {"intended": 100, "on_time": 90}, "probe_reused": {"intended": 100, "on_time": 100}}
    return reach_verdict(evidence(replaced(LoadStopped, LoadStopped(late))))


def no_probes() -> Verdict:
    return reach_verdict(evidence(replaced(LoadStopped, LoadStopped({}))))


def no_writes() -> Verdict:
    return reach_verdict(evidence(replaced(WritesAudited, WritesAudited(0, [], [], {"node1": []}))))


def no_audit() -> Verdict:
    return reach_verdict(evidence([e for e in good_events() if not isinstance(e[1], WritesAudited)]))


def interrupted() -> Verdict:
    return reach_verdict(evidence([*good_events(), (14.9, RunInterrupted("SIGINT"))]))


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (no_moves, "sessions had to move"),
        (no_mixed_traffic, "MIXED saw traffic on both versions"),
        (late_probes, "the probes kept their rate"),
        (no_probes, "the probes kept their rate"),
        (no_writes, "writes were made and looked for"),
        (no_audit, "writes were made and looked for"),
        (interrupted, "the run was not interrupted"),
    ],
)
def test_a_run_that_proved_nothing_is_inconclusive(spoil: Callable[[], Verdict], name: str) -> None:
    verdict = spoil()
    assert verdict.word == "inconclusive"
    assert name in broken(verdict)
    assert verdict.sentence.startswith("This run proves nothing")


def test_a_broken_promise_outweighs_a_missing_proof() -> None:
    events = [*replaced(LoadStopped, LoadStopped({})), (8.0, ProcessExited("lb", 1, expected=False))]
    assert reach_verdict(evidence(events)).word == "fail"
