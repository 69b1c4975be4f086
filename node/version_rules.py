"""Whether a node of this release may join the cluster as it is now.

Theory of operation
===================

Three rules, each of them a real check of Jira's:

1. **The data's age.** ``jira.version.patched`` is the build the data was last brought to. A release older than the
   data never starts, to protect the data (startup check "Jira build version").
2. **The cluster's state** (``ClusterNodeVersionCheckLauncher``). In a STABLE cluster all live nodes run one version.
   A node of another one waits, because the node it conflicts with may have been killed a moment ago and look alive
   until its heartbeat is too old; after ``version_check_wait`` it gives up. During an upgrade there are exactly two
   versions: the base and one target, which the first upgraded node sets. While the upgrade tasks run, and after one
   has failed, the base version is locked out: its data is already being changed.
3. **No major jump.** An upgrade in which nodes of two versions share one database does not cross a major release.

When nothing else is alive and the cluster is STABLE, the question is not one of a cluster at all: a newer release
simply upgrades the data as it starts, as every Jira does that is upgraded with downtime, and older nodes are locked
out from then on by rule 1. A node that only slept while it looked dead would wake up beside data that is newer than
itself: such nodes are set OFFLINE as the newer one joins, and shut themselves down when they notice.

Sources: javadoc of ``com.atlassian.jira.startup.ClusterNodeVersionCheckLauncher``; KB "What happens if starting nodes
with different versions"; KB "Node does not start after a zero downtime upgrade between major versions".
"""

from dataclasses import dataclass

from node.releases import Release
from node.upgrade_membership import OFFLINE, live
from node.upgrade_state import UpgradeState, state_of
from shared_db.rows import ClusterNode, ClusterSnapshot

_TASKS = (UpgradeState.RUNNING_UPGRADE_TASKS, UpgradeState.UPGRADE_TASKS_FAILED)


@dataclass(frozen=True)
class Join:
    """The node may join. ``upgrades_data``: it is the only one and brings the data to its own build as it starts."""

    upgrades_data: bool = False


@dataclass(frozen=True)
class Wait:
    """Not now; ``message`` says for whom. Ask again until ``version_check_wait`` is over."""

    message: str


@dataclass(frozen=True)
class Refuse:
    """Never, as things are."""

    message: str


JoinDecision = Join | Wait | Refuse


def decide_join(
    release: Release,
    node_id: str,
    snapshot: ClusterSnapshot,
    data_build: int | None,
    *,
    waited_s: float,
    wait_limit_s: float,
) -> JoinDecision:
    """Whether a node of ``release`` may join now.

    ``data_build`` is ``jira.version.patched`` (None: nobody has written it); ``waited_s`` how long this start has
    waited already. The node's own row in ``snapshot`` is that of its former life and does not count against it.
    """
    if data_build is not None and release.build < data_build:
        return Refuse(
            f"The data of this cluster is of build {data_build}, newer than build {release.build} of Jira "
            f"{release.version}. To protect it, this node will not start; upgrade the node instead."
        )
    others = [node for node in snapshot.members if node.node_id != node_id and node.state != OFFLINE]
    if not state_of(snapshot).in_upgrade or snapshot.current is None:
        return _while_stable(release, live(others), data_build, waited_s, wait_limit_s)
    return _while_upgrading(release, others, snapshot)


def _while_stable(
    release: Release, alive: list[ClusterNode], data_build: int | None, waited_s: float, wait_limit_s: float
) -> JoinDecision:
    if not alive:
        return Join(upgrades_data=data_build is not None and release.build > data_build)
    different = [node for node in alive if node.build_number != release.build]
    if not different:
        return Join()
    names = ", ".join(f"{node.node_id} ({node.version})" for node in different)
    if waited_s < wait_limit_s:
        return Wait(f"Live nodes run another version than {release.version}: {names}. Waiting for their heartbeats.")
    if _major(different[0].version) != release.numbers[0]:
        return Refuse(major_jump_message(release.version, different[0].version))
    return Refuse(
        f"The cluster is STABLE and its live nodes run another version than {release.version}: {names}. "
        f"This node will not start; put the cluster into upgrade mode before a node is upgraded."
    )


def _while_upgrading(release: Release, others: list[ClusterNode], snapshot: ClusterSnapshot) -> JoinDecision:
    current = snapshot.current
    if current is None:
        return Join()
    state = state_of(snapshot)
    if _major(current.version) != release.numbers[0]:
        return Refuse(major_jump_message(release.version, current.version))
    if release.build == current.build_number and state not in _TASKS:
        return Join()
    if release.build <= current.build_number:
        why = "older than the cluster's" if release.build < current.build_number else f"locked out in {state}"
        return Refuse(
            f"Jira {release.version} is {why}: this cluster is being upgraded from {current.version}. "
            f"This node will not start."
        )
    targets = {node.build_number: node.version for node in others if node.build_number > current.build_number}
    other_targets = [targets[build] for build in sorted(targets) if build != release.build]
    if other_targets:
        return Refuse(
            f"This cluster is being upgraded from {current.version} to {other_targets[0]}; a third version, "
            f"{release.version}, may not join. This node will not start."
        )
    return Join()


def major_jump_message(node_version: str, cluster_version: str) -> str:
    """What Jira itself says of a major jump, word for word (the last KB article above)."""
    return (
        f"Your node with Jira version {node_version} will not start up with version {cluster_version} because Jira "
        f"does not support zero downtime upgrades between major releases. "
        f"See https://docs.atlassian.com/jira/jadm-docs-080/Upgrading+Jira+applications."
    )


def _major(version: str) -> int:
    return int(version.partition(".")[0])
