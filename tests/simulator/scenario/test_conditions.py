from dataclasses import dataclass

import pytest

from simulator.scenario.conditions import parse_condition


@dataclass
class Node:
    node_id: str = "node1"
    running: bool = True
    version: str = "7.3.0"
    state: str = "RUNNING"
    cluster_state: str = "STABLE"
    serving: bool = True
    drained: bool = False


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("cluster is STABLE", Node()),
        ("node1 is RUNNING", Node()),
        ("node1 is serving", Node()),
        ("node1 runs 7.3.0", Node()),
        ("node1 is DRAINING", Node(state="DRAINING")),
        ("node1 is out", Node(drained=True)),
        ("node1 is stopped", Node(running=False)),
        ("any node is stopped", Node("node2", running=False)),
        ("any node runs 7.3.2", Node("node2", version="7.3.2")),
    ],
)
def test_a_condition_holds_when_it_is_so_and_not_before(text: str, node: Node) -> None:
    other = Node("node3", version="7.3.1", state="STARTING", cluster_state="", serving=False)

    assert parse_condition(text).holds([node, other])
    assert not parse_condition(text).holds([other])


def test_the_cluster_is_in_a_state_only_when_all_who_serve_show_it() -> None:
    mixed = parse_condition("cluster is MIXED")

    assert not mixed.holds([Node(cluster_state="MIXED"), Node("node2", cluster_state="READY_TO_UPGRADE")])
    assert mixed.holds([Node(cluster_state="MIXED"), Node("node2", running=False, cluster_state="STABLE")])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("when it rains", "expected a condition such as cluster is MIXED"),
        ("cluster is MIXXED", "did you mean 'MIXED'?"),
        ("node1 is drainig", "did you mean 'DRAINING'?"),
        ("node1 is happy", "known here: STARTING"),
        ("cluster runs 7.3.2", "its nodes do"),
    ],
)
def test_words_that_are_not_understood_are_told_with_what_is(text: str, said: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_condition(text)

    assert said in str(raised.value)
