"""The cluster in the hands of a test without an event loop: the same names, and no ``await``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from zdu.pytest_plugin.cluster import Cluster, Node, Predicate
from zdu.pytest_plugin.held import Held
from zdu.pytest_plugin.state import NodeState, State
from zdu.pytest_plugin.transport import Blocking, drive


class SyncNode:
    """One node, by name; :class:`Node` without ``await``."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.name = node.name
        self.url = node.url

    def __repr__(self) -> str:
        return repr(self._node)

    def kill(self) -> None:
        """End it at once (SIGKILL), as a power cut does."""
        drive(self._node.kill())

    def stop(self) -> None:
        """Stop it in an orderly way (SIGTERM)."""
        drive(self._node.stop())

    def start(self, to: str = "") -> None:
        """Start it, with the version it had or another; over when it runs."""
        drive(self._node.start(to))

    def pause(self) -> None:
        """Let it stand still (SIGSTOP): its port is open, and nobody answers."""
        drive(self._node.pause())

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        drive(self._node.resume())

    def upgrade(self, to: str = "") -> None:
        """Take it out, upgrade it, put it back: one node's part of a roll."""
        drive(self._node.upgrade(to))

    def drain(self) -> None:
        """Let the load balancer send it no new sessions, and move those that it has."""
        drive(self._node.drain())

    def ready(self) -> None:
        """Let the load balancer send it its share again."""
        drive(self._node.ready())

    def state(self) -> NodeState:
        """The node now."""
        return drive(self._node.state())


SyncCallback = Callable[[SyncNode], None]


class _Blocking(Cluster):
    """A cluster whose coroutines never wait for an event loop, and whose callbacks get nodes without ``await``."""

    def __init__(self, held: Held) -> None:
        super().__init__(held, Blocking())

    def _as_seen(self, node: Node) -> Any:
        return SyncNode(node)


class SyncCluster:
    """A cluster with people at work on it; :class:`Cluster` without ``await``."""

    def __init__(self, held: Held) -> None:
        self._cluster = _Blocking(held)
        self.url = self._cluster.url
        self.node_urls = self._cluster.node_urls
        self.dashboard_url = self._cluster.dashboard_url
        self.run_folder = self._cluster.run_folder
        self.verdict = self._cluster.verdict

    @property
    def nodes(self) -> list[SyncNode]:
        """All nodes."""
        return [SyncNode(node) for node in self._cluster.nodes]

    def node(self, name: str) -> SyncNode:
        """The node of that name. Raises UsageError that names all."""
        return SyncNode(self._cluster.node(name))

    def state(self) -> State:
        """The cluster now."""
        return drive(self._cluster.state())

    def wait_until(self, predicate: Predicate, within: float = 5.0, what: str = "") -> State:
        """Look until ``predicate`` holds, and return that state. Raises AssertionError ``within`` seconds later."""
        __tracebackhide__ = True
        return drive(self._cluster.wait_until(predicate, within, what))

    def rolling_upgrade(
        self,
        to: str = "",
        *,
        with_node_down: SyncCallback | None = None,
        in_mixed_version: SyncCallback | None = None,
        finalise: bool = True,
    ) -> None:
        """Upgrade every node, one by one; see :meth:`Cluster.rolling_upgrade`."""
        __tracebackhide__ = True
        callbacks: dict[str, Any] = {"with_node_down": with_node_down, "in_mixed_version": in_mixed_version}
        drive(self._cluster.rolling_upgrade(to, **callbacks, finalise=finalise))

    def start_upgrade(self) -> None:
        """Put Jira into upgrade mode."""
        drive(self._cluster.start_upgrade())

    def finalise(self) -> None:
        """Run the upgrade tasks."""
        drive(self._cluster.finalise())

    def cancel_upgrade(self) -> None:
        """Leave upgrade mode, while no node is upgraded."""
        drive(self._cluster.cancel_upgrade())

    def roll_back(self) -> None:
        """Bring every upgraded node back, and cancel."""
        drive(self._cluster.roll_back())

    def play(self, scenario: str) -> None:
        """Play the story of a scenario, by name or file."""
        drive(self._cluster.play(scenario))

    def set_users(self, users: int) -> None:
        """Let people come or go."""
        drive(self._cluster.set_users(users))

    @contextmanager
    def fault(self, name: str, **words: Any) -> Iterator[None]:
        """Let something go wrong as long as the block lasts."""
        self.command("faults/apply", fault={"name": name, **words})
        try:
            yield
        finally:
            self.command("faults/reset", name=name)

    def end(self) -> None:
        """Let people finish, audit, stop everything, judge; done by itself when the verdict is asked for."""
        drive(self._cluster.end())

    def command(self, path: str, **body: Any) -> dict[str, Any]:
        """Any command of the control port (docs/up.md)."""
        return drive(self._cluster.command(path, **body))
