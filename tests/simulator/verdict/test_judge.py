"""The verdict is tested by spoiling one thing in a blameless record: each must be found, and named."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from simulator.scenario.expectations import Expectations
from simulator.verdict import Verdict, reach_verdict
from tests.support.evidence import NEW, OLD, RUNNING, evidence, good_events, good_requests, request, version_of
from zdu.events import (
    BalancerAudited,
    ClusterAudited,
    ClusterObserved,
    Event,
    LoadStopped,
    NodeBack,
    NodeLogsAudited,
    NodeTakenOut,
    ProcessExited,
    RunAborted,
    RunInterrupted,
    UpgradeHistory,
    WritesAudited,
)

Events = list[tuple[float, Event]]
OUT = (NodeTakenOut, NodeBack)


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
    assert (
        "request 812 of session s17 (view_issue) went to node1 at 4.40 s, 0.30 s after node1 was told to stop, "
        "and got http_503: JIRA is stopping"
    ) in told


def test_a_scenario_may_allow_failed_requests_and_then_the_verdict_does_not_say_that_there_were_none() -> None:
    requests = [*good_requests(), request(999, 8.0, outcome="timeout", node="")]
    verdict = reach_verdict(evidence(requests=requests, expect=Expectations(objectives=("requests lost <= 1",))))
    assert verdict.word == "pass"
    assert verdict.sentence.startswith("Within what was allowed")
    assert "1 failed" in verdict.sentence


def test_a_run_in_which_people_had_to_wait_does_not_say_that_nobody_noticed() -> None:
    slow = [replace(r, end_s=r.sent_s + 2.5) if r.session == "s1" and r.id % 9 == 0 else r for r in good_requests()]
    verdict = reach_verdict(evidence(requests=slow))
    assert verdict.word == "pass"
    assert verdict.sentence.startswith("Nobody lost anything, but people had to wait")
    assert "requests of users took longer than 1s, the longest 2.5 s" in verdict.sentence


def test_a_session_that_met_the_log_in_page_is_lost() -> None:
    requests = [*good_requests(), request(999, 8.0, outcome="login_page", session="s5")]
    verdict = reach_verdict(evidence(requests=requests, expect=Expectations(objectives=("requests lost <= 1",))))
    assert broken(verdict) == ["no session was lost"]
    assert verdict.sessions.lost == ("s5",)


EVERYWHERE: dict[str, list[str]] = {"node1": [], "node2": []}
WRITES_NAME = "every acknowledged write is there exactly once"


@pytest.mark.parametrize(
    ("audit", "name"),
    [
        (WritesAudited(9, ["w000007 (create_issue)"], [], EVERYWHERE), WRITES_NAME),
        (WritesAudited(9, [], ["w000008 (comment_issue)"], EVERYWHERE), WRITES_NAME),
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
    verdict = reach_verdict(evidence(replaced(UpgradeHistory, UpgradeHistory(rows, 0))))
    assert verdict.word == "fail"
    assert "STABLE → MIXED" in verdict.reasons[0]


def test_a_history_that_does_not_begin_with_upgrade_mode_fails_the_run() -> None:
    rows = [{"order_number": 1, "state": "MIXED", "database_time": 5000}]
    verdict = reach_verdict(evidence(replaced(UpgradeHistory, UpgradeHistory(rows, 15_200))))
    assert "STABLE → MIXED" in " ".join(verdict.reasons)


def test_a_node_that_shows_what_the_database_does_not_have_at_that_point_fails_the_run() -> None:
    events = [*good_events(), (14.5, ClusterObserved("MIXED", "node2"))]
    verdict = reach_verdict(evidence(events))
    assert broken(verdict) == ["the upgrade state took legal steps only"]
    assert "node2 showed MIXED" in verdict.reasons[0]


def test_a_node_that_was_not_looked_at_in_every_state_is_fine() -> None:
    seen = [pair for pair in good_events() if pair[1] != ClusterObserved("RUNNING_UPGRADE_TASKS", "node1")]
    again = (13.5, ClusterObserved("READY_TO_RUN_UPGRADE_TASKS", "node2"))
    assert reach_verdict(evidence(seen)).word == "pass"
    assert reach_verdict(evidence([*good_events(), again])).word == "fail"


REFUSED = {
    "node": "node2",
    "version": OLD,
    "statement": "SELECT … FROM jiraissue",
    "reason": "no such column: jiraissue.updated",
    "count": 37,
    "first_s": 6.5,
}


def test_a_statement_that_a_version_could_not_run_is_named_with_the_version_that_came_before_it() -> None:
    failed = request(999, 6.5, "node2", status=500, outcome="server_error")
    verdict = reach_verdict(
        evidence(replaced(NodeLogsAudited, NodeLogsAudited([REFUSED], RUNNING)), requests=[*good_requests(), failed])
    )

    assert broken(verdict) == ["no request failed", "every version could work on the shared schema"]
    assert (
        f"{OLD} on node2 could not run 'SELECT … FROM jiraissue' (no such column: jiraissue.updated), 37 times from "
        f"6.50 s on"
    ) in verdict.sentence
    assert f"after node1 started with {NEW}" in verdict.sentence


def test_a_request_to_a_node_that_was_out_fails_the_run() -> None:
    requests = [*good_requests(), request(777, 5.0, "node1", session="probe_new", kind="probe_new")]
    verdict = reach_verdict(evidence(requests=requests))
    assert broken(verdict) == ["no request went to a node after it was taken out"]
    assert "request 777 went to node1 at 5.00 s" in verdict.reasons[0]


def test_a_request_sent_while_a_node_was_out_and_answered_once_it_was_back_is_fine() -> None:
    late = replace(request(778, 6.99, "node1", session="probe_new", kind="probe_new"), end_s=7.02, version=NEW)
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
        request(1000 + n, 15 + n / 10, "node2", kind="probe_new", session="probe_new", outcome=outcome)
        for n, outcome in enumerate(["ok", "ok", "http_503", "http_503", "http_503", "ok"])
    ]
    expect = Expectations(objectives=("requests lost <= 3", "longest outage <= 250ms"))
    verdict = reach_verdict(evidence(requests=good_requests() + probes, expect=expect))
    assert broken(verdict) == ["longest outage <= 250ms"]
    assert "300 ms" in verdict.reasons[0]


def test_a_freeze_longer_than_people_wait_is_an_outage_although_every_request_is_answered() -> None:
    frozen = [replace(r, end_s=10.6) if 8.0 <= r.sent_s < 10.6 else r for r in good_requests()]
    expect = Expectations(objectives=("longest outage <= 1s",))
    verdict = reach_verdict(evidence(requests=frozen, expect=expect))
    assert broken(verdict) == ["longest outage <= 1s"]
    assert "2600 ms" in verdict.reasons[0]


def test_an_attempt_that_only_the_load_balancer_knows_of_fails_the_run() -> None:
    stray = BalancerAudited(1000, ["the load balancer sent GET / of 5.00 s to node1"])
    verdict = reach_verdict(evidence(replaced(BalancerAudited, stray)))
    assert broken(verdict) == ["no request went to a node after it was taken out"]


def no_moves() -> Verdict:
    """Users who are on a node come to it only after the other one is back."""
    stay = [
        r if r.is_probe else replace(r, node="node1", version=version_of("node1", r.sent_s + 1.0))
        for r in good_requests()
    ]
    return reach_verdict(evidence([e for e in good_events() if not isinstance(e[1], OUT)], stay))


def no_node_out() -> Verdict:
    stayed = [event for event in good_events() if not isinstance(event[1], OUT)]
    return reach_verdict(replace(evidence(stayed), rolled=()))


def test_without_an_upgrade_the_nodes_that_were_out_are_those_whose_sessions_had_to_move() -> None:
    verdict = reach_verdict(replace(evidence(), rolled=(), version_to="7.3.0"))

    (moves,) = [check for check in verdict.checks if check.name == "sessions had to move"]
    assert (moves.ok, moves.detail.count(" from node")) == (True, 2)


def silent_users() -> Verdict:
    """Probes go on while no user does anything in MIXED."""
    quiet = [r for r in good_requests() if r.is_probe or not 5.0 <= r.sent_s < 12.1]
    return reach_verdict(evidence(requests=quiet))


def a_user_who_stopped_coming() -> Verdict:
    return reach_verdict(evidence(requests=[r for r in good_requests() if not (r.user == "s1" and r.sent_s > 8.0)]))


def too_few_probes() -> Verdict:
    return reach_verdict(evidence(requests=[r for r in good_requests() if not r.is_probe or r.sent_s < 3.0]))


def connections_never_kept() -> Verdict:
    return reach_verdict(evidence(requests=[replace(r, connection="new") for r in good_requests()]))


def short_of_sockets() -> Verdict:
    unsent = request(9999, 8.0, node="", outcome="own_trouble", detail="Too many open files")
    return reach_verdict(evidence(requests=[*good_requests(), unsent]))


def late_probes() -> Verdict:
    late = {"probe_new": {"intended": 100, "on_time": 90}, "probe_reused": {"intended": 100, "on_time": 100}}
    return reach_verdict(evidence(replaced(LoadStopped, LoadStopped(late, sent=520))))


def no_probes() -> Verdict:
    return reach_verdict(evidence(replaced(LoadStopped, LoadStopped({}, sent=520))))


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
        (no_node_out, "sessions had to move"),
        (silent_users, "MIXED saw traffic on both versions"),
        (a_user_who_stopped_coming, "every user worked throughout"),
        (too_few_probes, "the probes saw every absence"),
        (connections_never_kept, "the probes saw every absence"),
        (short_of_sockets, "the generator could send every request"),
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
    events = [*replaced(LoadStopped, LoadStopped({}, sent=520)), (8.0, ProcessExited("lb", 1, expected=False))]
    assert reach_verdict(evidence(events)).word == "fail"


def test_sessions_in_memory_are_lost_in_plain_sentences() -> None:
    requests = [
        *good_requests(),
        request(997, 8.0, outcome="login_page", session="s5"),
        request(998, 8.1, kind="comment_issue", outcome="stale_form", session="s5.1", status=403),
        request(999, 8.2, kind="bulk_change", outcome="work_lost", session="s5.1", status=409),
    ]
    verdict = reach_verdict(evidence(requests=requests, sessions_kind="in-memory"))

    assert verdict.word == "fail"
    assert broken(verdict) == ["no request failed", "no session was lost", "no half-done bulk edit was lost"]
    for told in (
        "1 sessions were lost",
        "Who was moved had to log in again: sessions were in the memory of one node each",
        "1 forms, sent once more after logging in, were refused: their XSRF token was stale.",
        "1 half-done bulk edits were lost",
    ):
        assert told in verdict.sentence


def test_shared_sessions_mean_that_nobody_is_even_signed_in_again() -> None:
    verdict = reach_verdict(evidence(sessions_kind="shared"))
    assert verdict.word == "pass"
    assert "who was moved was not even signed in again" in verdict.sentence

    silent = [*good_requests(), request(999, 8.0, "node2", signed_in=True)]
    verdict = reach_verdict(evidence(requests=silent, sessions_kind="shared"))
    assert broken(verdict) == ["nobody had to be signed in again"]
    assert broken(reach_verdict(evidence(requests=silent))) == [], "with remember-me that is how it should be"


def test_a_search_may_be_behind_for_as_long_as_replaying_takes_and_not_for_longer() -> None:
    late = request(999, 8.0, "node2", kind="search_issues", behind_s=1.5)
    allowed = reach_verdict(evidence(requests=[*good_requests(), late]))
    assert allowed.word == "pass", "a late index is no lost write"
    assert "1 of 1 searches missed a change" in next(c.detail for c in allowed.checks if "searches" in c.name)

    stale = reach_verdict(evidence(requests=[*good_requests(), late, replace(late, id=1000, behind_s=2.5)]))
    assert (stale.word, broken(stale)) == ("fail", ["searches were up to date"])
    assert "request 1000 through node2" in stale.reasons[0]
