"""What every fault is: typed attributes, an ``apply``, and a hold on what it has done, which takes it back.

A fault acts on one of these:

- a *process*, by signals;
- a *path*: a proxy of ours between load balancer and node, which is there only if a story has such a fault;
- the *next start* of a node, by its configuration;
- the *load balancer*, by signals to its process;
- the *database*, as another client of it, or the path to it;
- the *operator*, who has bad habits for a while.

Whatever it acts on, it says how often it has taken effect: a fault that was ordered and never met anybody has shown
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from simulator.scenario.fields import NodeName, PositiveDuration, Section
from zdu.errors import ZduError

if TYPE_CHECKING:
    from simulator.faults.reach import Reach


BALANCER_PATH = "balancer"
DATABASE_PATH = "database"
NEEDS_SERVER = (
    "SQLite is a file that each node opens by itself, so nothing is on the way; db.locked keeps its writers waiting"
)


class FaultFailed(ZduError):
    """A fault could not be put into effect."""


class Hold:
    """One fault that is on: how often it took effect so far, and the way back."""

    async def fired(self) -> int:
        """How often it has taken effect; also asked once more after the reset, for the final count."""
        return 1

    @property
    def over(self) -> bool:
        """Whether it has ended by itself, before its time."""
        return False

    async def reset(self) -> None:
        """Take it back; called once, also when a run ends early. Must bear that processes are gone."""

    async def expire(self) -> None:
        """Its time (``for``) is over: mostly the same as a reset."""
        await self.reset()


class Fault(Section):
    """Something that goes wrong on purpose. ``name`` is its ``family.fault``; each one narrows it to its own."""

    acts_on: ClassVar[str]
    needs_our_balancer: ClassVar[bool] = False
    """Whether only our own load balancer can have it."""
    name: str
    """Which fault it is."""
    for_s: PositiveDuration | None = Field(default=None, alias="for")
    """How long it stays on, while the story goes on; without it, until the end of the story."""

    @property
    def where(self) -> str:
        """The node it is about; empty if it is about none."""
        return ""

    @property
    def path(self) -> str:
        """Which path of a node it needs a proxy on, that of the ``balancer`` or the ``database``; empty for none."""
        return ""

    async def apply(self, reach: Reach) -> Hold:
        """Put it into effect. Raises FaultFailed, or what the cluster raises."""
        raise NotImplementedError


class NodeFault(Fault):
    """A fault of one node."""

    node: NodeName
    """The node it is about."""

    @property
    def where(self) -> str:
        """The node it is about."""
        return self.node
