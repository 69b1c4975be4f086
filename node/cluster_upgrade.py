"""Carries out what :mod:`node.upgrade_state` decides: reads the cluster's upgrade state, and appends its next row."""

from collections.abc import Callable

from node.logs import UPGRADE_STATE
from node.parts import NodeParts
from node.services import UpgradeAction, UpgradeView
from node.upgrade_membership import MixedRule
from node.upgrade_state import TaskOutcome, UpgradeState, allowed, on_action, on_membership, on_tasks, state_in
from shared_db import Database
from shared_db.rows import ClusterSnapshot, NewUpgradeState, UpgradeStateRow
from zdu.errors import ZduError

_STEPS_AT_ONCE = 3
"""One observation moves one step; no observation moves more than this many in a row."""

_TRIES = 10
"""How often another node may get in between before this one calls it a defect."""

Decision = Callable[[ClusterSnapshot, MixedRule], NewUpgradeState | None]


class StaleHistory(Exception):
    """The state changed between reading its history and the transaction that wanted to use it."""


class ClusterUpgrade:
    """The cluster's upgrade state, as this node reads and writes it."""

    def __init__(self, parts: NodeParts, database: Database) -> None:
        self._parts = parts
        self._gateway = database.upgrade_state
        self._nodes = database.nodes
        self._log = parts.log.logger(UPGRADE_STATE)

    async def current(self) -> UpgradeStateRow | None:
        """The newest row; None before the first upgrade ever."""
        return await self._gateway.current()

    async def snapshot(self) -> ClusterSnapshot:
        """The cluster as it is about now: good for a first look, not for a decision."""
        current = await self._gateway.current()
        members = await self._nodes.members(self._parts.intervals.dead_after)
        return ClusterSnapshot(current, tuple(members), 0)

    async def view(self) -> UpgradeView:
        """What a page shows. In STABLE all nodes run one version, this one's, also before the first upgrade ever."""
        current = await self._gateway.current()
        state = state_in(current)
        if current is None or not state.in_upgrade:
            release = self._parts.release
            return UpgradeView(state, release.build, release.version, allowed(state))
        return UpgradeView(state, current.build_number, current.version, allowed(state))

    async def act(self, action: UpgradeAction, actor: str) -> UpgradeStateRow | None:
        """Append the row that an administrator's wish calls for. Raises NotAllowed."""
        row = await self._change(lambda snapshot, rule: on_action(snapshot, action, rule))
        self._tell(row, f"{action.value} by {actor}")
        return row

    async def tasks_ended(self, outcome: TaskOutcome) -> UpgradeStateRow | None:
        """Append the row after the upgrade tasks. Raises NotAllowed if none were running."""
        row = await self._change(lambda snapshot, _: on_tasks(snapshot, outcome, self._parts.release))
        self._tell(row, outcome.value)
        return row

    async def observe(self) -> None:
        """Append what the membership calls for, step by step until it calls for nothing more.

        Every node does this all the time, and nearly always there is nothing to write; so a first look, which locks
        nothing, comes before the transaction that decides.
        """
        for _ in range(_STEPS_AT_ONCE):
            history = await self._history()
            snapshot = await self.snapshot()
            try:
                wanted = on_membership(snapshot, self._rule(snapshot, history))
            except StaleHistory:
                return
            row = await self._change(on_membership) if wanted else None
            if row is None:
                return
            self._tell(row, seen(snapshot))

    async def _change(self, decide: Decision) -> UpgradeStateRow | None:
        for _ in range(_TRIES):
            try:
                return await self._change_once(decide)
            except StaleHistory:
                continue
        raise ZduError("the cluster's upgrade state changes faster than it can be read")

    async def _change_once(self, decide: Decision) -> UpgradeStateRow | None:
        history = await self._history()
        return await self._gateway.change(
            lambda snapshot: decide(snapshot, self._rule(snapshot, history)), self._parts.intervals.dead_after
        )

    async def _history(self) -> list[UpgradeStateRow]:
        """Only the blog's rule asks when the upgrade began."""
        return await self._gateway.history() if self._parts.config.mixed_when == "removed" else []

    def _rule(self, snapshot: ClusterSnapshot, history: list[UpgradeStateRow]) -> MixedRule:
        """The configured rule, with the beginning of this upgrade out of the history read a moment ago."""
        if self._parts.config.mixed_when == "rejoined":
            return MixedRule("rejoined")
        newest = history[-1].order_number if history else None
        if newest != (snapshot.current.order_number if snapshot.current else None):
            raise StaleHistory
        return MixedRule("removed", began_ms(history))

    def _tell(self, row: UpgradeStateRow | None, why: str) -> None:
        if row is not None:
            self._log.info(
                "Cluster upgrade state changed to %s: %s. Cluster version %s (build %d).",
                *(row.state, why, row.version, row.build_number),
            )


def seen(snapshot: ClusterSnapshot) -> str:
    """The nodes of a snapshot, for the log."""
    nodes = (f"{node.node_id} {node.version} {node.state}" for node in snapshot.members)
    return f"the nodes are {', '.join(nodes) or 'none'}"


def began_ms(history: list[UpgradeStateRow]) -> int:
    """Database time (ms) at which the upgrade under way began: the first row since the last STABLE one."""
    began = 0
    for row in reversed(history):
        if row.state == UpgradeState.STABLE:
            break
        began = row.database_time_ms
    return began
