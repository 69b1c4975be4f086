"""The wish that a node should stop, and one reckoning of how long the whole of it may take."""

import asyncio
from dataclasses import dataclass, field

from node.config import NodeConfig

HURRY_S = 0.5
"""What requests in flight get when nobody waits for the node any more."""

FAREWELL_S = 4.0
"""What it may take to tell the cluster and close the database, once the work is done or its time is up. A database
that does not answer must not keep the process: whoever stops it would lose patience and kill it."""


@dataclass
class StopWish:
    """The wish that this node should stop, and whose it is. ``hurry``: nobody waits for it any more."""

    made: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = ""
    hurry: bool = False

    def make(self, reason: str, *, hurry: bool = False) -> None:
        """Ask; the first reason stays."""
        self.reason = self.reason or reason
        self.hurry = self.hurry or hurry
        self.made.set()


@dataclass(frozen=True)
class StopTimes:
    """Monotonic seconds: until when requests and upgrade tasks may finish, and by when the node is gone."""

    work_until_s: float
    gone_by_s: float

    @classmethod
    def of_stop(cls, config: NodeConfig, now: float, *, hurry: bool) -> "StopTimes":
        """Those of an orderly stop that begins now."""
        work_s = HURRY_S if hurry else max(config.stop_duration, config.stop_deadline)
        return cls(now + work_s, now + work_s + FAREWELL_S)

    @classmethod
    def of_failure(cls, now: float) -> "StopTimes":
        """Those of a node that has no work to finish."""
        return cls(now, now + FAREWELL_S)
