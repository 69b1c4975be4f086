"""Jira's intervals on the cluster's own clock."""

import pytest

from node.config import LEAST_PATIENCE_S, PATIENT, JiraIntervals


def test_scaling_keeps_the_proportions_of_all_intervals() -> None:
    scaled = JiraIntervals().scaled(60)
    assert {name: value * 60 for name, value in scaled} == pytest.approx(dict(JiraIntervals()))


@pytest.mark.parametrize(
    ("unscaled_s", "factor", "expiry_s"),
    [
        (300.0, 1, 300.0),
        (300.0, 60, 5.0),
        (300.0, 120, LEAST_PATIENCE_S),
        (300.0, 3600, LEAST_PATIENCE_S),
        (1.0, 1, 1.0),
        (1.0, 120, 1.0),  # whoever configures less than the floor has wanted it
    ],
)
@pytest.mark.parametrize("name", PATIENT)
def test_no_lock_expires_and_no_node_is_dead_sooner_because_the_clusters_clock_runs_faster(
    name: str, unscaled_s: float, factor: float, expiry_s: float
) -> None:
    scaled = JiraIntervals.model_validate({name: f"{unscaled_s:g}s"}).scaled(factor)
    assert getattr(scaled, name) == expiry_s
    assert scaled.heartbeat == 60 / factor
