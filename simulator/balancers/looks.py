"""From looks at a load balancer, one after the other, to what changed about its nodes; pure.

Ours writes a journal with its own times. Others only say how things are when they are asked, so a change has happened
at some moment between two looks. What is told is the moment that is safe for the verdict: a node counts as out from
the *later* look on, and as back from the *earlier* one on. No request is then held against a node that was still, or
already, in service.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.balancers.balancer import NodeChange

NOT_CHECKED_YET = "INIT"
"""What a node is to a load balancer that was just started, before its first check of it is over."""


@dataclass(frozen=True)
class Look:
    """A node as the load balancer's own admin interface tells of it.

    ``admin`` is READY, DRAIN or MAINT; ``usable`` says whether it would send a request there at all, ``in_flight``
    how many it waits for.
    """

    admin: str
    operational: str
    usable: bool
    in_flight: int
    reason: str = ""

    @property
    def serving(self) -> bool:
        """Whether the node gets new sessions."""
        return self.usable and self.admin == "READY"

    @property
    def drained(self) -> bool:
        """Whether nothing is sent there and nothing awaited. Before its first check HAProxy sends all the same."""
        return not self.usable and self.in_flight == 0 and self.operational != NOT_CHECKED_YET


def changes(
    before: Mapping[str, Look], now: Mapping[str, Look], *, before_s: float, now_s: float
) -> list[NodeChange]:
    """What is to be told of the nodes after a look at ``now_s``; the one before was at ``before_s``."""
    return [
        NodeChange(
            node=node,
            at_s=before_s if look.serving and node in before and not before[node].serving else now_s,
            admin=look.admin,
            operational=look.operational,
            takes_new_sessions=look.serving,
            drained=look.drained,
            reason=look.reason,
        )
        for node, look in now.items()
        if _differs(before.get(node), look)
    ]


def _differs(before: Look | None, now: Look) -> bool:
    """The number of requests in flight alone is no news."""
    if before is None:
        return True
    said = [(look.admin, look.operational, look.serving, look.drained) for look in (before, now)]
    return said[0] != said[1]
