"""LB lag: how long requests still went to a node that had said it was leaving."""

from dataclasses import replace
from typing import Any

import pytest

from simulator.record.requests import number_of, request_id
from simulator.result import build_result
from simulator.verdict import Evidence, reach_verdict
from simulator.verdict.lag import BY_LOGS_MS, BY_LOOKING_MS, Leaving, find_lags, leavings_in
from tests.support.evidence import evidence, good_events, request
from zdu.events import BalancerAudited, Event, NodeLogsAudited, NodeObserved

STATES: list[dict[str, Any]] = [
    {"node": "node1", "t_s": 4.0, "state": "DRAINING"},
    {"node": "node1", "t_s": 4.5, "state": "STOPPING"},
    {"node": "node1", "t_s": 7.0, "state": "RUNNING"},
]
REQUESTS = [
    request(1, 4.1, "node1", connection="new"),
    request(2, 4.3, "node1", connection="reused"),
    request(3, 4.45, "node2", connection="new"),
    request(4, 8.0, "node1", connection="new"),
]


def measured(late: list[dict[str, Any]] | None = None, states: list[dict[str, Any]] | None = None) -> Evidence:
    """A run whose logs tell this; without ``late`` there is no load balancer's log, without ``states`` no node's."""
    kept: list[tuple[float, Event]] = [
        pair for pair in good_events() if not isinstance(pair[1], BalancerAudited | NodeLogsAudited)
    ]
    kept += [
        (3.9, NodeObserved("node1", "RUNNING")),
        (4.15, NodeObserved("node1", "DRAINING")),
        (5.0, NodeObserved("node1", "")),
        (7.1, NodeObserved("node1", "RUNNING")),
        (15.1, NodeLogsAudited([], states or [])),
        (15.1, BalancerAudited(0 if late is None else 500, [], {}, late or [])),
    ]
    return evidence(kept, REQUESTS)


def late(number: int, at_s: float) -> dict[str, Any]:
    return {"node": "node1", "at_s": at_s, "request": number}


def test_the_lag_is_measured_from_the_node_s_own_log_to_the_load_balancer_s() -> None:
    (lag,) = find_lags(measured([late(1, 4.102), late(2, 4.304)], STATES))
    assert lag.leaving == Leaving("node1", 4.0, 4.5, 7.0, BY_LOGS_MS)
    assert (lag.new.requests, lag.new.last_ms) == (1, pytest.approx(102))
    assert (lag.reused.requests, lag.reused.last_ms) == (1, pytest.approx(304))
    assert (lag.after_stopping.requests, lag.after_stopping.last_ms) == (0, None)


def test_an_attempt_that_no_client_hears_of_counts_once_the_node_is_stopping() -> None:
    """Refused by node1 and dispatched again: its client has a good answer from node2."""
    (lag,) = find_lags(measured([late(3, 4.75)], STATES))
    assert lag.after_stopping.last_ms == pytest.approx(250)
    assert lag.new.last_ms == pytest.approx(750)


def test_without_logs_it_is_told_by_looking_and_how_exact_that_is() -> None:
    (lag,) = find_lags(measured())
    assert lag.leaving == Leaving("node1", 4.15, None, 7.1, BY_LOOKING_MS)
    assert (lag.new.last_ms, lag.reused.last_ms) == (None, pytest.approx(150))


def test_a_node_that_only_stops_is_leaving_from_then_on() -> None:
    assert leavings_in([(1.0, "node1", "RUNNING"), (4.0, "node1", "STOPPING")], 1.0) == [
        Leaving("node1", 4.0, 4.0, None, 1.0)
    ]


def test_each_time_that_a_node_leaves_is_told_apart() -> None:
    told = [*STATES, *({**state, "t_s": state["t_s"] + 10} for state in STATES)]
    assert [lag.leaving.said_s for lag in find_lags(measured([], told))] == [4.0, 14.0]


def test_the_result_has_the_longest_and_each() -> None:
    run = measured([late(1, 4.1), late(2, 4.3)], STATES)
    told = build_result(run, reach_verdict(run))["lb_lag"]
    assert (told["new_ms"], told["reused_ms"], told["after_stopping_ms"]) == (100.0, 300.0, None)
    assert told["each"][0]["node"] == "node1"
    nobody = replace(run, requests=[])
    assert build_result(nobody, reach_verdict(nobody))["lb_lag"]["new_ms"] is None


@pytest.mark.parametrize("other", ["", "zdu-", "zdu-x", "zdu-²", "8dc9bc68c4c089d9", "x-zdu-1"])
def test_only_our_own_requests_have_numbers(other: str) -> None:
    assert number_of(request_id(812)) == 812
    assert number_of(other) == 0
