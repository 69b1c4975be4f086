"""Each session's rights, spoilt one at a time: the check that is about it finds it, and says it in a sentence."""

from dataclasses import replace

import pytest

from simulator.record.requests import RequestRecord
from simulator.verdict import Verdict, reach_verdict
from tests.support.evidence import NEW, OLD, evidence, good_events, good_requests, request
from zdu.events import BalancerAudited, BalancerObserved, Event, NodeBack, NodeObserved, NodeTakenOut, WritesAudited

AWAY = (BalancerObserved, NodeTakenOut, NodeBack)
MOVES = "sessions moved only for a reason"
VERSIONS = "versions went back and forth no more than the roll explains"


def broken(verdict: Verdict) -> list[str]:
    return [check.name for check in verdict.checks if not check.ok]


def detail_of(verdict: Verdict, name: str) -> str:
    return next(check.detail for check in verdict.checks if check.name == name)


def audited(**found: object) -> list[tuple[float, Event]]:
    audit = WritesAudited(1, [], [], {"node1": [], "node2": []}, **found)  # type: ignore[arg-type]  # its own fields
    return [(at_s, audit if isinstance(event, WritesAudited) else event) for at_s, event in good_events()]


def test_another_users_page_is_told_as_such() -> None:
    leak = request(812, 8.0, "node2", session="s1", outcome="wrong_user", detail="the page is user9's, not user1's")
    verdict = reach_verdict(evidence(requests=[*good_requests(), leak]))
    assert broken(verdict) == ["no request failed", "nobody saw another user's page"]
    assert "the page is user9's, not user1's" in detail_of(verdict, "nobody saw another user's page")


def test_a_page_without_its_users_own_write_is_told_with_the_node_that_did_not_show_it() -> None:
    blind = request(812, 8.0, "node2", own_writes=2, outcome="own_write_missing", detail="'w000007' is missing")
    verdict = reach_verdict(evidence(requests=[*good_requests(), blind]))
    assert broken(verdict) == ["no request failed", "users read their own writes"]
    assert "request 812 of session s1 (view_issue) went to node2" in detail_of(verdict, "users read their own writes")


def test_a_session_that_leaves_a_serving_node_is_told_with_its_request() -> None:
    astray = [replace(r, node="node2") if r.session == "s1" and r.sent_s == 2.5 else r for r in good_requests()]
    verdict = reach_verdict(evidence(requests=astray))
    assert broken(verdict) == [MOVES]
    assert "went to node2 at 2.50 s, although node1, which had answered it before, was serving" in detail_of(
        verdict, MOVES
    )


def test_a_balancer_without_stickiness_is_found_by_versions_that_go_back_and_forth() -> None:
    """Both nodes serve from 7 s on, the one with the new version and the other with the old one."""
    bounced = [
        replace(r, node="node1", version=NEW) if r.session == "s2" and 7.5 < r.sent_s < 8.9 and r.id % 3 else r
        for r in good_requests()
    ]
    verdict = reach_verdict(evidence(requests=bounced))
    assert verdict.word == "fail"
    assert broken(verdict) == [MOVES, VERSIONS]
    assert f"from {NEW} back to {OLD}" in detail_of(verdict, VERSIONS)


def test_where_sessions_are_not_tied_to_nodes_each_request_may_go_anywhere() -> None:
    anywhere = [replace(r, node="node2") if r.session == "s1" and r.sent_s == 2.5 else r for r in good_requests()]
    verdict = reach_verdict(replace(evidence(requests=anywhere), sticky=False))
    assert broken(verdict) == []
    assert detail_of(verdict, MOVES) == "5 moves, and sessions are not tied to nodes here"


def test_a_session_may_move_once_to_a_node_that_has_come_back() -> None:
    back = [
        replace(r, node="node1", version=NEW) if r.session == "s2" and 7.5 < r.sent_s < 8.95 else r
        for r in good_requests()
    ]
    assert broken(reach_verdict(evidence(requests=back))) == []


@pytest.mark.parametrize(
    "leaving",
    [
        BalancerObserved("node1", "READY", "DOWN", "L4CON", 2.45),
        BalancerObserved("node1", "DRAIN", "UP", "by its operator", 2.45),
        NodeObserved("node1", "STOPPING"),
    ],
)
def test_a_node_that_is_leaving_by_whose_word_ever_is_a_reason_to_move(leaving: Event) -> None:
    moved = [replace(r, node="node2") if r.session == "s1" and 2.5 <= r.sent_s < 8.95 else r for r in good_requests()]
    assert broken(reach_verdict(evidence([*good_events(), (2.6, leaving)], moved))) == []


def test_a_request_that_was_dispatched_again_explains_its_move() -> None:
    retried = [
        replace(r, node="node2", attempts=2) if r.session == "s1" and 2.5 <= r.sent_s < 8.95 else r
        for r in good_requests()
    ]
    assert broken(reach_verdict(evidence(requests=retried))) == []


def test_a_node_that_answers_with_a_version_that_it_does_not_run_is_told() -> None:
    def label(r: RequestRecord) -> RequestRecord:
        return replace(r, version=NEW) if r.node == "node2" and r.sent_s == 3.0 else r

    verdict = reach_verdict(evidence(requests=[label(r) for r in good_requests()]))
    assert broken(verdict) == [VERSIONS]
    assert f"was answered by node2 with {NEW} at 3.00 s, while that ran {OLD}" in detail_of(verdict, VERSIONS)


def test_an_answer_that_names_another_node_than_it_came_from_is_told() -> None:
    lies = BalancerAudited(1000, [], misattributed=["request 812 was sent to node2, and its answer names node1"])
    events = [(at_s, lies if isinstance(event, BalancerAudited) else event) for at_s, event in good_events()]
    name = "each answer came from the node that it names"
    verdict = reach_verdict(evidence(events))
    assert (verdict.word, broken(verdict)) == ("fail", [name])
    assert "request 812 was sent to node2" in detail_of(verdict, name)


OPEN = {"request": 812, "session": "s17", "kind": "comment_issue", "issue": "ZDU-7", "write": "w000009"}


def test_an_open_write_is_right_whether_it_was_carried_out_once_or_not_at_all() -> None:
    fates = [
        {**OPEN, "outcome": "timeout", "fate": "carried out once", "right": True},
        {**OPEN, "outcome": "http_502", "fate": "not carried out", "right": True},
    ]
    verdict = reach_verdict(evidence(audited(ambiguous=fates)))
    assert broken(verdict) == []
    assert "2 writes got no clear answer: 1 carried out once, 1 not carried out" in detail_of(
        verdict, "no write without an answer was carried out twice or in part"
    )


@pytest.mark.parametrize(
    ("found", "name", "told"),
    [
        (
            {"ambiguous": [{**OPEN, "outcome": "timeout", "fate": "carried out more than once", "right": False}]},
            "no write without an answer was carried out twice or in part",
            "request 812 of session s17 (comment_issue of ZDU-7) got timeout, and its write was carried out more",
        ),
        (
            {"refused_but_done": ["w000009 (comment_issue of ZDU-7, request 812)"]},
            "no write without an answer was carried out twice or in part",
            "request 812) was refused, and carried out all the same",
        ),
        (
            {"overwritten": ["the summary of ZDU-7 is 'Old w000001'"]},
            "no change was overwritten by an older one",
            "the summary of ZDU-7 is 'Old w000001'",
        ),
    ],
)
def test_a_write_that_went_wrong_behind_its_users_back_fails_the_run(
    found: dict[str, object], name: str, told: str
) -> None:
    verdict = reach_verdict(evidence(audited(**found)))
    assert (verdict.word, broken(verdict)) == ("fail", [name])
    assert told in detail_of(verdict, name)


def test_where_a_request_without_an_answer_went_is_told_from_the_balancers_log() -> None:
    lost = request(812, 4.4, "", session="s17", version="", outcome="http_502", status=502)
    asked = BalancerAudited(500, [], {"812": ["node1", "node2"]})
    events = [(at_s, asked if isinstance(event, BalancerAudited) else event) for at_s, event in good_events()]
    leaving = (4.09, NodeObserved("node2", "DRAINING"))
    verdict = reach_verdict(evidence([*events, leaving], [*good_requests(), lost]))
    assert (
        "request 812 of session s17 (view_issue) went to node2 at 4.40 s, 0.31 s after node2 said that it was "
        "leaving, and got http_502"
    ) in verdict.reasons[0]
