"""Which load balancers there are, by the names that ``--lb`` takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulator.balancers.apache import Apache
from simulator.balancers.balancer import LoadBalancer, Place
from simulator.balancers.haproxy import HAProxy
from simulator.balancers.nginx import Nginx
from simulator.balancers.ours import OwnBalancer
from simulator.balancers.programs import find_program, program, version_of
from simulator.scenario.model import Scenario
from zdu import __version__
from zdu.errors import UsageError

OURS = "ours"
_OURS_ALONE = ("expect_state", "stickiness", "balance", "queue_timeout", "slowstart", "server_keep_alive")
"""Settings of a scenario that no other product's configuration is written from yet."""


@dataclass(frozen=True)
class Kind:
    """A product: the program it needs (none for ours), what it calls itself, and how it is driven."""

    program: str
    title: str
    make: Callable[[Place], LoadBalancer]
    heeds_nodes: bool

    @property
    def installed(self) -> bool:
        """Whether it can be started on this machine."""
        return not self.program or find_program(self.program) is not None


KINDS: Mapping[str, Kind] = {
    OURS: Kind("", "zdu-lb", OwnBalancer, OwnBalancer.heeds_nodes),
    "apache": Kind("apache2", "Apache httpd", Apache, Apache.heeds_nodes),
    "haproxy": Kind("haproxy", "HAProxy", HAProxy, HAProxy.heeds_nodes),
    "nginx": Kind("nginx", "nginx", Nginx, Nginx.heeds_nodes),
}


def make_balancer(kind: str, place: Place) -> LoadBalancer:
    """The load balancer of that name, not started yet. Raises UsageError when one of its ports is taken."""
    return KINDS[kind].make(place)


def software_of(kind: str) -> str:
    """Name and version. Raises UsageError that names Debian's package when the program is absent."""
    known = KINDS[kind]
    if not known.program:
        return f"{known.title} {__version__}"
    program(known.program)
    return f"{known.title} {version_of(known.program)}"


def for_balancer(kind: str) -> list[str]:
    """What a scenario is changed to, before any other change, to be played with that load balancer.

    Real nodes of Jira do not ask to be drained; where the load balancer is a real one too, its administrator drains.
    """
    return [] if kind == OURS else ["cluster.node_upgrade_mode=false"]


def check_balancer(kind: str, scenario: Scenario) -> None:
    """Raises UsageError when the program is absent, or when the scenario asks of it what it cannot do."""
    software_of(kind)
    if kind != OURS and (own := [key for key in _OURS_ALONE if key in scenario.balancer.model_fields_set]):
        raise UsageError(
            f"balancer.{own[0]}: only our own load balancer is set up by it, not {kind}",
            hint=f"Leave it out, or play the scenario with --lb {OURS}.",
        )
    if kind != OURS and (fault := next((f for f in scenario.faults if f.needs_our_balancer), None)):
        raise UsageError(
            f"the fault {fault.name} is put on by the configuration of our own load balancer, not of {kind}",
            hint=f"Leave the step out, or play the scenario with --lb {OURS}.",
        )
    if scenario.cluster.node_upgrade_mode and not KINDS[kind].heeds_nodes:
        raise UsageError(
            f"cluster.node_upgrade_mode: {kind} checks no node's health, so a node cannot ask it to be drained",
            hint="Leave it false: the administrator then takes the nodes out at the load balancer.",
        )
