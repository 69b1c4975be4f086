import pytest

from node.releases import Release
from node.upgrade_state import UpgradeState
from node.version_rules import Join, JoinDecision, Refuse, Wait, decide_join, major_jump_message
from shared_db.rows import ClusterSnapshot
from tests.support.cluster import BASE, BEGAN_MS, TARGET, THIRD, member, snapshot

S = UpgradeState
OLD = Release("7.3.0", 73011)
MIDDLE = Release("7.3.1", 73012)
NEW = Release("7.3.2", 73013)
NEXT_MAJOR = Release("8.0.0", 800000)
ANCIENT = Release("7.2.9", 72009)
UPGRADING = [S.READY_TO_UPGRADE, S.MIXED, S.READY_TO_RUN_UPGRADE_TASKS]
IN_TASKS = [S.RUNNING_UPGRADE_TASKS, S.UPGRADE_TASKS_FAILED]


def decide(
    release: Release, cluster: ClusterSnapshot, *, data_build: int | None = BASE[0], waited_s: float = 0.0
) -> JoinDecision:
    return decide_join(release, "joiner", cluster, data_build, waited_s=waited_s, wait_limit_s=300.0)


@pytest.mark.parametrize("state", [None, *UpgradeState])
@pytest.mark.parametrize("members", [(), (member("node1"),), (member("node1", TARGET),)])
def test_data_newer_than_the_binary_refuses_in_every_state(
    state: UpgradeState | None, members: tuple[object, ...]
) -> None:
    decision = decide(OLD, snapshot(state, *members), data_build=TARGET[0])  # type: ignore[arg-type]  # parametrised

    assert isinstance(decision, Refuse)
    assert "73013" in decision.message


@pytest.mark.parametrize("state", [None, S.STABLE])
def test_the_same_version_joins_a_stable_cluster(state: UpgradeState | None) -> None:
    assert decide(OLD, snapshot(state, member("node1"))) == Join()


@pytest.mark.parametrize("state", [None, S.STABLE])
def test_a_newer_node_waits_for_heartbeats_to_die_and_then_gives_up(state: UpgradeState | None) -> None:
    cluster = snapshot(state, member("node1"))

    waiting = decide(NEW, cluster, waited_s=299.9)
    refused = decide(NEW, cluster, waited_s=300.0)

    assert isinstance(waiting, Wait)
    assert "node1 (7.3.0)" in waiting.message
    assert isinstance(refused, Refuse)
    assert "upgrade mode" in refused.message


@pytest.mark.parametrize(
    "others",
    [(), (member("node1", alive=False),), (member("node1", offline_since_ms=BEGAN_MS),), (member("joiner"),)],
)
def test_the_first_node_of_a_cluster_that_is_down_upgrades_the_data(others: tuple[object, ...]) -> None:
    cluster = snapshot(S.STABLE, *others)  # type: ignore[arg-type]  # parametrised

    assert decide(NEW, cluster) == Join(upgrades_data=True)
    assert decide(OLD, cluster) == Join(upgrades_data=False)


def test_a_cluster_that_is_down_may_even_cross_a_major_release() -> None:
    assert decide(NEXT_MAJOR, snapshot(S.STABLE)) == Join(upgrades_data=True)


@pytest.mark.parametrize("state", UPGRADING)
def test_base_and_target_join_while_the_cluster_is_upgraded(state: UpgradeState) -> None:
    cluster = snapshot(state, member("node1", TARGET), member("node2"))

    assert decide(OLD, cluster) == Join()
    assert decide(NEW, cluster) == Join()


def test_the_first_upgraded_node_may_be_of_any_newer_version() -> None:
    cluster = snapshot(S.READY_TO_UPGRADE, member("node1"), member("joiner"))

    assert decide(MIDDLE, cluster) == Join()
    assert decide(NEW, cluster) == Join()


@pytest.mark.parametrize("state", UPGRADING)
def test_a_third_version_is_refused_at_once(state: UpgradeState) -> None:
    decision = decide(MIDDLE, snapshot(state, member("node1", TARGET), member("node2")))

    assert isinstance(decision, Refuse)
    assert "7.3.0 to 7.3.2" in decision.message
    assert "7.3.1" in decision.message


def test_a_killed_node_still_sets_the_target_but_one_that_has_left_does_not() -> None:
    killed = snapshot(S.MIXED, member("node1", THIRD, alive=False), member("node2"))
    left = snapshot(S.MIXED, member("node1", THIRD, offline_since_ms=BEGAN_MS), member("node2"))

    assert isinstance(decide(NEW, killed), Refuse)
    assert decide(NEW, left) == Join()


def test_a_nodes_own_former_life_does_not_count_against_it() -> None:
    assert decide(NEW, snapshot(S.MIXED, member("joiner", THIRD), member("node2"))) == Join()


@pytest.mark.parametrize("state", [*UPGRADING, *IN_TASKS])
def test_a_version_older_than_the_base_is_refused(state: UpgradeState) -> None:
    decision = decide(ANCIENT, snapshot(state, member("node1", TARGET)), data_build=None)

    assert isinstance(decision, Refuse)
    assert "older" in decision.message


@pytest.mark.parametrize("state", IN_TASKS)
def test_the_base_version_is_locked_out_once_upgrade_tasks_have_begun(state: UpgradeState) -> None:
    cluster = snapshot(state, member("node1", TARGET))

    assert isinstance(decide(OLD, cluster), Refuse)
    assert decide(NEW, cluster) == Join()


@pytest.mark.parametrize("state", [*UPGRADING, *IN_TASKS])
def test_a_major_jump_is_refused_in_jiras_own_words(state: UpgradeState) -> None:
    decision = decide(NEXT_MAJOR, snapshot(state, member("node1")))

    assert decision == Refuse(
        "Your node with Jira version 8.0.0 will not start up with version 7.3.0 because Jira does not support zero "
        "downtime upgrades between major releases. See "
        "https://docs.atlassian.com/jira/jadm-docs-080/Upgrading+Jira+applications."
    )


def test_a_major_jump_without_upgrade_mode_is_refused_after_the_wait() -> None:
    cluster = snapshot(S.STABLE, member("node1"))

    assert isinstance(decide(NEXT_MAJOR, cluster), Wait)
    assert decide(NEXT_MAJOR, cluster, waited_s=300) == Refuse(major_jump_message("8.0.0", "7.3.0"))
