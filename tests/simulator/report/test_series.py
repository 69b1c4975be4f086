from itertools import pairwise

import pytest

from simulator.record.requests import RequestRecord
from simulator.report.series import MAX_BUCKETS, bucket_width_s, buckets


def request(
    number: int, intended_s: float, *, latency_ms: float = 10.0, outcome: str = "ok", attempts: int = 1
) -> RequestRecord:
    return RequestRecord(
        id=number,
        session="user1",
        kind="view_issue",
        method="GET",
        path="/browse/ZDU-1",
        intended_s=intended_s,
        sent_s=intended_s,
        first_byte_s=None,
        end_s=intended_s + latency_ms / 1000,
        node="node1",
        version="7.3.0",
        connection="reused",
        status=200,
        outcome=outcome,
        detail="",
        attempts=attempts,
    )


def test_no_requests_make_no_buckets() -> None:
    assert buckets([]) == []


def test_a_request_counts_in_the_second_in_which_it_was_intended_not_in_which_it_ended() -> None:
    found = buckets([request(0, 2.0), request(1, 2.5, latency_ms=3000, outcome="timeout"), request(2, 4.9)])
    assert [(bucket.start_s, bucket.ok, bucket.failed) for bucket in found] == [(2.0, 1, 1), (3.0, 0, 0), (4.0, 1, 0)]


def test_ok_retried_and_failed_are_told_apart() -> None:
    (bucket,) = buckets(
        [request(0, 0.0), request(1, 0.1, attempts=2), request(2, 0.9, attempts=3, outcome="refused")]
    )
    assert (bucket.ok, bucket.retried, bucket.failed, bucket.total) == (1, 1, 1, 3)


def test_the_latency_of_a_bucket_is_that_of_the_requests_that_succeeded() -> None:
    (bucket,) = buckets([request(0, 0.0, latency_ms=5), request(1, 0.5, latency_ms=4000, outcome="timeout")])
    assert bucket.p50_ms == pytest.approx(5)
    assert bucket.p99_ms == pytest.approx(5)


def test_the_last_second_has_the_rate_of_the_time_it_really_had() -> None:
    last = buckets([request(number, number / 10) for number in range(26)])[-1]
    assert (last.start_s, last.end_s) == (2.0, 2.5)
    assert last.rate(last.total) == pytest.approx(12)


@pytest.mark.parametrize("count", [1, 2, 9, 10, 11, 12, 13, 20, 21, 25, 26, 29, 30, 31])
def test_every_request_is_in_exactly_one_bucket(count: int) -> None:
    found = buckets([request(number, number / 10) for number in range(count)])
    assert sum(bucket.total for bucket in found) == count
    assert all(first.end_s == second.start_s for first, second in pairwise(found))


def test_a_sliver_at_the_end_is_added_to_the_bucket_before_it() -> None:
    found = buckets([request(number, number / 10) for number in range(22)])
    assert [bucket.total for bucket in found] == [10, 12]
    assert found[-1].end_s == pytest.approx(2.1)


@pytest.mark.parametrize("duration_s", [1.0, 119.0, 121.0, 3600.0, 7200.0, 1e6])
def test_there_are_never_too_many_buckets_to_see(duration_s: float) -> None:
    assert duration_s / bucket_width_s(duration_s) <= MAX_BUCKETS
