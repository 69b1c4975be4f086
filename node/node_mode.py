"""Node-level upgrade mode: the node asks to be drained before it is stopped.

This is how the blog's flow takes a node out, and how Confluence and Bitbucket do it; Jira itself has nothing of the
kind. It is a wish and nothing more: a DRAINING node goes on serving whatever the load balancer still sends.
"""

from collections.abc import Callable

from node.app_state import LifeEvent
from node.logs import NODE_UPGRADE_MODE
from node.parts import NodeParts
from node.services import ApplicationState, NotAllowed
from node.upgrade_state import UpgradeState, allowed, state_in
from shared_db.rows import UpgradeStateRow


class NodeMode:
    """Switches one node between RUNNING and DRAINING. Switching to what is already so does nothing."""

    def __init__(
        self, parts: NodeParts, state_now: Callable[[], ApplicationState], happen: Callable[[LifeEvent], None]
    ) -> None:
        self._parts = parts
        self._state_now = state_now
        self._happen = happen
        self._since_order = 0
        self._log = parts.log.logger(NODE_UPGRADE_MODE)

    @property
    def available(self) -> bool:
        """Whether this cluster has node-level upgrade mode at all."""
        return self._parts.config.node_upgrade_mode

    def check(self, state: UpgradeState, *, enabled: bool) -> None:
        """Raise NotAllowed when node-level upgrade mode cannot be switched like this in the cluster's ``state``."""
        if not self.available:
            message = "This cluster has no node-level upgrade mode; a node is taken out by stopping it."
        elif enabled and not state.in_upgrade:
            message = f"A node can enter upgrade mode only during an upgrade. The cluster is {state}."
        elif self._state_now() not in (ApplicationState.RUNNING, ApplicationState.DRAINING):
            message = f"This node is {self._state_now()}."
        else:
            return
        raise NotAllowed(message, state=state, allowed=allowed(state))

    def enable(self, actor: str, row: UpgradeStateRow | None) -> None:
        """Ask to be drained, for the upgrade that ``row`` is of."""
        self._since_order = row.order_number if row else 0
        if self._state_now() is ApplicationState.RUNNING:
            self._log.info("Node upgrade mode switched on by %s", actor)
            self._happen(LifeEvent.DRAIN)

    def disable(self, why: str) -> None:
        """Take that back."""
        if self._state_now() is ApplicationState.DRAINING:
            self._log.info("Node upgrade mode is off: %s", why)
            self._happen(LifeEvent.UNDRAIN)

    def cluster_seen(self, row: UpgradeStateRow | None) -> None:
        """Leave upgrade mode once the upgrade is over. A look older than the wish to be drained is ignored."""
        if row is not None and not state_in(row).in_upgrade and row.order_number > self._since_order:
            self.disable("the cluster's upgrade is over")
