"""The cluster upgrade state machine: which state may follow which, and who may ask for it.

Theory of operation
===================

A cluster has one upgrade state. It is stored, not computed: table ``clusterupgradestate`` only ever gets new rows,
and the row with the highest ``order_number`` is the state now. A cluster without a row is STABLE. Any node may write
the next row, so every decision is made here, on one consistent snapshot, inside the transaction that writes it; two
nodes that see the same change cannot both write it.

Two kinds of things move the machine:

* **Somebody asks** (:class:`UpgradeAction`, or the outcome of the upgrade tasks). A request that does not fit the
  state is refused with :class:`NotAllowed`: that is what an administrator sees as HTTP 409.
* **The membership changed** (:class:`Membership`). Nodes compare the versions of the cluster's nodes with its *base*,
  the build in the current row. An observation that means nothing in a state changes nothing; it is never an error,
  because every node observes again and again.

The normal way through an upgrade is a straight line, and READY_TO_RUN_UPGRADE_TASKS is the deliberate last pause in
which everything can still be rolled back::

    STABLE -> READY_TO_UPGRADE -> MIXED -> READY_TO_RUN_UPGRADE_TASKS -> RUNNING_UPGRADE_TASKS -> STABLE

One observation moves at most one step, and only along a documented edge: when the one node of a one-node cluster
comes back upgraded, the cluster is MIXED for the blink of an eye, and nobody who reads the history afterwards meets
an edge that Atlassian's documentation does not have.

The build and version in a row are the base's until the tasks have run; only the STABLE row after them carries the
new one (so the rows of a real 9.4.30 to 9.12.24 upgrade show). A cancelled upgrade's STABLE row keeps the base.

Sources: javadoc of ``com.atlassian.jira.cluster.zdu.UpgradeState``; the developer guide "Zero downtime upgrades for
Jira Data Center applications"; the guards as the sister product Confluence has them (start only in STABLE, cancel
only in READY_TO_UPGRADE, finalise only in READY_TO_RUN_UPGRADE_TASKS, retry only in UPGRADE_TASKS_FAILED).
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from node.releases import Release
from node.services import NotAllowed, UpgradeAction
from node.upgrade_membership import Membership, MixedRule, live, observe
from shared_db.rows import ClusterSnapshot, NewUpgradeState, UpgradeStateRow


class UpgradeState(StrEnum):
    """The six states, by the names Jira, Confluence and Bitbucket share."""

    STABLE = "STABLE"
    READY_TO_UPGRADE = "READY_TO_UPGRADE"
    MIXED = "MIXED"
    READY_TO_RUN_UPGRADE_TASKS = "READY_TO_RUN_UPGRADE_TASKS"
    RUNNING_UPGRADE_TASKS = "RUNNING_UPGRADE_TASKS"
    UPGRADE_TASKS_FAILED = "UPGRADE_TASKS_FAILED"

    @property
    def in_upgrade(self) -> bool:
        """True from the moment upgrade mode was switched on until the cluster is STABLE again."""
        return self is not UpgradeState.STABLE


class TaskOutcome(StrEnum):
    """How the upgrade tasks ended."""

    SUCCEEDED = "tasks succeeded"
    FAILED = "a task failed"


Event = UpgradeAction | TaskOutcome | Membership
EVENTS: tuple[Event, ...] = (*UpgradeAction, *TaskOutcome, *Membership)

_S = UpgradeState

TRANSITIONS: Mapping[tuple[UpgradeState, Event], UpgradeState] = MappingProxyType(
    {
        (_S.STABLE, UpgradeAction.START): _S.READY_TO_UPGRADE,
        (_S.READY_TO_UPGRADE, UpgradeAction.CANCEL): _S.STABLE,
        (_S.READY_TO_UPGRADE, Membership.MIXED): _S.MIXED,
        (_S.READY_TO_UPGRADE, Membership.UPGRADED): _S.MIXED,
        (_S.MIXED, Membership.BASE): _S.READY_TO_UPGRADE,
        (_S.MIXED, Membership.UPGRADED): _S.READY_TO_RUN_UPGRADE_TASKS,
        (_S.READY_TO_RUN_UPGRADE_TASKS, UpgradeAction.APPROVE): _S.RUNNING_UPGRADE_TASKS,
        (_S.READY_TO_RUN_UPGRADE_TASKS, Membership.MIXED): _S.MIXED,
        (_S.READY_TO_RUN_UPGRADE_TASKS, Membership.BASE): _S.MIXED,
        (_S.RUNNING_UPGRADE_TASKS, TaskOutcome.SUCCEEDED): _S.STABLE,
        (_S.RUNNING_UPGRADE_TASKS, TaskOutcome.FAILED): _S.UPGRADE_TASKS_FAILED,
        (_S.UPGRADE_TASKS_FAILED, UpgradeAction.RETRY): _S.READY_TO_RUN_UPGRADE_TASKS,
    }
)
"""Every move there is. A pair that is missing is refused (a wish) or changes nothing (an observation)."""

MOVED_BY_MEMBERSHIP = frozenset(state for state, event in TRANSITIONS if isinstance(event, Membership))
"""The states in which it matters what the nodes are."""

_REFUSALS: Mapping[UpgradeAction | TaskOutcome, str] = MappingProxyType(
    {
        UpgradeAction.START: "An upgrade can only be started while the cluster is STABLE",
        UpgradeAction.CANCEL: "An upgrade can only be cancelled in READY_TO_UPGRADE; first put every upgraded node "
        "back to the version it had",
        UpgradeAction.APPROVE: "Upgrade tasks can only be run in READY_TO_RUN_UPGRADE_TASKS, when all nodes have "
        "been upgraded",
        UpgradeAction.RETRY: "There is nothing to retry: no upgrade task has failed",
        TaskOutcome.SUCCEEDED: "No upgrade tasks are running in this cluster",
        TaskOutcome.FAILED: "No upgrade tasks are running in this cluster",
    }
)


FIRST_WITH_UPGRADE_MODE = (7, 3)
"""Zero downtime upgrades came with Jira Software 7.3 (developer guide); below there is no upgrade mode."""


def allowed(state: UpgradeState) -> tuple[UpgradeAction, ...]:
    """What an administrator may ask for in ``state``, in the order of the table."""
    return tuple(event for (start, event) in TRANSITIONS if start is state and isinstance(event, UpgradeAction))


def after_wish(state: UpgradeState, wish: UpgradeAction | TaskOutcome) -> UpgradeState:
    """The state after somebody asked. Raises NotAllowed if the table has no such move."""
    target = TRANSITIONS.get((state, wish))
    if target is None:
        raise _refusal(state, f"{_REFUSALS[wish]}. The cluster is {state}.")
    return target


def after_observation(state: UpgradeState, seen: Membership) -> UpgradeState | None:
    """The state that what the nodes are calls for; None if nothing changes."""
    return TRANSITIONS.get((state, seen))


def state_in(row: UpgradeStateRow | None) -> UpgradeState:
    """The state a row stands for; STABLE when there is none, before the first upgrade ever."""
    return UpgradeState(row.state) if row else UpgradeState.STABLE


def state_of(snapshot: ClusterSnapshot) -> UpgradeState:
    """The cluster's state."""
    return state_in(snapshot.current)


def on_action(snapshot: ClusterSnapshot, action: UpgradeAction, rule: MixedRule) -> NewUpgradeState:
    """The row that an administrator's wish appends. Raises NotAllowed.

    Two wishes need more than the right state. To start, all live nodes have to run one version, which becomes the
    base. To cancel or to approve, the nodes must *still* be what the state says they are: the state follows the
    membership with the delay of one look, and neither may leave a node of the wrong version behind.
    """
    state = state_of(snapshot)
    target = after_wish(state, action)
    if snapshot.current is None or action is UpgradeAction.START:
        return _base_row(snapshot, state, target)
    if action is UpgradeAction.CANCEL:
        _require(snapshot, state, rule, Membership.BASE, "back at {version}")
    if action is UpgradeAction.APPROVE:
        _require(snapshot, state, rule, Membership.UPGRADED, "upgraded from {version}")
    return NewUpgradeState(target, snapshot.current.build_number, snapshot.current.version)


def on_tasks(snapshot: ClusterSnapshot, outcome: TaskOutcome, release: Release) -> NewUpgradeState:
    """The row after the upgrade tasks, which ``release`` ran. Raises NotAllowed if none were running."""
    target = after_wish(state_of(snapshot), outcome)
    if outcome is TaskOutcome.SUCCEEDED or snapshot.current is None:
        return NewUpgradeState(target, release.build, release.version)
    return NewUpgradeState(target, snapshot.current.build_number, snapshot.current.version)


def on_membership(snapshot: ClusterSnapshot, rule: MixedRule) -> NewUpgradeState | None:
    """The row that what the nodes are now calls for, or None."""
    if snapshot.current is None:
        return None
    seen = observe(snapshot.members, snapshot.current.build_number, rule)
    target = after_observation(state_of(snapshot), seen) if seen else None
    return NewUpgradeState(target, snapshot.current.build_number, snapshot.current.version) if target else None


def _base_row(snapshot: ClusterSnapshot, state: UpgradeState, target: UpgradeState) -> NewUpgradeState:
    versions = {node.build_number: node.version for node in live(snapshot.members)}
    if len(versions) != 1:
        found = ", ".join(versions[build] for build in sorted(versions)) or "none"
        raise _refusal(state, f"All live nodes have to run one version before an upgrade starts; found: {found}.")
    build, version = versions.popitem()
    if _major_minor(version) < FIRST_WITH_UPGRADE_MODE:
        raise _refusal(state, f"Upgrade mode came with Jira 7.3; this cluster runs {version} and needs downtime.")
    return NewUpgradeState(target, build, version)


def _major_minor(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.partition("+")[0].split(".")[:2])


def _require(
    snapshot: ClusterSnapshot, state: UpgradeState, rule: MixedRule, wanted: Membership, condition: str
) -> None:
    current = snapshot.current
    if current is None or observe(snapshot.members, current.build_number, rule) is not wanted:
        version = current.version if current else ""
        raise _refusal(state, f"Not every node is {condition.format(version=version)} any more; look again shortly.")


def _refusal(state: UpgradeState, message: str) -> NotAllowed:
    return NotAllowed(message, state=state, allowed=allowed(state))
