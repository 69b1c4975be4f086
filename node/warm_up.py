"""How much longer a request takes on a node that has only just started.

A JVM that has loaded Jira says RUNNING long before it is fast: its code is still interpreted, its caches are empty.
Here the first request takes ``extra_s`` longer, and each later one less, in a straight line, until the node is warm.
How long Jira takes is not known; it depends on machine and data, so both figures are the operator's. A load balancer
with slow start sends such a node its share little by little.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class WarmUp:
    """A node gets warm within ``duration_s`` of being RUNNING."""

    duration_s: float = 0.0
    extra_s: float = 0.0

    def delay_s(self, running_for_s: float) -> float:
        """By how much a request is slowed down that comes ``running_for_s`` after the node became RUNNING."""
        if self.duration_s <= 0 or running_for_s >= self.duration_s:
            return 0.0
        return self.extra_s * (1 - max(0.0, running_for_s) / self.duration_s)
