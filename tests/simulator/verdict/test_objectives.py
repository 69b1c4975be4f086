"""Each objective is pass, fail or inconclusive, with its figures and the reason."""

from dataclasses import replace

import pytest

from simulator.record.requests import RequestRecord
from simulator.scenario.expectations import Expectations
from simulator.scenario.quantities import QUANTITIES
from simulator.verdict import Check, Evidence, reach_verdict
from simulator.verdict.measures import _MEASURES
from simulator.verdict.objectives import OTHERWISE
from tests.support.evidence import evidence, good_events, good_requests, request
from zdu.events import BalancerAudited, NodeLogsAudited, UpgradeHistory


def judged(sentence: str, of: Evidence | None = None) -> Check:
    whole = replace(of or evidence(), expect=Expectations(objectives=(sentence,)))
    return next(check for check in reach_verdict(whole).checks if check.name == sentence)


def with_requests(*more: RequestRecord) -> Evidence:
    return evidence(requests=[*good_requests(), *more])


def slow(ms: float, count: int, at_s: float = 8.0, **changes: object) -> list[RequestRecord]:
    return [request(5000 + n, at_s, "node2", end_s=at_s + ms / 1000, **changes) for n in range(count)]


LOST = request(999, 8.0, "node2", outcome="timeout")
"""While the cluster is MIXED, and node1 is back."""


@pytest.mark.parametrize(
    ("sentence", "word"),
    [
        ("no requests lost", "fail"),
        ("requests lost <= 1", "pass"),
        ("requests lost < 1", "fail"),
        ("requests lost < 1%", "pass"),
        ("rate of errors < 0.1%", "fail"),
        ("no requests lost while MIXED", "fail"),
        ("no requests lost before upgrade", "pass"),
        ("no requests lost after upgrade", "pass"),
        ("no requests lost during upgrade", "fail"),
        ("no requests lost while node1 is out", "pass"),
        ("no requests lost of view_issue", "fail"),
        ("no requests lost of probes", "pass"),
        ("no requests lost of create_issue", "pass"),
    ],
)
def test_lost_requests_are_counted_where_and_when_the_sentence_says(sentence: str, word: str) -> None:
    assert judged(sentence, with_requests(LOST)).word == word


def test_what_was_never_put_to_the_test_is_inconclusive_and_not_kept() -> None:
    never = judged("no requests lost while UPGRADE_TASKS_FAILED")
    assert (never.word, never.detail) == (
        "inconclusive",
        "nothing happened during UPGRADE_TASKS_FAILED: there was no such time",
    )
    assert judged("no requests lost of bulk_edit").word == "inconclusive"
    assert judged("p99 of bulk_edit < 1s").word == "inconclusive"
    assert judged("search delay < 1s").word == "inconclusive"
    assert judged("no session lost", evidence(requests=[])).word == "inconclusive"


def test_a_share_needs_as_many_requests_as_it_is_fine() -> None:
    assert judged("rate of errors < 1%").word == "pass"
    fine = judged("rate of errors < 0.1%")
    assert fine.word == "inconclusive"
    assert "520 samples, 1,000 are needed to tell" in fine.detail


def test_percentiles_are_of_users_requests_and_need_their_samples() -> None:
    assert judged("p95 < 20ms").word == "pass"
    assert judged("p95 < 5ms").word == "fail"
    assert judged("p99 of create_issue < 20ms").word == "inconclusive"


def test_a_percentile_that_is_broken_is_broken_with_however_few_samples() -> None:
    few = with_requests(*slow(2000, 2, kind="edit_issue"))
    assert judged("p99 of edit_issue < 1s", few).word == "fail"


def test_failing_fast_is_not_being_fast() -> None:
    refused = [replace(r, outcome="http_503", node="node2") for r in slow(1, 40)]
    check = judged("p95 < 1s", with_requests(*refused))
    assert check.word == "fail"
    assert check.detail == "beyond any limit, of 300 requests, 40 of which failed"
    assert check.figures is not None
    assert check.figures.value is None


def test_the_figures_of_an_objective_are_kept_for_programs() -> None:
    check = judged("requests lost <= 1", with_requests(LOST))
    assert check.figures is not None
    assert (check.figures.value, check.figures.limit, check.figures.comparison) == (1, 1.0, "<=")
    assert (check.figures.unit, check.figures.samples) == ("count", 521)


def probes_lost(from_s: float, to_s: float) -> Evidence:
    return evidence(
        requests=[
            replace(r, outcome="refused") if r.kind == "probe_new" and from_s <= r.sent_s < to_s else r
            for r in good_requests()
        ]
    )


@pytest.mark.parametrize(
    ("sentence", "word"),
    [
        ("longest outage < 1s", "pass"),
        ("longest outage <= 250ms", "fail"),
        ("no outage", "fail"),
        ("longest outage <= 100ms while node1 is out", "fail"),
        ("longest outage <= 200ms while node1 is out", "pass"),
        ("no outage after upgrade", "pass"),
        ("total outage < 600ms", "pass"),
        ("total outage < 500ms", "fail"),
    ],
)
def test_outages_are_measured_within_the_part_that_counts(sentence: str, word: str) -> None:
    """From 6.8 to 7.3 s, while node1 comes back at 7.0 s."""
    assert judged(sentence, probes_lost(6.8, 7.25)).word == word


def test_the_time_to_a_state_counts_from_the_start_of_the_upgrade() -> None:
    assert judged("cluster is STABLE within 12s").word == "pass"
    late = judged("cluster is STABLE within 10s")
    assert (late.word, late.detail) == ("fail", "11.00 s after READY_TO_UPGRADE the cluster was STABLE")
    assert judged("cluster is STABLE within 1s of RUNNING_UPGRADE_TASKS").word == "pass"
    stuck = [
        (at_s, UpgradeHistory(event.rows[:-1], event.database_now_ms) if isinstance(event, UpgradeHistory) else event)
        for at_s, event in good_events()
    ]
    assert judged("cluster is STABLE within 10s", evidence(stuck)).word == "fail"
    none = [pair for pair in good_events() if not isinstance(pair[1], UpgradeHistory)]
    assert judged("cluster is STABLE within 10s", evidence(none)).word == "inconclusive"


def test_sessions_lost_and_kept_are_two_sides_of_one_thing() -> None:
    lost = with_requests(request(999, 8.0, outcome="login_page", session="s5"))
    assert judged("sessions lost <= 1", lost).word == "pass"
    assert judged("sessions kept >= 60%", lost).word == "pass"
    assert judged("sessions kept >= 99.5%", lost).word == "fail"
    assert judged("sessions kept >= 99.5%").word == "pass", "all sessions are known, so two decide"


def test_the_lag_of_the_load_balancer_counts_from_when_the_node_said_that_it_was_leaving() -> None:
    late = BalancerAudited(1000, [], late_attempts=[{"node": "node1", "at_s": 3.9, "request": 1}])
    told = NodeLogsAudited([], [{"node": "node1", "t_s": 3.7, "state": "DRAINING"}])
    new = {BalancerAudited: late, NodeLogsAudited: told}
    said = [(at_s, new.get(type(event), event)) for at_s, event in good_events()]
    check = judged("lb lag < 250ms", evidence(said))
    assert check.word == "pass"
    assert check.detail == "the last request reached node1 200 ms after it had said that it was leaving"
    assert judged("lb lag < 150ms", evidence(said)).word == "fail"
    assert judged("lb lag < 150ms").word == "inconclusive"


def test_an_objective_of_ones_own_takes_the_place_of_the_one_that_holds_unsaid() -> None:
    def objectives(*sentences: str) -> list[str]:
        checks = reach_verdict(evidence(expect=Expectations(objectives=sentences))).checks
        return [check.name for check in checks if check.kind.value == "objective"]

    assert objectives() == ["no request failed", "no session was lost"]
    assert objectives("requests lost <= 5", "sessions kept >= 50%") == ["requests lost <= 5", "sessions kept >= 50%"]
    assert objectives("no requests lost while MIXED") == [
        "no request failed",
        "no session was lost",
        "no requests lost while MIXED",
    ], "a part of the run leaves the whole of it to be judged"
    assert objectives("rate of errors < 1%") == ["no session was lost", "rate of errors < 1%"]


def test_the_other_objectives_are_measured_too() -> None:
    assert judged("longest absence <= 3s").word == "pass"
    assert judged("longest absence < 3s").word == "fail"
    assert judged("no request retried").word == "pass"
    assert judged("no request retried", with_requests(request(999, 8.0, "node2", attempts=2))).word == "fail"
    assert judged("silent sign-ins = 0").word == "pass"
    form = request(998, 8.0, "node2", method="POST", kind="comment_issue", outcome="stale_form")
    assert judged("no unsaved work lost", with_requests(form)).word == "fail"
    assert judged("no unsaved work lost").word == "inconclusive", "nobody sent a form"


def test_every_quantity_is_measured_and_has_words_for_when_it_is_broken() -> None:
    assert set(_MEASURES) == set(QUANTITIES) == set(OTHERWISE)
