import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.balancing import Algorithm, Candidate, LeastConnections, SmoothRoundRobin, TwoChoices, algorithm_for
from lb.config import Balance


def shares(algorithm: Algorithm, candidates: list[Candidate], rounds: int) -> Counter[str]:
    return Counter(algorithm.choose(candidates).name for _ in range(rounds))


@given(weights=st.lists(st.integers(1, 12), min_size=1, max_size=5), rounds=st.integers(1, 4))
def test_weighted_round_robin_gives_each_node_exactly_its_share(weights: list[int], rounds: int) -> None:
    candidates = [Candidate(f"n{index}", weight, 0) for index, weight in enumerate(weights)]

    chosen = shares(SmoothRoundRobin(), candidates, rounds * sum(weights))

    assert chosen == {candidate.name: rounds * candidate.weight for candidate in candidates}


@given(weights=st.lists(st.integers(1, 12), min_size=2, max_size=5))
def test_weighted_round_robin_never_lets_a_node_run_more_than_one_round_ahead(weights: list[int]) -> None:
    candidates = [Candidate(f"n{index}", weight, 0) for index, weight in enumerate(weights)]
    algorithm = SmoothRoundRobin()
    chosen: Counter[str] = Counter()
    for turn in range(1, 2 * sum(weights) + 1):
        chosen[algorithm.choose(candidates).name] += 1
        for candidate in candidates:
            due = turn * candidate.weight / sum(weights)
            assert abs(chosen[candidate.name] - due) < len(weights)


def test_weights_2_and_1_interleave() -> None:
    algorithm = SmoothRoundRobin()
    candidates = [Candidate("a", 2, 0), Candidate("b", 1, 0)]
    assert "".join(algorithm.choose(candidates).name for _ in range(6)) == "abaaba"


def test_the_least_busy_node_by_its_weight_gets_the_next_session() -> None:
    algorithm = LeastConnections()
    assert algorithm.choose([Candidate("a", 100, 3), Candidate("b", 100, 2)]).name == "b"
    assert algorithm.choose([Candidate("a", 100, 5), Candidate("b", 20, 2)]).name == "a"


def test_of_equally_busy_nodes_each_gets_its_turn() -> None:
    candidates = [Candidate(name, 10, 0) for name in "abc"]
    assert shares(LeastConnections(), candidates, 30) == {"a": 10, "b": 10, "c": 10}


@given(
    loads=st.lists(st.tuples(st.integers(1, 10), st.integers(0, 20)), min_size=1, max_size=6),
    seed=st.integers(0, 1000),
)
def test_two_choices_never_take_the_busiest_of_several(loads: list[tuple[int, int]], seed: int) -> None:
    candidates = [Candidate(f"n{index}", weight, busy) for index, (weight, busy) in enumerate(loads)]
    chosen = TwoChoices(random.Random(seed)).choose(candidates)
    others = [(c.in_flight + 1) / c.weight for c in candidates if c is not chosen]
    assert not others or (chosen.in_flight + 1) / chosen.weight <= max(others)


def test_two_choices_do_not_send_everybody_to_the_one_node_that_is_empty() -> None:
    candidates = [Candidate("a", 10, 0)] + [Candidate(f"n{index}", 10, 50) for index in range(9)]
    share = shares(TwoChoices(random.Random(1)), candidates, 10_000)["a"]
    assert 1_700 < share < 2_300, "drawn first or second: a fifth"


def test_two_choices_heed_the_weights_when_nothing_is_going_on() -> None:
    candidates = [Candidate("a", 300, 0), Candidate("b", 100, 0), Candidate("c", 100, 0)]
    chosen = shares(TwoChoices(random.Random(1)), candidates, 5_000)
    assert chosen["a"] > 2 * max(chosen["b"], chosen["c"])


@pytest.mark.parametrize("balance", list(Balance))
def test_a_candidate_of_weight_0_can_be_chosen_when_it_is_the_only_one(balance: Balance) -> None:
    assert algorithm_for(balance, random.Random(1)).choose([Candidate("a", 0, 7)]).name == "a"


@pytest.mark.parametrize(
    ("balance", "expected"),
    [
        (Balance.ROUNDROBIN, SmoothRoundRobin),
        (Balance.LEASTCONN, LeastConnections),
        (Balance.RANDOM, TwoChoices),
    ],
)
def test_the_configuration_names_the_algorithm(balance: Balance, expected: type) -> None:
    assert type(algorithm_for(balance, random.Random(1))) is expected
