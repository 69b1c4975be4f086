"""The roll's resolver: cut it anywhere, it goes on; it never takes the last serving node away."""

from dataclasses import replace

import pytest

from simulator.roll import (
    AwaitDrained,
    Blocked,
    EnterUpgradeMode,
    Finished,
    NodeSeen,
    NotStarted,
    PutBack,
    RollPolicy,
    Step,
    Stop,
    Upgrade,
    Wait,
    next_step,
)

POLICY = RollPolicy(order=("node1", "node2"), to_version="7.3.2")


def serving(node_id: str, version: str = "7.3.0") -> NodeSeen:
    return NodeSeen(
        node_id,
        running=True,
        crashed=False,
        version=version,
        in_upgrade_mode=False,
        serving=True,
        drained=False,
    )


NODE1, NODE2 = serving("node1"), serving("node2")
STOPPED1 = replace(NODE1, running=False, serving=False, drained=True)


def test_a_serving_node_of_the_old_version_is_asked_to_drain_first() -> None:
    assert next_step((NODE1, NODE2), POLICY) == EnterUpgradeMode("node1")


def test_a_roll_back_takes_the_same_safe_steps_with_the_versions_changed_over() -> None:
    back = RollPolicy(order=("node2", "node1"), to_version="7.3.0")
    upgraded1, upgraded2 = serving("node1", "7.3.2"), serving("node2", "7.3.2")

    assert next_step((upgraded1, upgraded2), back) == EnterUpgradeMode("node2")
    assert next_step((upgraded1, serving("node2")), back) == EnterUpgradeMode("node1")
    assert next_step((replace(upgraded1, running=False, serving=False), serving("node2")), back) == Upgrade("node1")
    assert next_step((serving("node1"), serving("node2")), back) == Finished()


def test_a_node_that_an_administrator_had_set_aside_is_put_back_once_it_runs_with_the_new_version() -> None:
    upgraded = replace(serving("node1", "7.3.2"), serving=False, set_aside=True)
    assert next_step((upgraded, NODE2), POLICY) == PutBack("node1")
    assert next_step((replace(upgraded, set_aside=False), NODE2), POLICY) == Wait(
        "node1", "the load balancer sends requests to node1 again"
    )


def test_a_node_in_upgrade_mode_is_stopped_only_once_it_is_drained() -> None:
    draining = replace(NODE1, in_upgrade_mode=True, serving=False)
    assert next_step((draining, NODE2), POLICY) == AwaitDrained("node1")
    assert next_step((replace(draining, drained=True), NODE2), POLICY) == Stop("node1")


def test_a_stopped_node_stays_out_for_the_wanted_pause_and_is_then_upgraded() -> None:
    policy = replace(POLICY, pause_while_out_s=2.0)
    assert isinstance(next_step((replace(STOPPED1, out_for_s=1.9), NODE2), policy), Wait)
    assert next_step((replace(STOPPED1, out_for_s=2.0), NODE2), policy) == Upgrade("node1")


def test_the_next_node_waits_until_the_upgraded_one_serves_and_has_done_so_for_a_while() -> None:
    policy = replace(POLICY, pause_after_s=1.0)
    starting = replace(serving("node1", "7.3.2"), serving=False)
    assert isinstance(next_step((starting, NODE2), policy), Wait)
    assert isinstance(next_step((replace(starting, serving=True), NODE2), policy), Wait)
    assert next_step((replace(starting, serving=True, back_for_s=1.0), NODE2), policy) == EnterUpgradeMode("node2")


def test_the_roll_is_finished_when_every_node_serves_the_new_version() -> None:
    assert next_step((serving("node1", "7.3.2"), serving("node2", "7.3.2")), POLICY) == Finished()


def test_without_drain_a_serving_node_is_simply_stopped() -> None:
    assert next_step((NODE1, NODE2), replace(POLICY, drain=False)) == Stop("node1")


@pytest.mark.parametrize("drain", [True, False])
def test_the_last_serving_node_is_never_taken_away(drain: bool) -> None:
    other = replace(NODE2, serving=False)
    assert isinstance(next_step((NODE1, other), replace(POLICY, drain=drain)), Wait)


def test_a_single_node_cannot_be_rolled() -> None:
    step = next_step((NODE1,), RollPolicy(("node1",), "7.3.2"))
    assert isinstance(step, Blocked)
    assert "add a second one" in step.reason


def test_a_drained_node_is_not_stopped_while_no_other_node_serves() -> None:
    drained = replace(NODE1, in_upgrade_mode=True, serving=False, drained=True)
    assert isinstance(next_step((drained, replace(NODE2, serving=False)), POLICY), Wait)


def test_a_node_that_died_by_itself_blocks_the_roll() -> None:
    step = next_step((NODE1, replace(NODE2, running=False, crashed=True, serving=False)), POLICY)
    assert isinstance(step, Blocked)
    assert "node2" in step.reason


def test_a_node_that_could_not_start_with_the_new_version_is_for_a_person_to_decide() -> None:
    refused = replace(serving("node1", "7.3.2"), serving=False, failed=True)
    assert next_step((refused, NODE2), POLICY) == NotStarted("node1")


@pytest.mark.parametrize("other", [NODE2, replace(NODE2, serving=False)])
def test_a_node_that_could_not_start_serves_nobody_and_is_put_back_without_a_drain(other: NodeSeen) -> None:
    refused = replace(serving("node1", "8.0.3"), serving=False, failed=True)
    back = RollPolicy(order=("node1",), to_version="7.3.0")
    assert next_step((refused, other), back) == Stop("node1")
    assert next_step((replace(refused, running=False, failed=False), other), back) == Upgrade("node1")


def test_with_three_nodes_each_cut_of_the_sequence_is_taken_up_where_it_was() -> None:
    """Play the roll against a model cluster that obeys each step, from a fresh resolver every time."""
    policy = RollPolicy(order=("node1", "node2", "node3"), to_version="7.3.2")
    cluster = {name: serving(name) for name in policy.order}
    taken: list[Step] = []
    for _ in range(100):
        step = next_step(tuple(cluster.values()), policy)
        if isinstance(step, Finished):
            break
        taken.append(step)
        assert not isinstance(step, Blocked)
        cluster[step.node_id] = _obey(cluster[step.node_id], step)
        assert sum(node.serving for node in cluster.values()) >= 2
    assert [step for step in taken if isinstance(step, Upgrade)] == [Upgrade(name) for name in policy.order]
    assert all(node.version == "7.3.2" and node.serving for node in cluster.values())


def _obey(node: NodeSeen, step: Step) -> NodeSeen:
    match step:
        case EnterUpgradeMode():
            return replace(node, in_upgrade_mode=True, serving=False)
        case Wait():
            return replace(node, serving=True)
        case AwaitDrained():
            return replace(node, drained=True)
        case Stop():
            return replace(node, running=False, in_upgrade_mode=False)
        case Upgrade():
            return replace(node, running=True, version="7.3.2", drained=False)
    raise AssertionError(step)
