"""What the cluster's nodes amount to while it is being upgraded: all base, mixed, or all upgraded.

The two rules differ in how they look at a node that is out. For Atlassian's (``rejoined``) it does not exist: only
nodes that are in the cluster have a version. For the blog's (``removed``) a node that has been taken out since
upgrade mode began is being upgraded, so its absence makes the cluster MIXED and keeps it so until the node is back.

A killed node is in the cluster until it is declared OFFLINE: its row stays ACTIVE and its version counts, which is
why a node killed on the base version holds up READY_TO_RUN_UPGRADE_TASKS.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from node.config import MixedWhen
from shared_db.rows import ClusterNode

OFFLINE = "OFFLINE"
"""``clusternode.node_state`` of a node that has left, or has been declared gone."""


class Membership(StrEnum):
    """What the nodes are, compared with the base version."""

    BASE = "all nodes at base"
    MIXED = "nodes of both versions"
    UPGRADED = "no base node left"


@dataclass(frozen=True)
class MixedRule:
    """When a cluster counts as MIXED, and since when (database ms) an absent node counts as taken out for it.

    ``began_ms`` is the time of the READY_TO_UPGRADE row that began this upgrade; only ``removed`` asks for it.
    """

    when: MixedWhen
    began_ms: int = 0


def observe(nodes: Iterable[ClusterNode], base_build: int, rule: MixedRule) -> Membership | None:
    """What the nodes are now; None when there is nobody to compare."""
    known = list(nodes)
    present = [node for node in known if node.state != OFFLINE]
    upgraded = [node for node in present if node.build_number > base_build]
    out = [node for node in known if node.state == OFFLINE and node.timestamp_ms >= rule.began_ms]
    if not present:
        return None
    if rule.when == "removed" and out:
        return Membership.MIXED
    if not upgraded:
        return Membership.BASE
    return Membership.UPGRADED if len(upgraded) == len(present) else Membership.MIXED


def live(nodes: Iterable[ClusterNode]) -> list[ClusterNode]:
    """The nodes that are in the cluster and have a fresh heartbeat."""
    return [node for node in nodes if node.state != OFFLINE and node.alive]
