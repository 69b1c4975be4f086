import pytest

from node.releases import find_release
from node.services import NotAllowed, UpgradeAction
from node.upgrade_membership import Membership, MixedRule
from node.upgrade_state import (
    EVENTS,
    TRANSITIONS,
    Event,
    TaskOutcome,
    UpgradeState,
    after_observation,
    after_wish,
    allowed,
    on_action,
    on_membership,
    on_tasks,
)
from shared_db.rows import ClusterSnapshot
from tests.support.cluster import BASE, BEGAN_MS, TARGET, member, snapshot

S = UpgradeState
REJOINED = MixedRule("rejoined")
REMOVED = MixedRule("removed", BEGAN_MS)

# Written out a second time, from Atlassian's documentation and not from the table: state, event, state after it.
DOCUMENTED: dict[tuple[UpgradeState, Event], UpgradeState] = {
    (S.STABLE, UpgradeAction.START): S.READY_TO_UPGRADE,
    (S.READY_TO_UPGRADE, UpgradeAction.CANCEL): S.STABLE,
    (S.READY_TO_UPGRADE, Membership.MIXED): S.MIXED,
    (S.READY_TO_UPGRADE, Membership.UPGRADED): S.MIXED,
    (S.MIXED, Membership.BASE): S.READY_TO_UPGRADE,
    (S.MIXED, Membership.UPGRADED): S.READY_TO_RUN_UPGRADE_TASKS,
    (S.READY_TO_RUN_UPGRADE_TASKS, UpgradeAction.APPROVE): S.RUNNING_UPGRADE_TASKS,
    (S.READY_TO_RUN_UPGRADE_TASKS, Membership.MIXED): S.MIXED,
    (S.READY_TO_RUN_UPGRADE_TASKS, Membership.BASE): S.MIXED,
    (S.RUNNING_UPGRADE_TASKS, TaskOutcome.SUCCEEDED): S.STABLE,
    (S.RUNNING_UPGRADE_TASKS, TaskOutcome.FAILED): S.UPGRADE_TASKS_FAILED,
    (S.UPGRADE_TASKS_FAILED, UpgradeAction.RETRY): S.READY_TO_RUN_UPGRADE_TASKS,
}


@pytest.mark.parametrize("state", list(UpgradeState))
@pytest.mark.parametrize("event", EVENTS)
def test_every_state_answers_every_event_as_documented(state: UpgradeState, event: Event) -> None:
    expected = DOCUMENTED.get((state, event))

    if isinstance(event, Membership):
        assert after_observation(state, event) == expected
    elif expected is not None:
        assert after_wish(state, event) is expected
    else:
        with pytest.raises(NotAllowed) as refused:
            after_wish(state, event)
        assert refused.value.state == state
        assert refused.value.allowed == allowed(state)
        assert state in refused.value.message


def test_no_move_leads_from_a_state_to_itself() -> None:
    assert all(start is not end for (start, _), end in TRANSITIONS.items())


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (S.STABLE, (UpgradeAction.START,)),
        (S.READY_TO_UPGRADE, (UpgradeAction.CANCEL,)),
        (S.MIXED, ()),
        (S.READY_TO_RUN_UPGRADE_TASKS, (UpgradeAction.APPROVE,)),
        (S.RUNNING_UPGRADE_TASKS, ()),
        (S.UPGRADE_TASKS_FAILED, (UpgradeAction.RETRY,)),
    ],
)
def test_each_state_allows_what_its_buttons_show(state: UpgradeState, expected: tuple[UpgradeAction, ...]) -> None:
    assert allowed(state) == expected


@pytest.mark.parametrize("state", [None, S.STABLE])
def test_starting_makes_the_live_nodes_version_the_base(state: UpgradeState | None) -> None:
    new = on_action(snapshot(state, member("node1"), member("node2")), UpgradeAction.START, REJOINED)

    assert (new.state, new.build_number, new.version) == (S.READY_TO_UPGRADE, *BASE)


def test_starting_after_a_whole_upgrade_takes_the_new_version_as_base() -> None:
    upgraded = snapshot(S.STABLE, member("node1", TARGET), member("node2", TARGET), release=TARGET)

    assert on_action(upgraded, UpgradeAction.START, REJOINED).build_number == TARGET[0]


@pytest.mark.parametrize("members", [(member("node1"), member("node2", TARGET)), (member("node1", alive=False),), ()])
def test_starting_is_refused_unless_all_live_nodes_run_one_version(members: tuple[object, ...]) -> None:
    cluster = ClusterSnapshot(None, members, BEGAN_MS)  # type: ignore[arg-type]  # parametrised

    with pytest.raises(NotAllowed, match="one version"):
        on_action(cluster, UpgradeAction.START, REJOINED)


def test_starting_looks_neither_at_dead_nor_at_offline_nodes() -> None:
    cluster = snapshot(
        None,
        member("node1"),
        member("node2", TARGET, alive=False),
        member("node3", TARGET, offline_since_ms=1),
    )

    assert on_action(cluster, UpgradeAction.START, REJOINED).state == S.READY_TO_UPGRADE


@pytest.mark.parametrize(
    ("version", "possible"), [("7.2.15", False), ("6.4.14", False), ("7.3.0", True), ("10.3.5", True)]
)
def test_below_7_3_there_is_no_upgrade_mode(version: str, possible: bool) -> None:
    cluster = snapshot(S.STABLE, member("node1", (72_000, version)), member("node2", (72_000, version)))

    if possible:
        assert on_action(cluster, UpgradeAction.START, REJOINED).version == version
    else:
        with pytest.raises(NotAllowed, match=f"came with Jira 7.3; this cluster runs {version}"):
            on_action(cluster, UpgradeAction.START, REJOINED)


def test_cancelling_keeps_the_base_version() -> None:
    new = on_action(snapshot(S.READY_TO_UPGRADE, member("node1")), UpgradeAction.CANCEL, REJOINED)

    assert (new.state, new.build_number, new.version) == (S.STABLE, *BASE)


def test_cancelling_is_refused_when_an_upgraded_node_joined_a_moment_ago() -> None:
    cluster = snapshot(S.READY_TO_UPGRADE, member("node1", TARGET), member("node2"))

    with pytest.raises(NotAllowed, match=r"back at 7\.3\.0"):
        on_action(cluster, UpgradeAction.CANCEL, REJOINED)


def test_approving_keeps_the_base_version_until_the_tasks_have_run() -> None:
    cluster = snapshot(S.READY_TO_RUN_UPGRADE_TASKS, member("node1", TARGET), member("node2", TARGET))

    new = on_action(cluster, UpgradeAction.APPROVE, REJOINED)

    assert (new.state, new.build_number, new.version) == (S.RUNNING_UPGRADE_TASKS, *BASE)


def test_approving_is_refused_when_a_base_node_joined_a_moment_ago() -> None:
    cluster = snapshot(S.READY_TO_RUN_UPGRADE_TASKS, member("node1", TARGET), member("node2"))

    with pytest.raises(NotAllowed, match=r"upgraded from 7\.3\.0"):
        on_action(cluster, UpgradeAction.APPROVE, REJOINED)


def test_only_the_stable_row_after_the_tasks_carries_the_new_version() -> None:
    running = snapshot(S.RUNNING_UPGRADE_TASKS, member("node1", TARGET))
    release = find_release("7.3.2")

    succeeded = on_tasks(running, TaskOutcome.SUCCEEDED, release)
    failed = on_tasks(running, TaskOutcome.FAILED, release)

    assert (succeeded.state, succeeded.build_number, succeeded.version) == (S.STABLE, *TARGET)
    assert (failed.state, failed.build_number, failed.version) == (S.UPGRADE_TASKS_FAILED, *BASE)


def test_retrying_leads_back_to_the_approval() -> None:
    new = on_action(snapshot(S.UPGRADE_TASKS_FAILED, member("node1", TARGET)), UpgradeAction.RETRY, REJOINED)

    assert (new.state, new.build_number) == (S.READY_TO_RUN_UPGRADE_TASKS, BASE[0])


def test_a_membership_change_keeps_the_base_version() -> None:
    new = on_membership(snapshot(S.READY_TO_UPGRADE, member("node1", TARGET), member("node2")), REJOINED)

    assert new is not None
    assert (new.state, new.build_number, new.version) == (S.MIXED, *BASE)


def test_before_the_first_upgrade_the_membership_means_nothing() -> None:
    assert on_membership(snapshot(None, member("node1", TARGET), member("node2")), REJOINED) is None


def test_a_cluster_that_nobody_is_in_stays_as_it_is() -> None:
    gone = snapshot(S.MIXED, member("node1", TARGET, offline_since_ms=BEGAN_MS + 1))

    assert on_membership(gone, REJOINED) is None
    assert on_membership(gone, REMOVED) is None
