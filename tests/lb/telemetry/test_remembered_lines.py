"""What ``explain`` can be asked about: the latest lines, kept many together, each found by its request's id."""

import json

import pytest

from lb.journal import Journal
from lb.telemetry.access_log import AccessLog
from lb.telemetry.telemetry import REMEMBERED, Telemetry
from tests.support.records import request_record
from zdu.clock import ManualClock

BATCHES = ((1, 1), (2, 40), (41, 41), (42, 300))
"""The first and the last number of what is noted before somebody looks."""


def telemetry() -> Telemetry:
    return Telemetry(["node1"], AccessLog(""), Journal(), ManualClock())


def observe(told: Telemetry, number: int, target: str = "/") -> None:
    told.observe(request_record(request_id=f"id-{number}", target=target, status=200))


def remembering() -> Telemetry:
    told = telemetry()
    for first, last in BATCHES:
        for number in range(first, last + 1):
            observe(told, number, f"/{number}")
        told.tick()
    return told


@pytest.mark.parametrize("number", [1, 2, 3, 40, 41, 42, 169, 170, 171, 299, 300])
def test_a_line_is_found_alone_at_the_edges_of_its_batch_and_within(number: int) -> None:
    line = remembering().line_of(f"id-{number}")
    assert line is not None
    assert json.loads(line)["target"] == f"/{number}"


@pytest.mark.parametrize("request_id", ["id-0", "id-301", "id-", "d-3", "", '"target"'])
def test_an_id_that_only_looks_like_one_is_not_found(request_id: str) -> None:
    assert remembering().line_of(request_id) is None


def test_of_two_requests_with_one_id_the_later_is_told() -> None:
    told = remembering()
    observe(told, 40, "/again")
    line = told.line_of("id-40")
    assert line is not None
    assert json.loads(line)["target"] == "/again"


def test_a_target_that_quotes_another_request_is_not_taken_for_it() -> None:
    told = telemetry()
    observe(told, 1, "/first")
    observe(told, 2, '/?x="request_id":"id-1",')
    line = told.line_of("id-1")
    assert line is not None
    assert json.loads(line)["target"] == "/first"


@pytest.mark.parametrize("each", [1, 7, 1000])
def test_the_latest_ten_thousand_are_remembered_and_not_many_more(each: int) -> None:
    told = telemetry()
    for number in range(REMEMBERED + 2000):
        observe(told, number)
        if number % each == 0:
            told.tick()
    assert REMEMBERED <= told.remembered <= REMEMBERED + 128
    assert told.line_of(f"id-{2000}") is not None
    assert told.line_of(f"id-{2000 - 129}") is None
