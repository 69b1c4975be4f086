import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.config import RebalanceConfig
from lb.rebalance import Load, Rebalance


def rebalance(**settings: object) -> Rebalance:
    """One for which a node came back at 0.0."""
    config = RebalanceConfig.model_validate({"idle": "10s", "ratio": 1.5, "rate": 1000, "window": "100s", **settings})
    decider = Rebalance(config)
    decider.node_came_back(0.0)
    return decider


def loads(**sessions: int) -> list[Load]:
    return [Load(name, count, 100) for name, count in sessions.items()]


def test_a_silent_session_of_a_node_with_too_many_goes_to_the_one_with_the_fewest() -> None:
    assert rebalance().target("a", 10.0, loads(a=20, b=10, c=5), 1.0) == "c"


@pytest.mark.parametrize(
    ("source", "idle_s", "counts", "now"),
    [
        ("a", 9.9, {"a": 20, "b": 0}, 1.0),  # it was at work a moment ago
        ("b", 10.0, {"a": 20, "b": 7, "c": 5}, 1.0),  # not that many
        ("a", 10.0, {"a": 20}, 1.0),  # nowhere to go
        ("x", 10.0, {"a": 20, "b": 0}, 1.0),  # x takes no new sessions: a drain decides about those
        ("a", 10.0, {"a": 1, "b": 0}, 1.0),  # that would only be the same the other way round
        ("a", 10.0, {"a": 20, "b": 0}, 100.0),  # the window is over
    ],
)
def test_a_session_stays_if(source: str, idle_s: float, counts: dict[str, int], now: float) -> None:
    assert rebalance().target(source, idle_s, loads(**counts), now) is None


def test_sessions_count_by_weight() -> None:
    decider = rebalance()
    assert decider.target("a", 10.0, [Load("a", 20, 200), Load("b", 10, 50)], 1.0) is None
    assert decider.target("b", 10.0, [Load("a", 20, 200), Load("b", 10, 50)], 1.0) == "a"


def test_once_all_have_their_share_it_is_over_until_a_node_comes_back_again() -> None:
    decider = rebalance()
    assert decider.target("a", 10.0, loads(a=12, b=10), 1.0) is None
    assert not decider.active
    assert decider.target("a", 10.0, loads(a=20, b=1), 2.0) is None
    decider.node_came_back(3.0)
    assert decider.target("a", 10.0, loads(a=20, b=1), 4.0) == "b"


def test_switched_off_it_never_begins() -> None:
    assert not rebalance(enabled=False).active


@pytest.mark.parametrize(("rate", "in_s"), [(0.5, 2.0), (1, 1.0), (3, 1.0)])
def test_never_more_than_the_rate_in_any_second(rate: float, in_s: float) -> None:
    decider = rebalance(rate=rate)
    moved_s = []
    for tick in range(400):
        now = tick / 20
        if decider.target("a", 10.0, loads(a=1000, b=0), now):
            decider.moved(now)
            moved_s.append(now)
    at_once = max(1, int(rate))
    assert len(moved_s) == 20 / in_s * at_once
    for at_s in moved_s:
        assert len([s for s in moved_s if at_s <= s < at_s + in_s]) <= at_once


@given(
    counts=st.lists(st.integers(0, 60), min_size=2, max_size=5),
    weights=st.lists(st.integers(1, 256), min_size=5, max_size=5),
)
def test_moving_ends_and_leaves_no_node_that_a_move_would_still_help(counts: list[int], weights: list[int]) -> None:
    decider = rebalance()
    names = [f"n{index}" for index in range(len(counts))]
    sessions = dict(zip(names, counts, strict=True))
    moves = 0
    while True:
        now_loads = [Load(name, sessions[name], weight) for name, weight in zip(names, weights, strict=False)]
        moving = [(n, to) for n in names if sessions[n] and (to := decider.target(n, 10.0, now_loads, 1.0))]
        if not moving:
            break
        source, target = moving[0]
        sessions[source] -= 1
        sessions[target] += 1
        moves += 1
        assert moves <= sum(counts), "no session is moved for ever"
    by_weight = [load.by_weight() for load in now_loads]
    least, most = min(now_loads, key=Load.by_weight), max(now_loads, key=Load.by_weight)
    assert max(by_weight) <= 1.5 * min(by_weight) or most.by_weight(-1) < least.by_weight(1)
