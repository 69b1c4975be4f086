"""The roll's resolver: cut it anywhere, it goes on; it never takes the last serving node away."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.roll import (
    Abort,
    AwaitDrained,
    Blocked,
    EnterUpgradeMode,
    Finished,
    NodeSeen,
    NotStarted,
    Pause,
    PutBack,
    Step,
    Stop,
    TurnBack,
    Upgrade,
    Wait,
    breach_of,
    next_step,
    safe,
)
from simulator.roll_policy import Drain, OnBreach, RollPolicy, ordered

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


def test_a_node_that_still_starts_when_all_go_back_is_stopped_for_it_cannot_be_asked_to_drain() -> None:
    """Seen with a bad canary whose users fell ill just as the next node had been started."""
    back = RollPolicy(order=("node2", "node1"), to_version="7.3.0", taking_back=True)
    starts = replace(serving("node2", "7.3.2"), serving=False, starting=True)

    assert next_step((serving("node1", "7.3.2"), starts, serving("node3")), back) == Stop("node2")
    seen = replace(starts, serving=True)
    assert next_step((serving("node1", "7.3.2"), seen, serving("node3")), back) == EnterUpgradeMode("node2")


def test_a_node_that_an_administrator_had_set_aside_is_put_back_once_it_runs_with_the_new_version() -> None:
    upgraded = replace(serving("node1", "7.3.2"), serving=False, set_aside=True)
    assert next_step((upgraded, NODE2), POLICY) == PutBack("node1")
    assert next_step((replace(upgraded, set_aside=False), NODE2), POLICY) == Wait(
        "node1", "the load balancer sends requests to node1 again"
    )


def test_a_node_on_its_way_back_that_is_still_set_aside_is_waited_for_and_not_stopped_anew() -> None:
    back = RollPolicy(order=("node1",), to_version="7.3.0", taking_back=True)
    starting = replace(NODE1, serving=False, drained=True, in_upgrade_mode=True, set_aside=True, ready=False)
    assert next_step((starting, NODE2), back) == Wait("node1", "node1 is ready to serve")
    assert next_step((replace(starting, ready=True), NODE2), back) == PutBack("node1")


def test_a_node_whose_process_ended_at_its_start_is_no_more_started_with_that_version() -> None:
    gone = replace(STOPPED1, version="7.3.2", failed=True, out_for_s=99.0)
    assert next_step((gone, NODE2), POLICY) == NotStarted("node1")
    assert isinstance(next_step((gone, NODE2), replace(POLICY, on_breach="pause")), Pause)
    assert isinstance(next_step((gone, NODE2), replace(POLICY, on_breach="rollback")), TurnBack)
    back = RollPolicy(order=("node1",), to_version="7.3.0", taking_back=True)
    assert next_step((gone, NODE2), back) == Upgrade("node1")
    assert next_step((replace(gone, version="7.3.0"), NODE2), back) == NotStarted("node1"), "not that one either"


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
    assert next_step((NODE1, NODE2), replace(POLICY, drain="none")) == Stop("node1")


@pytest.mark.parametrize("drain", ["own", "none", "deadline"])
def test_the_last_serving_node_is_never_taken_away(drain: Drain) -> None:
    other = replace(NODE2, serving=False)
    assert isinstance(next_step((NODE1, other), replace(POLICY, drain=drain)), Wait)


def test_a_single_node_is_stopped_if_its_requests_are_to_be_parked() -> None:
    assert next_step((NODE1,), RollPolicy(("node1",), "7.3.2", park=True)) == Stop("node1")
    assert isinstance(next_step((NODE1, replace(NODE2, serving=False)), replace(POLICY, park=True)), Wait)


def test_a_single_node_cannot_be_rolled() -> None:
    step = next_step((NODE1,), RollPolicy(("node1",), "7.3.2"))
    assert isinstance(step, Blocked)
    assert "add a second one" in step.reason


def test_a_drained_node_is_not_stopped_while_no_other_node_serves() -> None:
    drained = replace(NODE1, in_upgrade_mode=True, serving=False, drained=True)
    assert isinstance(next_step((drained, replace(NODE2, serving=False)), POLICY), Wait)


def test_a_node_that_died_by_itself_blocks_the_roll() -> None:
    step = next_step((NODE1, replace(NODE2, running=False, crashed=True, serving=False)), POLICY)
    assert step == Abort("node2", "node2 died although nobody had stopped it")


def test_a_node_that_could_not_start_with_the_new_version_is_for_a_person_to_decide() -> None:
    refused = replace(serving("node1", "7.3.2"), serving=False, failed=True)
    assert next_step((refused, NODE2), POLICY) == NotStarted("node1")


@pytest.mark.parametrize("other", [NODE2, replace(NODE2, serving=False)])
def test_a_node_that_could_not_start_serves_nobody_and_is_put_back_without_a_drain(other: NodeSeen) -> None:
    refused = replace(serving("node1", "8.0.3"), serving=False, failed=True)
    back = RollPolicy(order=("node1",), to_version="7.3.0")
    assert next_step((refused, other), back) == Stop("node1")
    assert next_step((replace(refused, running=False, failed=False), other), back) == Upgrade("node1")


NAMES = tuple(f"node{number}" for number in range(1, 6))
BAD = "node1 is a bad canary"
WATCHED = RollPolicy(NAMES[:3], "7.3.2", canary=1, canary_expect=("rate of errors < 1%",))


@pytest.mark.parametrize("names", [NAMES[:2], NAMES[:3], NAMES])
@pytest.mark.parametrize("batch", [1, 2, 4])
@pytest.mark.parametrize("max_unavailable", [None, 1, 2])
@pytest.mark.parametrize("canary", [0, 1])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_roll_cut_after_any_step_goes_on_and_never_has_too_many_out(
    names: tuple[str, ...], batch: int, max_unavailable: int | None, canary: int, reverse: bool
) -> None:
    """Play it against a model cluster that obeys each step, from a fresh resolver every time."""
    order = ordered(names, "reverse" if reverse else "listed", 0)
    policy = RollPolicy(
        order, "7.3.2", batch=batch, max_unavailable=max_unavailable, canary=canary, pause_after_s=1.0
    )
    cluster = {name: serving(name) for name in names}
    cluster["node1"] = replace(cluster["node1"], in_upgrade_mode=True, serving=False)  # as start_upgrade leaves it
    most_out = 1
    for _ in range(200):
        seen = tuple(cluster.values())
        step = next_step(seen, policy)
        if isinstance(step, Finished):
            break
        assert not isinstance(step, Blocked | NotStarted | TurnBack)
        cluster[step.node_id] = _obey(cluster[step.node_id], step)
        out = [node.node_id for node in cluster.values() if not node.carries_load]
        most_out = max(most_out, len(out))
        assert len(out) <= min(max_unavailable or batch, len(names) - 1)
        assert any(set(out) <= set(together) for together in (*policy.batches, ("node1",)))
    assert all(node.version == "7.3.2" and node.serving for node in cluster.values())
    together = max(len(part) for part in policy.batches)
    assert reverse or most_out == min(max_unavailable or batch, together, len(names) - 1)


def _obey(node: NodeSeen, step: Step) -> NodeSeen:
    match step:
        case EnterUpgradeMode():
            return replace(node, in_upgrade_mode=True, serving=False)
        case Wait() if node.serving:
            return replace(node, back_for_s=1.0)
        case Wait():
            return replace(node, serving=True, back_for_s=0.5)
        case AwaitDrained():
            return replace(node, drained=True)
        case Stop():
            return replace(node, running=False, in_upgrade_mode=False, serving=False)
        case Upgrade():
            return replace(node, running=True, version="7.3.2", drained=False)
    raise AssertionError(step)


NODES_SEEN = st.builds(
    NodeSeen,
    node_id=st.just(""),
    running=st.booleans(),
    crashed=st.just(False),
    version=st.sampled_from(["7.3.0", "7.3.2"]),
    in_upgrade_mode=st.booleans(),
    serving=st.booleans(),
    drained=st.booleans(),
    failed=st.booleans(),
    set_aside=st.booleans(),
    ready=st.booleans(),
    out_for_s=st.floats(0, 3),
    back_for_s=st.floats(0, 3),
    away_for_s=st.floats(0, 3),
)


@given(
    st.lists(NODES_SEEN, min_size=2, max_size=5),
    st.integers(1, 3),
    st.one_of(st.none(), st.integers(1, 3)),
    st.integers(0, 2),
    st.sampled_from(["own", "none", "deadline"]),
    st.booleans(),
)
def test_whatever_is_seen_no_step_takes_the_last_node_or_more_than_is_allowed(
    nodes: list[NodeSeen], batch: int, limit: int | None, canary: int, drain: Drain, taking_back: bool
) -> None:
    seen = tuple(replace(node, node_id=NAMES[index]) for index, node in enumerate(nodes))
    policy = RollPolicy(
        NAMES[: len(seen)],
        "7.3.2",
        drain=drain,
        drain_deadline_s=1.0,
        batch=batch,
        max_unavailable=limit,
        canary=canary,
        pause_after_s=1.0,
        taking_back=taking_back,
    )

    step = next_step(seen, policy)

    if isinstance(step, EnterUpgradeMode | Stop):
        left = [node for node in seen if node.carries_load and node.node_id != step.node_id]
        taken = [node for node in seen if node.carries_load and node.node_id == step.node_id]
        assert left or not taken
        assert not taken or len(seen) - len(left) <= (limit or batch)


@given(
    st.lists(NODES_SEEN, min_size=2, max_size=5),
    st.integers(0, 4),
    st.sampled_from(["dies", "is bad", "fails"]),
    st.sampled_from(["abort", "pause", "rollback"]),
)
def test_as_long_as_anything_is_not_as_it_has_to_be_no_step_takes_a_node_that_serves(
    nodes: list[NodeSeen], which: int, how: str, on_breach: OnBreach
) -> None:
    named = [replace(node, node_id=NAMES[index]) for index, node in enumerate(nodes)]
    index = which % len(named)
    named[index] = {
        "dies": replace(named[index], running=False, crashed=True, serving=False),
        "is bad": replace(named[index], trouble=BAD),
        "fails": replace(named[index], running=True, failed=True, version="7.3.2"),
    }[how]
    seen = tuple(named)
    policy = RollPolicy(NAMES[: len(seen)], "7.3.2", batch=3, canary=1, on_breach=on_breach)

    step = next_step(seen, policy, rolling_for_s=1.0)

    assert breach_of(seen, policy, rolling_for_s=1.0) is not None
    assert not isinstance(step, EnterUpgradeMode | Stop | AwaitDrained | Finished)
    assert on_breach == "pause" or isinstance(step, Abort | TurnBack | NotStarted)


def test_the_invariant_knows_a_step_that_must_not_be_taken() -> None:
    third = serving("node3")
    two_out = (NODE1, replace(NODE2, serving=False), third)
    assert not safe(Stop("node1"), (NODE1, replace(NODE2, running=False)), POLICY)
    assert not safe(EnterUpgradeMode("node1"), two_out, replace(POLICY, max_unavailable=1))
    assert safe(EnterUpgradeMode("node1"), two_out, replace(POLICY, max_unavailable=2))


def test_a_node_that_fell_out_by_itself_counts_against_max_unavailable() -> None:
    seen = (NODE1, replace(NODE2, serving=False), serving("node3"))
    policy = RollPolicy(("node1",), "7.3.2", max_unavailable=1)
    assert next_step(seen, policy) == Wait("node1", "no other node is out, and node1 may leave")
    assert next_step((NODE1, NODE2, serving("node3")), policy) == EnterUpgradeMode("node1")


def test_the_nodes_of_a_batch_are_out_together_and_the_next_batch_waits_for_both() -> None:
    policy = RollPolicy(("node1", "node2", "node3"), "7.3.2", batch=2)
    draining = replace(NODE1, in_upgrade_mode=True, serving=False)
    third = serving("node3")
    assert next_step((draining, NODE2, third), policy) == EnterUpgradeMode("node2")
    back1, away2 = serving("node1", "7.3.2"), replace(NODE2, version="7.3.2", serving=False)
    assert next_step((back1, away2, third), policy) == Wait(
        "node2", "the load balancer sends requests to node2 again"
    )
    assert next_step((back1, serving("node2", "7.3.2"), third), policy) == EnterUpgradeMode("node3")


def test_a_canary_goes_alone_and_is_watched_before_the_rest_follows_in_batches() -> None:
    policy = RollPolicy(NAMES, "7.3.2", batch=2, canary=1, canary_watch_s=5.0)
    rest = tuple(serving(name) for name in NAMES[1:])
    assert policy.batches == (("node1",), ("node2", "node3"), ("node4", "node5"))
    watched = replace(serving("node1", "7.3.2"), back_for_s=4.9)
    assert isinstance(next_step((watched, *rest), policy), Wait)
    assert next_step((replace(watched, back_for_s=5.0), *rest), policy) == EnterUpgradeMode("node2")


def test_a_node_counts_as_back_only_once_it_has_been_healthy_for_long_enough() -> None:
    policy = replace(POLICY, min_healthy_s=2.0)
    assert isinstance(next_step((replace(serving("node1", "7.3.2"), back_for_s=1.9), NODE2), policy), Wait)
    assert next_step((replace(serving("node1", "7.3.2"), back_for_s=2.0), NODE2), policy) == EnterUpgradeMode("node2")


def test_past_the_drain_deadline_a_node_is_stopped_although_it_is_not_drained() -> None:
    policy = replace(POLICY, drain="deadline", drain_deadline_s=3.0)
    draining = replace(NODE1, in_upgrade_mode=True, serving=False, away_for_s=2.9)
    assert next_step((draining, NODE2), policy) == AwaitDrained("node1")
    assert next_step((replace(draining, away_for_s=3.0), NODE2), policy) == Stop("node1")


def test_a_random_order_is_the_same_for_the_same_seed_and_another_for_others() -> None:
    assert ordered(NAMES, "random", 7) == ordered(NAMES, "random", 7)
    assert sorted(ordered(NAMES, "random", 7)) == list(NAMES)
    assert len({ordered(NAMES, "random", seed) for seed in range(20)}) > 5


LATE = replace(NODE1, in_upgrade_mode=True, serving=False, away_for_s=9.0)


@pytest.mark.parametrize(
    ("on_breach", "step"),
    [
        ("abort", Abort("node1", "node1 is not back 5 s after it left")),
        ("pause", Pause("node1", "node1 is not back 5 s after it left")),
        ("rollback", TurnBack("node1", "node1 is not back 5 s after it left")),
    ],
)
def test_a_node_that_is_away_for_too_long_is_a_breach(on_breach: OnBreach, step: Step) -> None:
    policy = replace(POLICY, node_deadline_s=5.0, on_breach=on_breach)
    assert next_step((LATE, NODE2), policy, rolling_for_s=9.0) == step
    assert next_step((LATE, NODE2), policy, rolling_for_s=1.0) == AwaitDrained("node1")  # it had left long before
    assert next_step((replace(LATE, away_for_s=5.0), NODE2), policy, rolling_for_s=9.0) == AwaitDrained("node1")


@pytest.mark.parametrize(
    "broken",
    [
        replace(STOPPED1, crashed=True),
        replace(NODE1, version="7.3.2", serving=False, failed=True),
    ],
)
def test_a_node_that_dies_or_cannot_start_turns_the_roll_back_if_so_wanted(broken: NodeSeen) -> None:
    assert isinstance(next_step((broken, NODE2), replace(POLICY, on_breach="rollback")), TurnBack)
    assert isinstance(next_step((broken, NODE2), replace(POLICY, on_breach="pause")), Pause)


def test_on_the_way_back_dead_nodes_are_started_and_those_that_ask_to_be_drained_start_anew() -> None:
    back = RollPolicy(("node2", "node1"), "7.3.0", taking_back=True)
    dead = replace(serving("node2", "7.3.2"), running=False, crashed=True, serving=False)
    assert next_step((NODE1, dead), back) == Upgrade("node2")
    asks = replace(NODE1, in_upgrade_mode=True, serving=False, drained=True)
    assert next_step((asks, NODE2), back) == Stop("node1")
    assert next_step((NODE1, NODE2), back) == Finished()


def test_a_canary_whose_users_fare_badly_is_a_breach_and_one_that_nobody_has_used_yet_is_waited_for() -> None:
    policy = RollPolicy(NAMES[:3], "7.3.2", canary=1, canary_expect=("rate of errors < 1%",), on_breach="rollback")
    canary = replace(serving("node1", "7.3.2"), judged=False)
    rest = (serving("node2"), serving("node3"))
    assert next_step((canary, *rest), policy) == Wait("node1", "node1 has served enough users to tell how they fare")
    assert next_step((replace(canary, judged=True), *rest), policy) == EnterUpgradeMode("node2")
    bad = replace(canary, judged=True, trouble="node1 is a bad canary")
    assert next_step((bad, *rest), policy) == TurnBack("node1", "node1 is a bad canary")
    assert next_step((bad, *rest), replace(policy, on_breach="abort")) == Abort("node1", "node1 is a bad canary")


@pytest.mark.parametrize(
    ("on_breach", "ends"),
    [("abort", Abort("node1", BAD)), ("pause", Pause("node1", BAD)), ("rollback", TurnBack("node1", BAD))],
)
def test_a_bad_canary_lets_nobody_leave_at_whichever_step_it_shows(on_breach: OnBreach, ends: Step) -> None:
    """The roll is played step by step; before each one the canary, if it is back, turns out to be bad."""
    policy = replace(WATCHED, on_breach=on_breach)
    cluster = {name: serving(name) for name in NAMES[:3]}
    met = 0
    while not isinstance(step := next_step(tuple(cluster.values()), policy), Finished):
        if cluster["node1"].version == "7.3.2" and cluster["node1"].carries_load:
            bad = {**cluster, "node1": replace(cluster["node1"], trouble=BAD, judged=True)}
            stopped = [name for name, node in bad.items() if not node.running]
            found = next_step(tuple(bad.values()), policy)
            assert found == (Upgrade(stopped[0]) if on_breach == "pause" and stopped else ends)
            met += 1
        assert not isinstance(step, Abort | Pause | TurnBack | Blocked | NotStarted)
        cluster[step.node_id] = _obey(cluster[step.node_id], step)
    assert met >= 8, "the canary is there during all of two other nodes' steps"


def test_a_roll_that_has_paused_goes_on_where_it_was_once_the_canary_is_well_again() -> None:
    policy = replace(WATCHED, on_breach="pause")
    canary, rest = serving("node1", "7.3.2"), (serving("node2"), serving("node3"))
    assert isinstance(next_step((replace(canary, trouble=BAD), *rest), policy), Pause)
    assert next_step((canary, *rest), policy) == EnterUpgradeMode("node2")


def test_during_a_pause_who_is_stopped_already_comes_back_and_who_only_drains_stays() -> None:
    policy = replace(WATCHED, on_breach="pause", batch=2)
    bad = replace(serving("node1", "7.3.2"), trouble=BAD)
    stopped = replace(serving("node2"), running=False, serving=False)
    draining = replace(serving("node3"), in_upgrade_mode=True, serving=False, drained=True)
    assert next_step((bad, stopped, draining), policy) == Upgrade("node2")
    set_aside = replace(serving("node2", "7.3.2"), serving=False, set_aside=True)
    assert next_step((bad, set_aside, draining), policy) == PutBack("node2")
    assert next_step((bad, serving("node2", "7.3.2"), draining), policy) == Pause("node1", BAD)


def test_a_node_that_is_late_because_it_is_still_stopped_is_started_during_the_pause() -> None:
    policy = replace(POLICY, node_deadline_s=5.0, on_breach="pause")
    late = replace(STOPPED1, away_for_s=9.0)
    assert next_step((late, NODE2), policy, rolling_for_s=9.0) == Upgrade("node1")
    dead = replace(late, crashed=True)
    assert isinstance(next_step((dead, NODE2), policy, rolling_for_s=9.0), Pause), "that a person has to do"


def test_without_a_word_only_as_many_nodes_are_out_as_go_together() -> None:
    assert RollPolicy(NAMES, "7.3.2").most_out == 1
    assert RollPolicy(NAMES, "7.3.2", batch=2).most_out == 2
    assert RollPolicy(NAMES, "7.3.2", batch=2, max_unavailable=1).most_out == 1
    seen = (NODE1, replace(NODE2, serving=False), serving("node3"))
    assert isinstance(next_step(seen, RollPolicy(("node1",), "7.3.2")), Wait)
