"""A living cluster in the hands of an asynchronous test; :mod:`zdu.pytest_plugin.sync` is the same without ``await``.

Each method returns when its effect has been seen from outside, and raises CommandFailed if it cannot be had.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zdu.clock import SystemClock
from zdu.errors import UsageError, ZduError
from zdu.pytest_plugin.held import Held
from zdu.pytest_plugin.state import NodeState, NotInTime, State
from zdu.pytest_plugin.transport import Blocking, CommandFailed, OnTheLoop, Transport, drive
from zdu.pytest_plugin.verdict import Verdict

if TYPE_CHECKING:
    from zdu.pytest_plugin.sync import SyncCluster

__all__ = ["Cluster", "Node", "NodeState", "State", "Traffic"]
"""What tests annotate their arguments with."""

COMMAND_WITHIN_S = 120.0
ENDS_WITHIN_S = 300.0
GOES_WITHIN_S = 2.0
"""A process that breaks off a connection because it ends is gone by then."""
LOOK_EVERY_S = 0.05
USED_WITHIN_S = 30.0
"""How long a roll stays MIXED at most until both versions have been used: the verdict tells if they were not."""


class Node:
    """One node, by name."""

    def __init__(self, cluster: "Cluster", name: str) -> None:
        self.name = name
        self.url = str(cluster.node_urls[name])
        self._cluster = cluster

    def __repr__(self) -> str:
        return f"<node {self.name}>"

    async def kill(self) -> None:
        """End it at once (SIGKILL), as a power cut does."""
        await self._do("kill")

    async def stop(self) -> None:
        """Stop it in an orderly way (SIGTERM)."""
        await self._do("stop")

    async def start(self, to: str = "") -> None:
        """Start it, with the version it had or another; over when it runs."""
        await self._do("start", to=to)

    async def pause(self) -> None:
        """Let it stand still (SIGSTOP): its port is open, and nobody answers."""
        await self._do("pause")

    async def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        await self._do("resume")

    async def upgrade(self, to: str = "") -> None:
        """Take it out, upgrade it, put it back: one node's part of a roll."""
        await self._do("upgrade", to=to)

    async def drain(self) -> None:
        """Let the load balancer send it no new sessions, and move those that it has."""
        await self._do("drain")

    async def ready(self) -> None:
        """Let the load balancer send it its share again."""
        await self._do("ready")

    async def state(self) -> NodeState:
        """The node now."""
        return (await self._cluster.state()).nodes[self.name]

    async def _do(self, action: str, **body: str) -> None:
        await self._cluster.command(f"nodes/{self.name}/{action}", **body)


NodeCallback = Callable[[Node], Awaitable[None] | None]
Predicate = Callable[[State], bool]


class Cluster:
    """A cluster with people at work on it, in a process of its own."""

    def __init__(self, held: Held, transport: Transport | None = None) -> None:
        self._held = held
        self._transport = transport or OnTheLoop()
        self._token = str(held.words["dashboard"]).partition("#token=")[2]
        self._control_url = str(held.words["dashboard"]).partition("/#")[0]
        self.dashboard_url = str(held.words["dashboard"])
        """The page that shows it live; the token is in it."""
        self.url = str(held.words["urls"]["application"])
        """Where users go: through the load balancer."""
        self.node_urls: Mapping[str, str] = held.words["urls"]["nodes"]
        """Each node's own address, past the load balancer."""
        self.run_folder = Path(held.words["run_folder"])
        self.verdict = Verdict(lambda: self.run_folder, self._end_blocking)

    @property
    def sync(self) -> "SyncCluster":
        """The same cluster, for code without an event loop."""
        from zdu.pytest_plugin.sync import SyncCluster  # noqa: PLC0415 - it is made of this one

        return SyncCluster(self._held)

    @property
    def nodes(self) -> list[Node]:
        """All nodes."""
        return [Node(self, name) for name in self.node_urls]

    def node(self, name: str) -> Node:
        """The node of that name. Raises UsageError that names all."""
        if name not in self.node_urls:
            raise UsageError(f"there is no node {name!r}", hint=f"This cluster has: {', '.join(self.node_urls)}.")
        return Node(self, name)

    async def state(self) -> State:
        """The cluster now."""
        return State.of(await self._ask("status", None))

    async def wait_until(self, predicate: Predicate, within: float = 5.0, what: str = "") -> State:
        """Look until ``predicate`` holds, and return that state. Raises AssertionError ``within`` seconds later."""
        __tracebackhide__ = True
        clock = SystemClock()
        until_s = clock.monotonic_s() + within
        while not predicate(state := await self.state()):
            if clock.monotonic_s() > until_s:
                said = ", ".join(f"{node.name} {node.version} {node.state}" for node in state.nodes.values())
                raise NotInTime(
                    f"{what or 'what was waited for'} did not come true within {within:g} s; "
                    f"the cluster is {state.upgrade_state or 'silent'}: {said}"
                )
            await self._transport.pause(LOOK_EVERY_S)
        return state

    async def rolling_upgrade(
        self,
        to: str = "",
        *,
        with_node_down: NodeCallback | None = None,
        in_mixed_version: NodeCallback | None = None,
        finalise: bool = True,
    ) -> None:
        """Upgrade every node, one by one, from upgrade mode to finalised. ``to`` is the newest of the line if empty.

        ``with_node_down`` is called with each node while it is stopped, ``in_mixed_version`` while both versions
        serve, with the node that is to leave next. The roll waits for them; both may be asynchronous. While Jira is
        MIXED it also waits until people have used both versions, for what nobody met proves nothing; of another
        application the verdict asks only that each was used during the roll.

        Raises CommandFailed.
        """
        jira = bool((await self.state()).upgrade_state)
        if jira:
            await self.start_upgrade()
        callbacks = {"node_down": with_node_down, "mixed": in_mixed_version}
        hold_at = [name for name, callback in callbacks.items() if callback or (jira and name == "mixed")]
        mixed_since: State | None = None
        answer = await self.command("upgrade/roll", to=to, hold_at=hold_at)
        while held := answer["held"]:
            if jira and held["name"] == "mixed" and mixed_since is None:
                mixed_since = await self.state()
            if called := callbacks[held["name"]]:
                returned = called(self._as_seen(Node(self, held["node"])))
                if inspect.isawaitable(returned):
                    await returned
            if mixed_since is not None and held["name"] == "mixed":
                await self._until_used(mixed_since)
            answer = await self.command("upgrade/go-on")
        if finalise and jira:
            await self.finalise()

    async def _until_used(self, before: State) -> None:
        """Wait until the versions have been used enough, or in vain; then the verdict says what is missing."""
        with suppress(NotInTime):
            await self.wait_until(lambda now: now.used_since(before), within=USED_WITHIN_S)

    async def start_upgrade(self) -> None:
        """Put Jira into upgrade mode."""
        await self.command("upgrade/start")

    async def finalise(self) -> None:
        """Run the upgrade tasks."""
        await self.command("upgrade/finalise")

    async def cancel_upgrade(self) -> None:
        """Leave upgrade mode, while no node is upgraded."""
        await self.command("upgrade/cancel")

    async def roll_back(self) -> None:
        """Bring every upgraded node back, and cancel."""
        await self.command("upgrade/roll-back")

    async def play(self, scenario: str) -> None:
        """Play the story of a scenario, by name or file."""
        await self.command("play", scenario=scenario)

    async def set_users(self, users: int) -> None:
        """Let people come or go."""
        await self.command("load/set", users=users)

    @asynccontextmanager
    async def fault(self, name: str, **words: Any) -> AsyncIterator[None]:
        """Let something go wrong while the block lasts: ``fault("net.latency", node="node1", latency="300ms")``."""
        await self.command("faults/apply", fault={"name": name, **words})
        try:
            yield
        finally:
            await self.command("faults/reset", name=name)

    async def end(self) -> None:
        """Let people finish, audit, stop everything, judge; done by itself when the verdict is asked for."""
        await self._end(self._transport)

    async def command(self, path: str, **body: Any) -> dict[str, Any]:
        """Any command of the control port (docs/up.md), such as ``command("load/set", users=3)``."""
        return await self._ask(path, body)

    def _as_seen(self, node: Node) -> Any:
        """The node as callbacks get it."""
        return node

    def _end_blocking(self) -> None:
        drive(self._end(Blocking()))

    async def _end(self, transport: Transport) -> None:
        if not self._held.ended:
            try:
                await transport.ask(f"{self._control_url}/api/down", self._token, {}, within_s=COMMAND_WITHIN_S)
            except CommandFailed:
                if not await self._goes(transport):
                    raise
            await self._held.until_ended(transport, within_s=ENDS_WITHIN_S)
        if not self._judged:
            raise self._ended_by_itself()

    async def _ask(self, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        if self._held.ended:
            if self._judged:
                raise CommandFailed("the cluster has ended", hint="Asking for the verdict ends it.")
            raise self._ended_by_itself()
        url = f"{self._control_url}/api/{path}"
        try:
            return await self._transport.ask(url, self._token, body, within_s=COMMAND_WITHIN_S)
        except CommandFailed as error:
            if error.nobody_answered and await self._goes(self._transport):
                raise self._ended_by_itself() from None
            raise

    @property
    def _judged(self) -> bool:
        return (self.run_folder / "result.json").is_file()

    async def _goes(self, transport: Transport) -> bool:
        try:
            await self._held.until_ended(transport, within_s=GOES_WITHIN_S)
        except ZduError:
            return False
        return True

    def _ended_by_itself(self) -> CommandFailed:
        return CommandFailed(
            f"the cluster has ended by itself: {self._held.last_words() or 'it was killed'}",
            hint=f"zdu report {self.run_folder} judges what it has recorded until then.",
        )


class Traffic:
    """The people at work on a cluster. The probes beside them always go on."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def set_users(self, users: int) -> None:
        """Let people come or go until so many are at work."""
        await self._cluster.set_users(users)

    async def stop(self) -> None:
        """Let everybody go home."""
        await self._cluster.command("load/stop")

    async def start(self) -> None:
        """Let those come back who went home."""
        await self._cluster.command("load/start")

    async def figures(self) -> Mapping[str, Any]:
        """What has been measured so far: requests, failures, latency, moves."""
        figures: Mapping[str, Any] = (await self._cluster.state()).words["load"]
        return figures
