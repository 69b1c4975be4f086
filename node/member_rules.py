"""Whether an administrator may set another node OFFLINE, or make the cluster forget it.

Theory of operation
===================

Both calls tidy up after a node that is gone; neither stops a process. Setting OFFLINE is for a node that was killed:
its row says ACTIVE for two days, its version counts in an upgrade meanwhile, and so it may hold up
READY_TO_RUN_UPGRADE_TASKS. A node whose heartbeat is fresh is refused: it would work on beside a cluster that no
longer speaks to it. Forgetting is for nodes that are OFFLINE already. Both decisions are made on the row as the
transaction sees it that carries them out: a node that comes back in that very moment is not overlooked.

Sources: JRASERVER-69033 and the REST documentation ("if the node is reporting as active, but is not alive"; "if state
of node is OFFLINE"). Which codes and words Jira refuses with is not known; 404 and 409 are what its other resources
would say.
"""

from node.services import NodeChangeRefused, NoSuchNode
from node.upgrade_membership import OFFLINE
from shared_db.rows import ClusterNode


def may_be_set_offline(node_id: str, node: ClusterNode | None) -> None:
    """Return if the node may be set OFFLINE. Raises NoSuchNode or NodeChangeRefused."""
    known = _known(node_id, node)
    if known.state == OFFLINE:
        raise NodeChangeRefused(f"Node {node_id} is OFFLINE already.")
    if known.alive:
        raise NodeChangeRefused(
            f"Node {node_id} is {known.state} and alive: only a node without a heartbeat can be set OFFLINE. "
            f"To take a living node out, stop it."
        )


def may_be_removed(node_id: str, node: ClusterNode | None) -> None:
    """Return if the cluster may forget the node. Raises NoSuchNode or NodeChangeRefused."""
    known = _known(node_id, node)
    if known.state != OFFLINE:
        heartbeat = "alive" if known.alive else "without a heartbeat"
        raise NodeChangeRefused(
            f"Node {node_id} is {known.state} and {heartbeat}: only a node that is OFFLINE can be deleted."
        )


def _known(node_id: str, node: ClusterNode | None) -> ClusterNode:
    if node is None:
        raise NoSuchNode(f"This cluster has no node {node_id}.")
    return node
