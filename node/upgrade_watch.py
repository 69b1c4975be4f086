"""Looks at the cluster again and again: moves the upgrade state on when the nodes have changed, and tells this node.

Jira's pages show a change that another node made because every node looks; there is no message between them.
"""

from collections.abc import Callable

from node.cluster_upgrade import ClusterUpgrade
from node.finalise import UpgradeTasks
from node.logs import UPGRADE_STATE
from node.parts import NodeParts
from node.stale_nodes import StaleNodes
from node.upgrade_state import UpgradeState, state_in
from node.waiting import repeat
from shared_db.rows import UpgradeStateRow


class UpgradeWatch:
    """Polls the cluster's upgrade state every ``intervals.upgrade_state_poll`` seconds."""

    def __init__(
        self,
        parts: NodeParts,
        upgrade: ClusterUpgrade,
        tasks: UpgradeTasks,
        stale: StaleNodes,
        *,
        on_look: Callable[[UpgradeStateRow | None], None],
    ) -> None:
        self._parts = parts
        self._upgrade = upgrade
        self._tasks = tasks
        self._stale = stale
        self._on_look = on_look
        self._log = parts.log.logger(UPGRADE_STATE)
        self._seen: UpgradeState | None = None

    async def run(self) -> None:
        """Look until cancelled."""
        interval_s = self._parts.intervals.upgrade_state_poll
        await repeat(self.look_once, every_s=interval_s, after_s=self._parts.phase_s(interval_s))

    async def look_once(self) -> None:
        """One look. Whatever the database's trouble is, the next look may succeed; it must not end the node."""
        try:
            await self._look()
        except Exception as error:
            self._log.warning("The cluster upgrade state could not be read: %s", error)

    async def _look(self) -> None:
        """Write what the membership calls for, and see where that leaves the cluster.

        Nearly always there is nothing to write, and then this is a single transaction that reads: with many nodes it
        is most of what they do while nobody is there.
        """
        snapshot = await self._upgrade.observe()
        if await self._stale.look(snapshot):
            snapshot = await self._upgrade.observe()
        row = snapshot.current
        state = state_in(row)
        if state is UpgradeState.RUNNING_UPGRADE_TASKS:
            await self._tasks.look_after()
        await self._tasks.contraction.look(state)
        if state is not self._seen:
            if self._seen is not None:
                self._log.info("This node sees the cluster go from %s to %s", self._seen, state)
            self._seen = state
        self._on_look(row)
