"""What users waited is told by phase of the upgrade, and a percentile that samples do not carry is marked."""

from dataclasses import replace

import pytest

from simulator.result import build_result
from simulator.verdict import reach_verdict
from simulator.verdict.latency import Latency, by_phase
from simulator.verdict.parts import find_phases
from tests.support.evidence import evidence, good_events, good_requests, request
from zdu.events import ClusterObserved, LoadStopped, NodeBack, UpgradeHistory


def test_every_moment_of_the_load_is_in_one_phase() -> None:
    phases = find_phases(evidence())
    assert [(phase.name, phase.stretches) for phase in phases] == [
        ("before", ((1.5, 3.0),)),
        ("upgrade mode", ((3.0, 4.0),)),
        ("node1 out", ((4.0, 7.0),)),
        ("MIXED", ((7.0, 9.0),)),
        ("node2 out", ((9.0, 12.0),)),
        ("ready to run upgrade tasks", ((12.0, 13.0),)),
        ("upgrade tasks", ((13.0, 14.0),)),
        ("after", ((14.0, 15.0),)),
    ]
    for tenth in range(15, 150):
        assert sum(phase.covers(tenth / 10) for phase in phases) == 1


def test_a_node_that_never_comes_back_is_out_until_the_load_ends() -> None:
    events = [pair for pair in good_events() if not (isinstance(pair[1], NodeBack) and pair[1].node == "node1")]
    names = [phase.name for phase in find_phases(evidence(events))]
    assert names == ["before", "upgrade mode", "node1 out", "node1 and node2 out"]


def test_phases_are_those_that_the_nodes_showed_when_the_database_could_not_be_read() -> None:
    events = [pair for pair in good_events() if not isinstance(pair[1], UpgradeHistory)]
    assert [phase.name for phase in find_phases(evidence(events))] == [
        phase.name for phase in find_phases(evidence())
    ]


def test_a_run_without_any_upgrade_has_one_phase() -> None:
    none = (UpgradeHistory, ClusterObserved)
    events = [pair for pair in good_events() if not isinstance(pair[1], none) and not hasattr(pair[1], "at_s")]
    assert [phase.name for phase in find_phases(evidence(events))] == ["before"]


def test_a_load_that_never_ended_in_order_has_phases_until_the_last_event() -> None:
    events = [pair for pair in good_events() if not isinstance(pair[1], LoadStopped)]
    assert find_phases(evidence(events))[-1].stretches == ((14.0, 16.0),)


def test_a_slow_phase_is_told_by_name_and_counts_from_the_intended_time() -> None:
    requests = [
        replace(r, sent_s=r.intended_s + 1.9, end_s=r.intended_s + 2.0) if 13.0 <= r.intended_s < 14.0 else r
        for r in good_requests()
    ]
    p50 = {phase.name: latency.percentiles_ms["p50"] for phase, latency in by_phase(evidence(requests=requests))}
    assert p50.pop("upgrade tasks") == pytest.approx(2000, rel=0.01)
    assert all(found == pytest.approx(10, rel=0.011) for found in p50.values())


def test_probes_are_no_users() -> None:
    assert sum(latency.samples for _, latency in by_phase(evidence())) == len(evidence().user_requests)


@pytest.mark.parametrize(
    ("samples", "too_few"),
    [
        (0, ["p50", "p90", "p99", "p99.9"]),
        (9, ["p90", "p99", "p99.9"]),
        (99, ["p99", "p99.9"]),
        (999, ["p99.9"]),
        (1000, []),
    ],
)
def test_a_percentile_needs_its_samples(samples: int, too_few: list[str]) -> None:
    assert Latency.of([request(n, 1.0) for n in range(samples)]).too_few_for == too_few


def test_the_result_has_phases_and_kinds_with_histograms_that_can_be_added_up() -> None:
    good = evidence()
    result = build_result(good, reach_verdict(good))
    first = result["phases"][0]
    assert (first["name"], first["stretches_s"], first["duration_s"]) == ("before", [[1.5, 3.0]], 1.5)
    assert first["latency_ms"]["samples"] == sum(first["histogram"]["counts"].values()) == 20
    assert result["requests"]["by_kind"]["view_issue"]["latency_ms"]["too_few_for"] == ["p99.9"]
