"""With an open model the verdict rests on what was really sent: less than intended proves nothing."""

import pytest

from simulator.result import build_result
from simulator.scenario.expectations import Expectations
from simulator.verdict import Evidence, Verdict, reach_verdict
from tests.support.evidence import PROBES_FINE, evidence, good_events, good_requests, request
from zdu.events import LoadStopped

FINE = {"intended": 1500, "sent": 1500, "on_time": 1490, "dropped": 0}


def run(arrivals: dict[str, int], expect: Expectations | None = None) -> Evidence:
    events = [
        (at_s, LoadStopped(PROBES_FINE, sent=520, arrivals=arrivals) if isinstance(event, LoadStopped) else event)
        for at_s, event in good_events()
    ]
    return evidence(events, expect=expect)


def judge(arrivals: dict[str, int], expect: Expectations | None = None) -> Verdict:
    return reach_verdict(run(arrivals, expect))


def test_all_that_was_intended_was_sent_on_time() -> None:
    assert judge(FINE).word == "pass"
    assert build_result(run(FINE), judge(FINE))["load"]["arrivals"] == FINE


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sent": 1499, "dropped": 1}, "1,499 of 1,500 arrivals sent"),
        ({"on_time": 1400}, "1,400 of them on time"),
        ({"intended": 0, "sent": 0, "on_time": 0}, "0 of 0 arrivals sent"),
    ],
)
def test_a_generator_that_fell_behind_proves_nothing(change: dict[str, int], told: str) -> None:
    verdict = judge({**FINE, **change})
    assert verdict.word == "inconclusive"
    (reason,) = verdict.reasons
    assert reason.startswith("the load was not what was intended")
    assert told in reason


def test_a_scenario_may_allow_some_to_be_dropped() -> None:
    allowing = Expectations(min_arrivals_sent=0.99)
    assert judge({**FINE, "sent": 1490, "on_time": 1490, "dropped": 10}, allowing).word == "pass"
    assert judge({**FINE, "sent": 1480, "on_time": 1480, "dropped": 20}, allowing).word == "inconclusive"


def test_who_serves_arrivals_is_not_taken_for_a_user_who_worked_throughout() -> None:
    events = run(FINE).envelopes
    served = [request(9000 + n, n / 10, "node2", session="a1.1") for n in range(20, 150)]
    only_one = [r for r in good_requests() if r.session != "s2"] + served
    verdict = reach_verdict(evidence([(e.t_s, e.event) for e in events], requests=only_one))
    (check,) = [check for check in verdict.checks if check.name == "every user worked throughout"]
    assert (check.ok, check.detail[:6]) == (False, "1 of 2")
