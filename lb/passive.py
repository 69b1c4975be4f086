"""What users' requests tell of a node's health, between two checks and against checks that lie.

Theory of operation. The answers that count as well done are those of HAProxy's ``observe layer7``: 100 to 499, 501
and 505. Other 5xx count as errors, and so do attempts that brought no response. All errors of a node are counted *in
a row*: one good answer to anybody and the count begins anew. At ``error_limit`` the node is to be ejected (HAProxy's
``error-limit`` and ``on-error mark-down``); a refused connection is enough by itself with ``refused_counts``::

    what happened                              counts as
    REFUSED                                    enough, with refused_counts; else one error
    CONNECT_TIMEOUT CLOSED_FRESH BAD_RESPONSE  one error
    NO_RESPONSE UNAVAILABLE                    one error
    5xx but 501 and 505                        one error
    CLOSED_REUSED NOT_SENT                     nothing: every server closes idle connections at some time
    a client that left                         nothing, and it is never told here
    any other answer                           the count begins anew

It is wrong to eject everybody: what all nodes suffer from, a database say, is not cured by sending nobody anywhere.
So two caps are on it. Never more than ``max_ejected`` of all nodes, rounded down, are out by this alone: of two
nodes one, of three one, with 0.5; rounded down, because the setting says "never more". And a node is ejected only if
another one takes new sessions. A node that also fails its checks is out for its checks' sake and does not count.
A node that the caps kept in goes on to be counted; with the next error it is asked about again.

One client alone can eject a node: if nobody else is there whose requests go well, and it asks ``error_limit`` times
in a row for what fails. Where that can happen, an address that fails for one user only, ``error_limit`` should be
above what one user does in the time in which another one's request comes. What it can do is bounded in any case: the
caps hold, its sessions are moved and not lost, and the node is back after ``rise`` passed checks.
"""

import math
from collections.abc import Collection, Mapping
from typing import Final

from lb.config import PassiveConfig
from lb.health import NodeHealth
from lb.retry import Failure

_HARMLESS: Final = frozenset({Failure.CLOSED_REUSED, Failure.NOT_SENT})
_WELL_DONE: Final = frozenset({501, 505})


class Passive:
    """Counts the errors of each node, and says when it is to be ejected."""

    def __init__(self, config: PassiveConfig) -> None:
        self.config = config
        self._errors: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<Passive {self._errors}>"

    def forget(self, node: str) -> None:
        """Begin anew with ``node``: it is gone, or another process."""
        self._errors.pop(node, None)

    def answered(self, node: str, status: int) -> str | None:
        """A response of ``node`` began. Why the node is to be ejected; None if it is not."""
        if status < 500 or status in _WELL_DONE:
            if self._errors:
                self._errors.pop(node, None)
            return None
        return self._error(node, f"status {status}")

    def failed(self, node: str, failure: Failure) -> str | None:
        """An attempt at ``node`` brought no response. Why the node is to be ejected; None if it is not."""
        if failure in _HARMLESS:
            return None
        if failure is Failure.REFUSED and self.config.enabled and self.config.refused_counts:
            return "a user's connection was refused"
        return self._error(node, failure.value)

    def may_eject(self, node: str, health: Mapping[str, NodeHealth], serving: Collection[str]) -> bool:
        """Whether ``node`` may be ejected now; ``serving`` are the nodes that take new sessions.

        If so its errors are forgotten: the caller ejects it.
        """
        if not any(other != node for other in serving):
            return False
        ejected = sum(one.ejected for name, one in health.items() if name != node)
        if ejected + 1 > math.floor(self.config.max_ejected * len(health) + _ROUNDING):
            return False
        self.forget(node)
        return True

    def _error(self, node: str, what: str) -> str | None:
        if not self.config.enabled:
            return None
        errors = self._errors[node] = self._errors.get(node, 0) + 1
        if errors < self.config.error_limit:
            return None
        return f"{errors} failed requests in a row, the last one: {what}"


_ROUNDING: Final = 1e-9
"""0.29 * 100 is a little less than 29 in binary."""
