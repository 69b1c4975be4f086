from dataclasses import dataclass

import pytest

from simulator.scenario.conditions import Counts, parse_condition


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

    assert parse_condition(text).holds([node, other], Counts())
    assert not parse_condition(text).holds([other], Counts())


def test_the_cluster_is_in_a_state_only_when_all_who_serve_show_it() -> None:
    mixed = parse_condition("cluster is MIXED")

    assert not mixed.holds([Node(cluster_state="MIXED"), Node("node2", cluster_state="READY_TO_UPGRADE")], Counts())
    assert mixed.holds([Node(cluster_state="MIXED"), Node("node2", running=False, cluster_state="STABLE")], Counts())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("when it rains", "expected a condition such as cluster is MIXED"),
        ("cluster is MIXXED", "did you mean 'MIXED'?"),
        ("node1 is drainig", "did you mean 'DRAINING'?"),
        ("node1 is happy", "known here: STARTING"),
        ("cluster runs 7.3.2", "its nodes do"),
        ("half of the sessions slept", "known here: sessions moved, requests answered, requests failed"),
        ("0 sessions moved", "that is always so"),
        ("120% of the requests failed", "more than all cannot be"),
    ],
)
def test_words_that_are_not_understood_are_told_with_what_is(text: str, said: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_condition(text)

    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "enough", "short"),
    [
        ("half of the sessions moved", Counts(sessions=5, moved=3), Counts(sessions=5, moved=2)),
        ("half of sessions moved", Counts(sessions=4, moved=2), Counts(sessions=4, moved=1)),
        ("all of the sessions moved", Counts(sessions=2, moved=2), Counts()),
        ("20 sessions moved", Counts(sessions=90, moved=20), Counts(sessions=90, moved=19)),
        ("1 session moved", Counts(sessions=9, moved=1), Counts(sessions=9)),
        ("500 requests answered", Counts(requests=501, failed=1), Counts(requests=501, failed=2)),
        ("2.5% of the requests failed", Counts(requests=40, failed=1), Counts(requests=41, failed=1)),
    ],
)
def test_what_is_counted_holds_once_there_is_enough_of_it(text: str, enough: Counts, short: Counts) -> None:
    assert parse_condition(text).holds([], enough)
    assert not parse_condition(text).holds([], short)
