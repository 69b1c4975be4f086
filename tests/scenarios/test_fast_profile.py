import pytest

from simulator.scenario import load, shipped_scenarios
from tests.support.fast_profile import ITS_LOAD_IS_THE_LESSON, PER_NODE, fast


@pytest.mark.parametrize("name", sorted(shipped_scenarios()))
def test_it_asks_for_no_more_users_than_there_are_and_for_some_at_each_node(name: str) -> None:
    scenario = load(name)
    words = fast(scenario)

    if name in ITS_LOAD_IS_THE_LESSON:
        assert "--users" not in words
        return
    users = int(words[words.index("--users") + 1])
    assert PER_NODE * scenario.cluster.nodes <= users <= scenario.load.users


def test_each_scenario_that_keeps_its_load_ships() -> None:
    assert shipped_scenarios().keys() >= ITS_LOAD_IS_THE_LESSON
