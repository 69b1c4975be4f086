"""How a node's drain goes: when it began, when it is over, and who is left until then.

Theory of operation. A drain begins when the operator says DRAIN, or the node that it wants to go, and lasts until its
deadline. With ``move_idle`` it may be over earlier: once every session has been silent for that long (or
has been marked as safe to move, or had a stream closed) whoever asks again moves anyway, so nobody is left whom the
node must serve. That cannot be said of sessions nobody remembers, so those count as silent since the last one was
forgotten (:mod:`lb.sessions`). It is found by looking at each session of the node, so it is done only when the answer
can be yes: ``look_again_s`` is the earliest moment at which all will have been silent, as of the last look.
"""

from lb.config import DrainConfig
from lb.node_views import DrainView
from lb.nodes import Node
from lb.sessions import Session, Sessions

_LOOK_AFTER_SAFE_S = 0.1
"""How soon after a response marked as safe a draining node is looked at for being done; not after each at once."""


class Drains:
    """The drains of all nodes; ``config`` may be replaced at any time."""

    def __init__(self, config: DrainConfig, sessions: Sessions) -> None:
        self.config = config
        self._sessions = sessions

    def note(self, node: Node, now: float, own_deadline_s: float | None) -> None:
        """Something was said of ``node``: its drain may have begun or be called off.

        ``own_deadline_s`` is the deadline the operator gave, instead of the configured one.
        """
        if not node.is_draining():
            node.draining_since_s = node.deadline_s = node.look_again_s = None
            node.drain_over = False
            return
        if node.draining_since_s is None:
            node.draining_since_s, node.deadline_s = now, now + self.config.deadline
            node.moved_in_drain = 0
        if own_deadline_s is not None:
            node.deadline_s, node.drain_over = own_deadline_s, False

    def look_soon(self, node: Node, now: float) -> None:
        """A session of ``node`` was marked as safe to move: it may have been the last one."""
        if node.deadline_s is not None:
            soon_s = now + _LOOK_AFTER_SAFE_S
            node.look_again_s = soon_s if node.look_again_s is None else min(node.look_again_s, soon_s)

    def is_done_early(self, node: Node, now: float) -> bool:
        """Whether the node's drain is found to be over before its deadline; notes when to look again if not."""
        quiet_s: float | None = None
        if node.deadline_s is not None and now < node.deadline_s and not node.panic and not node.drain_over:
            if node.look_again_s is not None and now < node.look_again_s:
                return False
            quiet_s = self._quiet_s(node, now)
        if quiet_s is not None and quiet_s <= now and node.answers():
            node.drain_over, quiet_s = True, None
        node.look_again_s = quiet_s
        return node.drain_over and node.facts.takes_bound

    def view(self, node: Node, now: float) -> DrainView | None:
        """How far the drain of ``node`` has come; None if it does not drain. Looks at each of its sessions."""
        if node.draining_since_s is None or node.deadline_s is None:
            return None
        serves = node.takes_bound(now)
        left = sum(serves and not self._may_move(s, node, now) for s in self._sessions.on(node.name))
        done_s: float | None = self._quiet_s(node, now)
        if node.panic or (node.deadline_s <= now and (node.in_flight or node.streams)):
            done_s = None
        return DrainView(
            node.draining_since_s,
            node.deadline_s,
            done_s,
            left,
            node.moved_in_drain,
            node.in_flight,
            node.streams,
        )

    def _quiet_s(self, node: Node, now: float) -> float:
        """When at the earliest nobody will be left whom a draining node must serve; looks at each session."""
        if node.drain_over or node.deadline_s is None:
            return now
        if self.config.move_idle is None:
            return node.deadline_s
        last_s = now if node.in_flight else self._sessions.unknown_since_s(node.name)
        for session in self._sessions.on(node.name):
            if session.in_flight:
                last_s = now
            elif not session.safe and session.released_s != node.draining_since_s:
                last_s = max(last_s, session.last_seen_s)
        return min(node.deadline_s, last_s + self.config.move_idle)

    def _may_move(self, session: Session, node: Node, now: float) -> bool:
        """Whether a draining node need not serve this session any more."""
        if session.in_flight:
            return False
        if session.safe or session.released_s == node.draining_since_s:
            return True
        limit_s = self.config.move_idle
        return limit_s is not None and now - session.last_seen_s >= limit_s
