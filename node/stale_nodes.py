"""Nodes that never came back: declared OFFLINE after a long silence, forgotten in the end.

Jira's nodes do the same for each other (KB "stale NO HEARTBEAT nodes"). Any node that
runs looks after it; the database sees to it that each change is made once. Nearly always there is nothing to do, and
a look at what the node has read anyway shows it.
"""

from node.logs import CLUSTER_MANAGER
from node.parts import NodeParts
from shared_db import ClusterSnapshot, Database, NodeState
from shared_db.rows import ClusterNode


class StaleNodes:
    """Retires the other nodes by ``intervals.offline_after`` and ``intervals.removed_after``."""

    def __init__(self, parts: NodeParts, database: Database) -> None:
        self._node_id = parts.node_id
        self._nodes = database.nodes
        # A node that counts as alive is never declared gone, whatever the configuration says.
        self._offline_after_s = max(parts.intervals.offline_after, parts.intervals.dead_after)
        self._removed_after_s = parts.intervals.removed_after
        self._log = parts.log.logger(CLUSTER_MANAGER)

    async def look(self, seen: ClusterSnapshot) -> bool:
        """Retire whoever is due, and tell the log; whether anybody was. ``seen`` is the cluster a moment ago."""
        if not any(self._is_due(node, seen.database_time_ms) for node in seen.members):
            return False
        retired = await self._nodes.retire(self._offline_after_s, self._removed_after_s, but_not=self._node_id)
        for node_id in retired.offline:
            self._log.warning(
                "Node %s was set OFFLINE: no heartbeat for more than %g s", node_id, self._offline_after_s
            )
        for node_id in retired.removed:
            self._log.info("Node %s was removed: OFFLINE for more than %g s", node_id, self._removed_after_s)
        return bool(retired.offline or retired.removed)

    def _is_due(self, node: ClusterNode, now_ms: int) -> bool:
        in_this_state_s = (now_ms - node.timestamp_ms) / 1000
        if node.node_id == self._node_id:
            return False
        if node.state is NodeState.OFFLINE:
            return in_this_state_s >= self._removed_after_s
        silent_s = in_this_state_s if node.heartbeat_age_s is None else node.heartbeat_age_s
        return silent_s >= self._offline_after_s
