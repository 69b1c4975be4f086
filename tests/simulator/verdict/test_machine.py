"""Trouble of the machine is told from outages of the cluster by the control probe, and excuses nothing else."""

from dataclasses import replace

import pytest

from simulator.record.requests import RequestRecord
from simulator.scenario.expectations import Expectations
from simulator.verdict import Verdict, reach_verdict
from simulator.verdict.machine import find_troubles, is_machines, troubled_s
from simulator.verdict.outages import find_outages
from tests.support.evidence import evidence, good_requests, request

INTERVAL_S = 0.1


def control(*, slow: tuple[float, float] = (0.0, 0.0), takes_s: float = 0.002) -> list[RequestRecord]:
    """A control probe each 0.1 s from 2 to 15 s, those from ``slow[0]`` until before ``slow[1]`` answered then."""
    found = []
    for tick in range(20, 150):
        at_s = tick / 10
        end_s = slow[1] if slow[0] <= at_s < slow[1] else at_s + takes_s
        probe = request(5000 + tick, at_s, "control", kind="probe_control", session="probe_control")
        found.append(replace(probe, end_s=end_s))
    return found


def frozen(from_s: float, to_s: float, outcome: str = "ok") -> list[RequestRecord]:
    """The good requests, except that those between the two are answered at ``to_s``."""
    return [
        replace(r, end_s=to_s, outcome=outcome) if r.is_probe and from_s <= r.intended_s < to_s else r
        for r in good_requests()
    ]


def judge(requests: list[RequestRecord], probes: list[RequestRecord], **expect: object) -> Verdict:
    expectations = Expectations.model_validate({"objectives": ["longest outage <= 1s"], **expect})
    return reach_verdict(evidence(requests=requests, expect=expectations, control=probes))


def test_a_machine_that_is_well_has_no_trouble() -> None:
    assert find_troubles(control(), INTERVAL_S) == []
    assert find_troubles([], INTERVAL_S) == []


def test_waiting_failing_and_missing_control_probes_are_trouble() -> None:
    (slow,) = find_troubles(control(slow=(5.0, 7.0)), INTERVAL_S)
    assert (slow.from_s, slow.to_s, slow.why) == (5.0, 7.0, "slow")

    gone = [replace(p, outcome="refused") if 5.0 <= p.intended_s < 5.2 else p for p in control()]
    assert [trouble.why for trouble in find_troubles(gone, INTERVAL_S)] == ["refused", "refused"]

    (missing,) = find_troubles([p for p in control() if not 5.0 <= p.intended_s < 7.0], INTERVAL_S)
    assert (missing.from_s, missing.to_s, missing.why) == (pytest.approx(5.0), 7.0, "no probe")


def test_only_the_common_part_counts() -> None:
    troubles = find_troubles(control(slow=(5.0, 7.0)), INTERVAL_S)
    assert troubled_s(troubles, 6.5, 9.0) == 0.5
    assert troubled_s(troubles, 7.0, 9.0) == 0.0


def test_a_freeze_of_the_whole_machine_is_inconclusive_and_told_as_such() -> None:
    verdict = judge(frozen(5.0, 7.5), control(slow=(5.0, 7.4)))
    assert verdict.word == "inconclusive"
    (reason,) = verdict.reasons
    assert reason.startswith("the machine was in trouble itself, so nobody knows whether longest outage <= 1s")
    assert "for 2.40 s, first at 5.00 s (slow)" in reason


def test_the_same_freeze_of_the_cluster_alone_fails() -> None:
    assert judge(frozen(5.0, 7.5), control()).word == "fail"


def test_an_outage_that_is_too_long_without_the_machine_s_part_of_it_fails() -> None:
    assert judge(frozen(5.0, 7.5), control(slow=(5.0, 6.0))).word == "fail"


def test_requests_that_timed_out_while_the_machine_stood_still_prove_nothing() -> None:
    lost = [*good_requests(), replace(request(900, 5.1, outcome="timeout", node=""), end_s=7.4)]
    verdict = judge(lost, control(slow=(5.0, 7.4)))
    assert verdict.word == "inconclusive"
    assert "1 of them while the machine was in trouble" in verdict.reasons[0]


@pytest.mark.parametrize("outcome", ["wrong_user", "wrong_content", "http_500", "work_lost", "stale_form"])
def test_no_machine_makes_a_cluster_answer_wrongly(outcome: str) -> None:
    wrong = [*good_requests(), replace(request(900, 5.1, outcome=outcome), end_s=7.4)]
    assert judge(wrong, control(slow=(5.0, 7.4))).word == "fail"


def test_a_hanging_request_is_not_excused_by_a_moment_of_trouble() -> None:
    troubles = find_troubles(control(slow=(5.0, 5.4)), INTERVAL_S)
    assert not is_machines(replace(request(1, 5.0, outcome="timeout"), end_s=10.0), troubles)
    assert is_machines(replace(request(1, 5.0, outcome="timeout"), end_s=5.5), troubles)


def test_a_control_probe_that_nobody_answers_leaves_the_run_without_an_instrument() -> None:
    dead = [replace(probe, outcome="refused") for probe in control()]
    verdict = judge(good_requests(), dead)
    assert verdict.word == "inconclusive"
    assert "only 0 of 130 control probes were answered" in verdict.reasons[0]


def test_an_outage_whose_cause_changes_has_stretches_and_stays_one_outage() -> None:
    def probe(number: int, outcome: str, node: str, detail: str = "") -> RequestRecord:
        return request(number, number / 10, node, kind="probe_new", outcome=outcome, detail=detail)

    (outage,) = find_outages(
        [
            *(probe(1, "ok", "node1"), probe(2, "refused", ""), probe(3, "refused", "")),
            *(probe(4, "http_503", "node1", "JIRA is stopping"), probe(5, "http_503", "node2", "JIRA is stopping")),
            probe(6, "ok", "node2"),
        ],
        "probe_new",
        patience_s=1.0,
    )
    assert [(s.from_s, s.to_s, s.cause, s.failed, s.nodes) for s in outage.stretches] == [
        (0.2, 0.4, "refused", 2, ()),
        (0.4, 0.6, "http_503: JIRA is stopping", 2, ("node1", "node2")),
    ]
    assert (outage.from_s, outage.to_s, outage.nodes) == (0.2, 0.6, ("node1", "node2"))
