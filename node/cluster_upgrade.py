"""Carries out what :mod:`node.upgrade_state` decides: reads the cluster's upgrade state, and appends its next row."""

from collections.abc import Callable
from contextlib import suppress

from node.logs import UPGRADE_STATE
from node.parts import NodeParts
from node.services import UpgradeAction, UpgradeView
from node.upgrade_membership import MixedRule
from node.upgrade_state import (
    MOVED_BY_MEMBERSHIP,
    TaskOutcome,
    UpgradeState,
    allowed,
    on_action,
    on_membership,
    on_tasks,
    state_in,
    state_of,
)
from shared_db import Database
from shared_db.rows import ClusterSnapshot, NewUpgradeState, UpgradeStateRow
from zdu.errors import ZduError

_STEPS_AT_ONCE = 3
"""One observation moves one step; no observation moves more than this many in a row."""

_TRIES = 10
"""How often another node may get in between before this one calls it a defect."""

Decision = Callable[[ClusterSnapshot, MixedRule], NewUpgradeState | None]


class StaleHistory(Exception):
    """The history has to be read again: the state has changed since."""


class ClusterUpgrade:
    """The cluster's upgrade state, as this node reads and writes it."""

    def __init__(self, parts: NodeParts, database: Database) -> None:
        self._parts = parts
        self._gateway = database.upgrade_state
        self._history: list[UpgradeStateRow] = []
        self._log = parts.log.logger(UPGRADE_STATE)

    async def current(self) -> UpgradeStateRow | None:
        """The newest row; None before the first upgrade ever."""
        return await self._gateway.current()

    async def snapshot(self) -> ClusterSnapshot:
        """The cluster as it is about now: good for a first look, not for a decision that is written."""
        return await self._gateway.snapshot(self._parts.intervals.dead_after)

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

    async def observe(self) -> ClusterSnapshot:
        """Append what the membership calls for, step by step until it calls for nothing more; what was seen last.

        Every node does this all the time, and nearly always there is nothing to write; so a first look, which locks
        nothing, comes before the transaction that decides.
        """
        for _ in range(_STEPS_AT_ONCE):
            snapshot = await self.snapshot()
            row = await self._change(on_membership) if await self._calls_for_a_row(snapshot) else None
            if row is None:
                return snapshot
            self._tell(row, seen(snapshot))
        return await self.snapshot()

    async def _calls_for_a_row(self, snapshot: ClusterSnapshot) -> bool:
        if state_of(snapshot) not in MOVED_BY_MEMBERSHIP:
            return False
        with suppress(StaleHistory):
            return on_membership(snapshot, self._rule(snapshot)) is not None
        await self._read_history()
        with suppress(StaleHistory):
            return on_membership(snapshot, self._rule(snapshot)) is not None
        return False  # it has moved on; the next look will see where to

    async def _change(self, decide: Decision) -> UpgradeStateRow | None:
        for _ in range(_TRIES):
            try:
                return await self._gateway.change(
                    lambda snapshot: decide(snapshot, self._rule(snapshot)), self._parts.intervals.dead_after
                )
            except StaleHistory:
                await self._read_history()
        raise ZduError("the cluster's upgrade state changes faster than it can be read")

    async def _read_history(self) -> None:
        self._history = await self._gateway.history()

    def _rule(self, snapshot: ClusterSnapshot) -> MixedRule:
        """The configured rule. Only the blog's asks when this upgrade began, which the history says; it only grows.

        Raises StaleHistory if the history has grown since it was read.
        """
        if self._parts.config.mixed_when == "rejoined":
            return MixedRule("rejoined")
        newest = self._history[-1].order_number if self._history else None
        if newest != (snapshot.current.order_number if snapshot.current else None):
            raise StaleHistory
        return MixedRule("removed", began_ms(self._history))

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
