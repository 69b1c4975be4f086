"""What the player is fed with: everything that counts, in bounds."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

from simulator.record.requests import RequestRecord
from simulator.report.changes import find_changes, node_names
from simulator.report.feed import FIRST_FAILURES, MAX_FAILURES, MAX_REQUESTS, MAX_USERS, build_feed, way_of
from simulator.report.lanes import cluster_states
from simulator.report.moments import find_visits
from simulator.report.story import find_steps
from tests.support.evidence import request
from tests.support.synthetic_run import SyntheticRun, failing_run, passing_run


def feed_of(run: SyntheticRun, requests: list[RequestRecord] | None = None) -> dict[str, Any]:
    requests = run.requests if requests is None else requests
    return build_feed(
        envelopes=run.envelopes,
        requests=requests,
        nodes=node_names(run.envelopes),
        changes=find_changes(run.envelopes),
        visits=find_visits(requests),
        cluster=cluster_states(run.envelopes, 26),
        steps=find_steps(run.envelopes),
        end_s=26.0,
    )


def test_the_feed_has_every_request_every_move_and_every_failure_of_a_short_run() -> None:
    run = failing_run()
    feed = feed_of(run)
    assert len(feed["requests"]) == feed["requests_of"] == len(run.requests)
    assert sum("moved" in event for event in feed["events"]) == len(run.result["sessions"]["each_move"])
    assert len(feed["failures"]) == sum(one[3] == 2 for one in feed["requests"]) == run.result["requests"]["failed"]
    assert (feed["start_s"], feed["end_s"]) == (2.0, 25.4)


def test_everything_is_in_the_order_of_its_time() -> None:
    feed = feed_of(failing_run())
    for name, times in {
        "requests": [one[0] for one in feed["requests"]],
        **{name: [one["t"] for one in feed[name]] for name in ("events", "marks", "steps", "failures")},
    }.items():
        assert times == sorted(times), name


def test_a_long_run_is_thinned_out_evenly_and_keeps_its_failures() -> None:
    run = passing_run()
    good = [request(n, n / 100, session=f"s{n % 900}") for n in range(30_000)]
    many = [replace(one, outcome="timeout") if one.id in (7, 12_345) else one for one in good]
    feed = feed_of(run, many)
    assert MAX_REQUESTS <= len(feed["requests"]) <= MAX_REQUESTS + 2
    assert feed["requests_of"] == 30_000
    assert [one[0] for one in feed["requests"] if one[3] == 2] == [70, 123_450]
    assert len(feed["users"]) == MAX_USERS
    assert (feed["users_of"], feed["failures_of"]) == (900, 2)


def test_of_very_many_failures_the_first_ones_are_kept_and_the_rest_is_evenly_taken_to_the_last() -> None:
    bad = [request(n, n / 100, session=f"s{n % 9}", outcome="timeout") for n in range(30_000)]
    feed = feed_of(passing_run(), bad)
    numbers = [failure["number"] for failure in feed["failures"]]
    assert MAX_FAILURES - 10 <= len(numbers) <= MAX_FAILURES
    assert numbers[:FIRST_FAILURES] == list(range(1, FIRST_FAILURES + 1))
    assert numbers[-1] == feed["failures_of"] == 30_000, "at its end the counter has counted all of them"
    assert len({later - number for number, later in pairwise(numbers[FIRST_FAILURES:-1])}) == 1
    few = [failure["number"] for failure in feed_of(passing_run(), bad[:MAX_FAILURES])["failures"]]
    assert few == list(range(1, MAX_FAILURES + 1))


def test_the_way_of_a_failed_request_is_told_from_its_sender_to_its_end() -> None:
    lost = request(812, 6.3, "node2", session="s17.2", outcome="http_502", status=502, attempts=2, detail="gone")
    assert way_of(lost) == [
        "6.300 s: user s17 (session s17.2) wants GET /browse/ZDU-1, request 812",
        "6.300 s: it is sent to the load balancer on a kept-alive connection",
        "the load balancer dispatches it 2 times; node2 (7.3.0) answers",
        "6.310 s: the first byte of the answer is there, status 502",
        "6.310 s: it ends with http 502: gone, 10 ms after it was wanted",
    ]
    assert "no node answers" in " ".join(way_of(replace(lost, node="", first_byte_s=None)))
