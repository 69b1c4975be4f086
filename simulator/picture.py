"""What is known of the cluster at this moment, by looking at it from outside.

Observers and the supervisor report here what they saw; every change becomes an event of the record in the same
breath, so the record and the operator's view cannot differ.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from simulator.balancers.balancer import NO_CHECK, NodeChange
from simulator.record.recorder import Recorder
from simulator.roll import NodeSeen
from zdu.events import (
    BalancerObserved,
    ClusterObserved,
    NodeBack,
    NodeNotStarted,
    NodeObserved,
    NodeTakenOut,
    ProcessExited,
    ProcessPaused,
    ProcessResumed,
    ProcessStarted,
    ProcessStopping,
)

IN_UPGRADE_MODE = "DRAINING"
"""The application state by which a node asks to be drained."""
TAKES_REQUESTS = frozenset({"RUNNING", IN_UPGRADE_MODE})
"""The application states in which a node serves users."""


LOOK_AGAIN_S = 0.1
"""What users' requests come to is no event: who waits for it looks again after this."""
COULD_NOT_START = "ERROR"
"""The application state of a process that goes on although its application could not start."""


class NotInTime(Exception):
    """Something that was waited for did not happen."""


@dataclass
class NodePicture:
    """One node: its process, its own words, and what the load balancer makes of it."""

    node_id: str
    running: bool = False
    crashed: bool = False
    paused: bool = False
    version: str = ""
    state: str = ""
    cluster_state: str = ""
    balancer: NodeChange | None = None
    out_since_s: float | None = None
    stopped_at_s: float | None = None
    back_since_s: float | None = None
    away_since_s: float | None = None
    not_up: str = ""
    """Of another application: why its last start failed, so that there is no process; empty if it did not."""

    @property
    def failed(self) -> bool:
        """Whether the process goes on although its application could not start."""
        return self.running and self.state == COULD_NOT_START

    @property
    def serving(self) -> bool:
        """Whether the load balancer sends it new sessions."""
        return self.balancer is not None and self.balancer["takes_new_sessions"]

    @property
    def takes_load(self) -> bool:
        """Whether it serves users: a load balancer that checks nobody cannot know."""
        checked = self.balancer is not None and self.balancer["operational"] != NO_CHECK
        return self.serving and (checked or self.ready_to_serve)

    @property
    def ready_to_serve(self) -> bool:
        """Whether its application runs, by its own words."""
        return self.running and self.state in TAKES_REQUESTS

    @property
    def starting(self) -> bool:
        """Whether it runs, and nobody has heard more of it than that it starts."""
        return self.running and not self.takes_load and self.state in ("", "STARTING")

    @property
    def in_upgrade_mode(self) -> bool:
        """Whether it asks to be drained, or an administrator drains it."""
        return self.state == IN_UPGRADE_MODE or self.set_aside

    @property
    def at_work(self) -> bool:
        """Whether it serves users and nobody is taking it out."""
        return self.running and self.takes_load and not self.in_upgrade_mode

    @property
    def set_aside(self) -> bool:
        """Whether an administrator has told the load balancer to leave it alone."""
        return self.balancer is not None and self.balancer["admin"] != "READY"

    @property
    def drained(self) -> bool:
        """Whether the load balancer sends it nothing more and waits for nothing from it."""
        return self.balancer is not None and self.balancer["drained"]


class Picture:
    """The whole cluster as it is seen now."""

    def __init__(self, recorder: Recorder, node_ids: tuple[str, ...]) -> None:
        self._recorder = recorder
        self._changed = asyncio.Event()
        self.nodes = {node_id: NodePicture(node_id) for node_id in node_ids}
        self.crashed: list[str] = []

    def process_started(self, process: str, *, pid: int, url: str, version: str, log: str) -> None:
        """A process serves."""
        node = self.nodes.get(process)
        if node:
            node.running, node.version, node.stopped_at_s = True, version, None
            node.crashed = node.paused = False
            node.not_up = ""
            self.crashed = [name for name in self.crashed if name != process]  # somebody has put it right
        self._recorder.event(ProcessStarted(process, pid, url, version, log))
        self._notify()

    def process_not_up(self, node_id: str, version: str, reason: str) -> None:
        """A node of another application was started with ``version`` and could not: its process is gone again."""
        node = self.nodes[node_id]
        node.running, node.version, node.not_up = False, version, reason
        self._recorder.event(NodeNotStarted(node_id, version, reason))
        self._notify()

    def process_stopping(self, process: str, signal_name: str) -> None:
        """The operator asked a process to stop."""
        self._recorder.event(ProcessStopping(process, signal_name))

    def process_paused(self, process: str, *, paused: bool) -> None:
        """The operator let a process stand still, or go on."""
        node = self.nodes.get(process)
        if node:
            node.paused = paused
        self._recorder.event(ProcessPaused(process) if paused else ProcessResumed(process))
        self._notify()

    def process_exited(self, process: str, returncode: int, *, expected: bool) -> None:
        """A process ended."""
        node = self.nodes.get(process)
        if node:
            node.running, node.crashed, node.stopped_at_s = False, not expected, self._recorder.now_s()
            node.paused = False
        if not expected:
            self.crashed.append(process)
        if node:
            self.node_says(process, "")  # what it said in this life is not to be taken for what it says in the next
        self._recorder.event(ProcessExited(process, returncode, expected))
        self._notify()

    def node_says(self, node_id: str, state: str, version: str = "", build: int = 0) -> None:
        """A node's answer on ``/status``; an empty state is no answer."""
        node = self.nodes[node_id]
        if node.state != state:
            node.state = state
            self._recorder.event(NodeObserved(node_id, state, version, build))
            self._notify()

    def node_shows(self, node_id: str, cluster_state: str) -> None:
        """The cluster upgrade state that a node shows."""
        node = self.nodes[node_id]
        if node.cluster_state != cluster_state:
            node.cluster_state = cluster_state
            self._recorder.event(ClusterObserved(cluster_state, node_id))
            self._notify()

    def balancer_says(self, event: NodeChange) -> None:
        """One event of the load balancer's journal."""
        node = self.nodes[event["node"]]
        at_s = self._recorder.since_start_s(event["at_s"])
        was_serving, was_drained = node.serving, node.drained
        before, node.balancer = node.balancer, event
        words = (before["admin"], before["operational"]) if before else None
        if words != (event["admin"], event["operational"]):
            self._recorder.event(
                BalancerObserved(node.node_id, event["admin"], event["operational"], event["reason"], round(at_s, 4))
            )
        if node.drained and not was_drained and node.back_since_s is not None:
            node.out_since_s, node.back_since_s = at_s, None
            self._recorder.event(NodeTakenOut(node.node_id, round(at_s, 4)))
        if node.serving and not was_serving:
            if node.out_since_s is not None:
                self._recorder.event(NodeBack(node.node_id, round(at_s, 4)))
            node.out_since_s, node.back_since_s = None, at_s
        self._notify()

    def seen(self) -> tuple[NodeSeen, ...]:
        """The cluster in the words of the roll's resolver."""
        now_s = self._recorder.now_s()
        return tuple(
            NodeSeen(
                node_id=node.node_id,
                running=node.running,
                crashed=node.crashed,
                version=node.version,
                in_upgrade_mode=node.in_upgrade_mode,
                serving=node.takes_load,
                set_aside=node.set_aside,
                ready=node.ready_to_serve,
                drained=node.drained,
                failed=node.failed or bool(node.not_up),
                starting=node.starting,
                out_for_s=now_s - node.stopped_at_s if node.stopped_at_s is not None else 0.0,
                back_for_s=now_s - node.back_since_s if node.back_since_s is not None else 0.0,
                away_for_s=now_s - node.away_since_s if node.away_since_s is not None else 0.0,
            )
            for node in self.nodes.values()
        )

    async def changed(self, *, within_s: float) -> None:
        """Return at the next change, or after ``within_s`` seconds."""
        event = self._changed
        try:
            async with asyncio.timeout(within_s):
                await event.wait()
        except TimeoutError:
            return

    async def until(self, what: str, holds: Callable[[], bool], *, within_s: float) -> None:
        """Return once ``holds`` is true; raises NotInTime naming ``what`` when that takes too long."""
        try:
            async with asyncio.timeout(within_s):
                while not holds():
                    await self.changed(within_s=LOOK_AGAIN_S)
        except TimeoutError:
            raise NotInTime(f"{what} did not happen within {within_s:g} s") from None

    def _notify(self) -> None:
        """Wake all who wait; those who wait from now on wait for the next change."""
        for node in self.nodes.values():
            if node.at_work:
                node.away_since_s = None
            elif node.away_since_s is None:
                node.away_since_s = self._recorder.now_s()
        self._changed.set()
        self._changed = asyncio.Event()
