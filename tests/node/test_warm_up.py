import pytest

from node.warm_up import WarmUp


@pytest.mark.parametrize(
    ("running_for_s", "delay_s"),
    [(-0.1, 0.2), (0.0, 0.2), (5.0, 0.1), (9.0, 0.02), (10.0, 0.0), (3600.0, 0.0)],
)
def test_a_node_gets_warm_in_a_straight_line(running_for_s: float, delay_s: float) -> None:
    assert WarmUp(duration_s=10.0, extra_s=0.2).delay_s(running_for_s) == pytest.approx(delay_s)


def test_without_a_warm_up_a_node_is_warm_from_the_start() -> None:
    assert WarmUp().delay_s(0.0) == 0.0
    assert WarmUp(duration_s=0.0, extra_s=5.0).delay_s(0.0) == 0.0
