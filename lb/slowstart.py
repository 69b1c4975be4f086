"""How a node that came back is given its share again, little by little (HAProxy's ``slowstart``).

Theory of operation. A node that has just started is cold: its caches are empty and its code is not compiled yet. So
for ``slowstart`` seconds its weight and its ``maxconn`` grow in a straight line from a tenth to all of it. That is
after a recovery only: at the load balancer's own start nobody knows a node to be cold, and all of them would be slow.
The ramp belongs to the node and to nothing else: other nodes that come and go neither shorten nor renew it.

The weight alone does not protect a cold node: requests that it answers slowly pile up on it, and with least
connections an empty node would get everything at once. With ``maxconn`` the ramped ``maxconn`` is the limit. Without
one there is no number to take a tenth of, so a ramping node gets no more new sessions while it has more than its
share of all requests in flight (by ramped weight), and one. Sessions that are bound to it are not turned away by
that: their state is there.
"""

import math
from dataclasses import dataclass

FLOOR = 0.1
"""The share with which a ramp begins."""

_EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Ramp:
    """One node's ramp; it began at ``began_s`` and takes ``length_s``."""

    began_s: float
    length_s: float

    def share(self, now: float) -> float:
        """The share it has at ``now``, from :data:`FLOOR` to 1."""
        if self.length_s <= 0:
            return 1.0
        return min(1.0, FLOOR + (1.0 - FLOOR) * max(0.0, now - self.began_s) / self.length_s)

    def is_over(self, now: float) -> bool:
        """Whether the node has all of its share."""
        return now >= self.began_s + self.length_s

    def next_room_s(self, maxconn: int, now: float) -> float:
        """When the ramped ``maxconn`` is one more than it is at ``now``."""
        share = (ramped_maxconn(maxconn, self.share(now)) + 1) / maxconn
        reached_s = self.began_s + (share - FLOOR) / (1.0 - FLOOR) * self.length_s
        return min(reached_s, self.began_s + self.length_s)


def ramped_maxconn(maxconn: int, share: float) -> int:
    """How many requests a node may have at once at this share of its ramp, one at least; 0 stays 0: no limit."""
    return max(1, math.floor(maxconn * share + _EPSILON)) if maxconn else 0


def fair_concurrency(in_flight_everywhere: int, share_of_weight: float) -> int:
    """How many requests a ramping node without ``maxconn`` may have before new sessions go elsewhere."""
    return math.ceil(in_flight_everywhere * share_of_weight - _EPSILON) + 1
