"""The counters: each request once, errors told by who made them, totals that agree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.telemetry.meters import AVERAGED, Averages, Meter, Meters, Rate
from lb.telemetry.record import AttemptRecord, RequestRecord
from tests.lb.telemetry.test_access_log import RECORDS
from tests.support.records import attempt_record, attributes_of, request_record

GOOD = attempt_record("node1", reused_connection=True, status=200, connect_ms=0.5, response_ms=2.0)


def record(*attempts: AttemptRecord, **facts: object) -> RequestRecord:
    """A good GET to node1, except for what is said."""
    known = {"node": attempts[-1].node if attempts else "", "status": 200, "cookie": "VN", "ta_ms": 3.0}
    return request_record(**{**known, **facts, "attempts": list(attempts)})


def counted(*records: RequestRecord) -> Meters:
    meters = Meters(["node1", "node2"])
    for each in records:
        meters.count(each)
    return meters


def set_in(meter: Meter) -> dict[str, object]:
    """What a meter counted that is not zero, the averages and the histogram left out."""
    names = attributes_of(Meter) - {"averages", "rate", "durations", "durations_ms", "lastsess_s"}
    return {name: value for name in sorted(names) if (value := getattr(meter, name)) not in (0, {}, [0] * 6, None)}


def test_a_good_request_is_one_session_of_its_node_with_its_bytes_and_class() -> None:
    meters = counted(record(GOOD, received_bytes=5, sent_bytes=70, received_s=9.0))
    assert set_in(meters.nodes["node1"]) == {"stot": 1, "bin": 5, "bout": 70, "hrsp": [0, 0, 1, 0, 0, 0], "reuses": 1}
    assert meters.nodes["node1"].lastsess_s == 9.0
    assert set_in(meters.nodes["node2"]) == set_in(meters.no_node) == {}


@pytest.mark.parametrize(("cookie", "balanced"), [("VN", 0), ("VU", 0), ("NI", 1), ("DI", 1), ("VI", 1), ("NN", 1)])
def test_lbtot_counts_requests_that_balancing_placed(cookie: str, balanced: int) -> None:
    assert counted(record(GOOD, cookie=cookie)).nodes["node1"].lbtot == balanced


def test_a_refused_connection_is_an_error_of_the_node_that_refused_and_a_redispatch_that_left_it() -> None:
    refused = attempt_record("node2", failure="refused")
    meters = counted(record(refused, GOOD))
    assert set_in(meters.nodes["node2"]) == {"econ": 1, "wredis": 1}
    assert set_in(meters.nodes["node1"]) == {"stot": 1, "hrsp": [0, 0, 1, 0, 0, 0], "reuses": 1}


def test_a_repetition_on_a_fresh_connection_is_a_retry() -> None:
    stale = attempt_record("node1", reused_connection=True, failure="closed-reused")
    fresh = attempt_record("node1", status=200)
    meter = counted(record(stale, fresh)).nodes["node1"]
    assert (meter.wretr, meter.wredis, meter.eresp, meter.econ, meter.reuses, meter.connects) == (1, 0, 1, 0, 1, 1)


def test_an_answer_made_here_is_told_from_the_nodes_own() -> None:
    silent = attempt_record("node1", failure="no-response")
    meters = counted(
        record(silent, status=504, own="no-response", ended="sH"),
        record(attempt_record("node1", status=503), status=503),
    )
    meter = meters.nodes["node1"]
    assert (meter.hrsp[5], meter.own_5xx, meter.own) == (1, 1, {"no-response": 1})
    assert meter.errors_of_node == 2, "its silence and its 503; not the 504 that was made here"


@pytest.mark.parametrize(
    ("status", "own", "ended", "expected"),
    [
        (400, "bad-request", "PR", {"ereq": 1, "own_4xx": 1}),
        (501, "unsupported-coding", "PR", {"ereq": 1, "own_5xx": 1}),
        (431, "too-many-headers", "PR", {"dreq": 1, "own_4xx": 1}),
        (414, "target-too-long", "PR", {"dreq": 1, "own_4xx": 1}),
        (503, "no-usable-node", "SC", {"own_5xx": 1}),
        (503, "queue-timeout", "sQ", {"own_5xx": 1}),
        (408, "slow-head", "cR", {"ereq": 1, "own_4xx": 1}),
    ],
)
def test_a_request_that_reached_no_node_is_counted_by_why(
    status: int, own: str, ended: str, expected: dict[str, int]
) -> None:
    meters = counted(record(status=status, own=own, ended=ended, cookie="--"))
    assert set_in(meters.no_node) == {"stot": 1, "own": {own: 1}, **expected}
    assert set_in(meters.nodes["node1"]) == {}
    assert meters.back().stot == (0 if "ereq" in expected or "dreq" in expected else 1)


def test_a_client_that_left_is_no_error_of_the_node() -> None:
    waiting = attempt_record("node1", failure="no-response")
    meters = counted(record(waiting, status=0, ended="CH"), record(GOOD, ended="CD"))
    meter = meters.nodes["node1"]
    assert (meter.cli_abrt, meter.srv_abrt, meter.eresp, meter.errors_of_node) == (2, 0, 0, 0)


def test_a_response_that_broke_off_is_the_nodes_abort_and_a_response_error() -> None:
    meter = counted(record(GOOD, ended="SD")).nodes["node1"]
    assert (meter.srv_abrt, meter.eresp, meter.cli_abrt) == (1, 1, 0)


def test_a_moved_session_is_counted_where_it_was_and_a_held_request_where_it_went() -> None:
    meters = counted(record(GOOD, moved_from="node2", cookie="DI", tw_ms=4.0))
    assert (meters.nodes["node2"].moved, meters.nodes["node1"].held) == (1, 1)


@given(st.lists(RECORDS, max_size=30))
def test_whatever_happens_every_request_is_in_the_totals_once(records: list[RequestRecord]) -> None:
    meters = counted(*records)
    front = meters.front()
    assert front.stot == len(records)
    assert front.bin == sum(each.received_bytes for each in records)
    assert front.bout == sum(each.sent_bytes for each in records)
    assert sum(front.durations) == len(records)
    assert sum(front.hrsp) == sum(not each.own and each.status > 0 for each in records)
    assert sum(front.own.values()) == sum(bool(each.own) for each in records)


def test_totals_do_not_go_back_when_a_node_is_taken_out_of_the_configuration() -> None:
    meters = counted(record(GOOD), record(attempt_record("node2", status=200)))
    meters.retain(["node2", "node3"])
    assert list(meters.nodes) == ["node2", "node3"]
    assert meters.front().stot == 2
    meters.count(record(GOOD))
    assert meters.front().stot == 3, "a request that was still on its way when its node went"


def test_averages_are_exact_at_first_and_then_forget_slowly() -> None:
    averages = Averages()
    for value in (1.0, 2.0, 6.0):
        averages.add(0.0, 0.0, value, value)
    assert averages.response_ms == pytest.approx(3.0)
    for _ in range(10 * AVERAGED):
        averages.add(0.0, 0.0, 10.0, 10.0)
    assert averages.response_ms == pytest.approx(10.0, abs=0.01)
    assert averages.queue_ms == 0.0


def test_a_rate_is_that_of_the_last_whole_second_and_remembers_the_highest() -> None:
    rate = Rate()
    for now, total in ((0.0, 0), (0.5, 30), (1.0, 50), (1.4, 55), (2.0, 60)):
        rate.sample(total, now)
    assert (rate.last, rate.highest) == (10.0, 50.0)


def test_downtime_runs_while_the_node_does_not_serve() -> None:
    meter = Meter()
    meter.serves(True, 1.0, fell=False)
    meter.serves(False, 5.0, fell=True)
    meter.serves(False, 6.0, fell=False)
    assert (meter.chkdown, meter.downtime_until(8.0)) == (1, 3.0)
    meter.serves(True, 10.0, fell=False)
    assert meter.downtime_until(99.0) == 5.0


@pytest.mark.parametrize(("took_ms", "index"), [(0.0, 0), (1.0, 0), (1.01, 1), (30_000.0, 13), (30_001.0, 14)])
def test_a_duration_falls_into_the_bucket_whose_end_it_does_not_pass(took_ms: float, index: int) -> None:
    durations = counted(record(GOOD, ta_ms=took_ms)).nodes["node1"].durations
    assert [i for i, number in enumerate(durations) if number] == [index]
