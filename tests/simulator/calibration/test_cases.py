"""The calibration can fail: an instrument that missed the fault, or saw what was not there, is told."""

from dataclasses import replace

import pytest

from simulator.calibration.cases import CASES, CLEAN, SLOW_PHASE_NAME, Planted
from simulator.record.requests import RequestRecord
from simulator.verdict import reach_verdict
from tests.support.evidence import evidence, good_requests, request

LOOKS = {case.fault: case.look for case in CASES}


def with_outage(from_s: float, to_s: float) -> list[RequestRecord]:
    return [
        replace(r, outcome="reset", node="") if r.is_probe and from_s <= r.intended_s < to_s else r
        for r in good_requests()
    ]


def found(fault: str, requests: list[RequestRecord], planted: Planted) -> bool:
    run = evidence(requests=requests)
    return LOOKS[fault](run, reach_verdict(run), planted).found


@pytest.mark.parametrize(
    ("from_s", "to_s", "right"),
    [
        (5.05, 5.35, True),
        (5.02, 5.32, True),
        (5.05, 5.85, False),
        (6.05, 6.35, False),
    ],
)
def test_an_outage_must_be_found_in_its_place_and_with_its_length(from_s: float, to_s: float, right: bool) -> None:
    seen = with_outage(5.05, 5.35)
    assert found("outage", seen, Planted("outage", from_s, to_s, 3)) is right


def test_an_outage_that_only_one_kind_of_probe_saw_is_missed() -> None:
    seen = [replace(r, outcome="ok") if r.kind == "probe_new" else r for r in with_outage(5.05, 5.35)]
    assert not found("outage", seen, Planted("outage", 5.05, 5.35, 3))


def test_nothing_planted_and_nothing_found() -> None:
    nothing = Planted("", 0, 0, 0)
    good = evidence()
    assert CLEAN.look(good, reach_verdict(good), nothing).found
    bad = evidence(requests=with_outage(5.05, 5.35))
    finding = CLEAN.look(bad, reach_verdict(bad), nothing)
    assert (finding.found, "no request failed" in finding.said) == (False, True)


def test_a_slow_phase_is_missed_if_the_instrument_shows_another_one_as_slow() -> None:
    def slow(from_s: float, to_s: float) -> list[RequestRecord]:
        return [replace(r, end_s=r.end_s + 0.2) if from_s <= r.intended_s < to_s else r for r in good_requests()]

    planted = Planted("slow_phase", 13.0, 14.0, 9)
    assert SLOW_PHASE_NAME == "upgrade tasks"
    assert found("slow_phase", slow(13.0, 14.0), planted)
    assert not found("slow_phase", slow(14.0, 15.0), planted)
    assert not found("slow_phase", good_requests(), planted)


def test_another_broken_check_than_the_planted_one_does_not_count() -> None:
    wrong = [*good_requests(), request(900, 8.0, outcome="http_500")]
    assert not found("leaked_session", wrong, Planted("leaked_session", 8.0, 8.0, 1))
    leaked = [*good_requests(), request(900, 8.0, outcome="wrong_user")]
    assert found("leaked_session", leaked, Planted("leaked_session", 8.0, 8.0, 1))
