"""Starts that go otherwise than they were meant to: by the configuration that a node is started with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.releases import find_release
from simulator.faults.fault import Hold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.cluster import Cluster

Changes = dict[str, str]
"""Keys of the node's configuration, with the values that they get instead."""


class StartsDifferently(Hold):
    """While it is on, ``change`` is asked at each start, with node and version, what is different.

    A start that it changes is an effect; at most so many as ``limit``.
    """

    def __init__(self, cluster: Cluster, change: Callable[[str, str], Changes], *, limit: int | None = None) -> None:
        self._cluster, self._change, self._limit = cluster, change, limit
        self._count = 0
        cluster.start_changes.append(self._at_start)

    def _at_start(self, node_id: str, version: str) -> Mapping[str, str]:
        if self._count == self._limit:
            return {}
        changes = self._change(node_id, version)
        self._count += bool(changes)
        return changes

    async def fired(self) -> int:
        """How many starts it has changed."""
        return self._count

    async def reset(self) -> None:
        """Let nodes start as configured again."""
        if self._at_start in self._cluster.start_changes:
            self._cluster.start_changes.remove(self._at_start)


def is_upgrade(cluster: Cluster, version: str) -> bool:
    """Whether ``version`` is newer than the one that the cluster was set up with."""
    return find_release(version).numbers > find_release(cluster.scenario.version_from).numbers
