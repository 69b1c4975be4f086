"""What a run needs of the load balancer in front of its nodes, whoever made it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypedDict

from simulator.balancers.audit import Inquiry
from simulator.balancers.settings import JIRA_HEALTH, Health, Node
from simulator.record.run_folder import RunFolder
from simulator.scenario.model import BalancerPart
from simulator.supervisor import Supervisor
from zdu.clock import Clock
from zdu.errors import ZduError
from zdu.events import BalancerAudited

BALANCER = "lb"
"""What its process and its logs are called, whatever it is."""
NO_CHECK = "no check"
"""HAProxy's word for a server that nobody asks how it is."""


class NodeChange(TypedDict):
    """What the load balancer makes of a node, from ``at_s`` of the monotonic clock on: an event of its journal.

    ``drained``: it sends the node nothing more and waits for nothing from it.
    """

    node: str
    at_s: float
    admin: str
    operational: str
    takes_new_sessions: bool
    drained: bool
    reason: str


class BalancerFailed(ZduError):
    """The load balancer did not do as it was told."""


@dataclass(frozen=True)
class Place:
    """Where a load balancer is to live, and what it is to know."""

    part: BalancerPart
    nodes: tuple[Node, ...]
    folder: RunFolder
    seed: int
    supervisor: Supervisor
    clock: Clock
    health: Health = JIRA_HEALTH


@dataclass(frozen=True)
class Started:
    """A process of the load balancer serves."""

    pid: int
    url: str
    log: str


Report = Callable[[NodeChange], None]


class LoadBalancer(Protocol):
    """One load balancer of a run.

    ``url`` is for users, ``admin_url`` for its operators (empty if it has no page), both from :meth:`start` on.
    """

    url: str
    admin_url: str
    heeds_nodes: bool
    """Whether nodes can ask it to be drained, by what their health check says."""
    has_administrator: bool
    """Whether somebody takes nodes out at the load balancer itself, where they do not ask for it."""

    async def start(self) -> Started:
        """Start its process and return once it serves. Raises StartFailed or UsageError."""
        ...

    async def follow(self, report: Report) -> None:
        """Tell of every change about a node until cancelled; while it does not answer, try again."""
        ...

    async def take_out(self, node_id: str, *, deadline_s: float) -> None:
        """Give a node no new sessions, and after ``deadline_s`` nothing. Raises BalancerFailed."""
        ...

    async def put_back(self, node_id: str) -> None:
        """Let a node have requests again. Raises BalancerFailed."""
        ...

    async def set_nofailover(self, on: bool, /) -> None:
        """Whether sessions stay bound to a node that is gone, and get errors. Raises BalancerFailed."""
        ...

    async def refused_to_the_bound(self) -> int | None:
        """How many requests of this process's life got an error because of that; None if it does not answer."""
        ...

    def audit(self, asked: Inquiry) -> BalancerAudited:
        """What its log says of attempts."""
        ...

    async def status(self) -> dict[str, Any] | None:
        """Its own figures at this moment; None if it has none or does not answer."""
        ...

    async def close(self) -> None:
        """Close the connections to it. Its process is the supervisor's."""
        ...
