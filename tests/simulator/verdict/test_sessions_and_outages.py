"""Sessions are followed through their requests; outages are intervals."""

from dataclasses import replace

from simulator.record.requests import RequestRecord
from simulator.verdict.outages import find_outages
from simulator.verdict.sessions import Loss, follow_sessions
from tests.support.evidence import request

PATIENCE_S = 1.0


def probe(number: int, outcome: str = "ok", end_after_s: float = 0.01) -> RequestRecord:
    at_s = number / 10
    return replace(request(number, at_s, kind="probe_new", outcome=outcome), end_s=at_s + end_after_s)


def test_a_session_moves_when_another_node_answers_it_than_before() -> None:
    report = follow_sessions(
        [request(1, 1.0, "node1"), request(2, 2.0, "node2", signed_in=True), request(3, 3.0, "node2")]
    )
    (move,) = report.moves
    assert (move.session, move.from_node, move.to_node, move.t_s, move.lost) == (
        "s1",
        "node1",
        "node2",
        2.0,
        Loss.SILENT_SIGN_IN,
    )
    assert (report.total, report.moved, report.silent_relogins) == (1, 1, 1)
    assert (report.moved_away_from("node1"), report.moved_away_from("node2")) == (1, 0)


def test_the_stranger_who_opens_the_log_in_page_has_no_session_yet() -> None:
    report = follow_sessions([request(1, 1.0, "node1", kind="open_login"), request(2, 2.0, "node2", kind="sign_in")])
    assert (report.total, report.moved) == (1, 0)


def test_a_failed_request_moves_nobody() -> None:
    report = follow_sessions(
        [request(1, 1.0, "node1"), request(2, 2.0, "node2", outcome="http_503"), request(3, 3.0)]
    )
    assert report.moved == 0


def test_a_session_that_moves_there_and_back_counts_once_with_two_moves() -> None:
    report = follow_sessions([request(1, 1.0, "node1"), request(2, 2.0, "node2"), request(3, 3.0, "node1")])
    assert (report.moved, len(report.moves)) == (1, 2)


def test_a_move_that_ends_at_the_log_in_page_cost_the_session() -> None:
    report = follow_sessions([request(1, 1.0, "node1"), request(2, 2.0, "node2", outcome="login_page")])
    assert [(move.from_node, move.to_node, move.lost) for move in report.moves] == [
        ("node1", "node2", Loss.LOG_IN_PAGE)
    ]
    assert report.lost == ("s1",)
    assert report.losses[Loss.LOG_IN_PAGE] == 1


def test_a_form_refused_after_logging_in_again_is_booked_to_the_move_that_cost_the_session() -> None:
    report = follow_sessions(
        [
            request(1, 1.0, "node1", session="s1.1"),
            request(2, 2.0, "node2", session="s1.1", outcome="login_page"),
            request(3, 2.1, "node2", session="s1.2", kind="open_login"),
            request(4, 2.2, "node2", session="s1.2", kind="sign_in"),
            request(5, 2.3, "node2", session="s1.2", kind="comment_issue", outcome="stale_form"),
        ]
    )
    assert [(move.session, move.lost) for move in report.moves] == [("s1.1", Loss.UNSAVED_WORK)]
    assert report.unsaved_work == 1


def test_the_log_in_page_without_a_move_is_a_session_lost_and_no_moves_fault() -> None:
    report = follow_sessions(
        [
            request(1, 1.0, "node1"),
            request(2, 2.0, "node2"),
            request(3, 9.0, "node2", outcome="login_page"),
        ]
    )
    assert [move.lost for move in report.moves] == [Loss.NOTHING]
    assert report.lost == ("s1",)


def test_an_outage_lasts_from_its_first_failed_probe_to_the_next_good_one() -> None:
    (outage,) = find_outages(
        [probe(1), probe(2, "refused"), probe(3, "timeout"), probe(4), probe(5)], "probe_new", PATIENCE_S
    )
    assert (outage.from_s, outage.to_s, outage.failed, outage.outcomes) == (0.2, 0.4, 2, ("refused", "timeout"))
    assert round(outage.duration_ms) == 200


def test_a_hanging_probe_dates_the_outage_from_its_tick_although_it_failed_much_later() -> None:
    (outage,) = find_outages([probe(1, "timeout", end_after_s=5.0), probe(2)], "probe_new", PATIENCE_S)
    assert outage.from_s == 0.1


def test_an_outage_open_at_the_end_ends_with_the_last_probe() -> None:
    (outage,) = find_outages([probe(1), probe(2, "refused", end_after_s=0.5)], "probe_new", PATIENCE_S)
    assert round(outage.to_s, 3) == 0.7


def test_without_failed_probes_there_is_no_outage() -> None:
    assert find_outages([probe(n) for n in range(100)], "probe_new", PATIENCE_S) == []


def test_an_answer_that_nobody_would_wait_for_is_an_outage_until_it_came() -> None:
    (outage,) = find_outages(
        [probe(1), probe(2, end_after_s=2.0), probe(3, end_after_s=0.9), probe(4)], "probe_new", 1.0
    )
    assert (outage.from_s, round(outage.to_s, 3), outage.outcomes) == (0.2, 2.2, ("slow",))
