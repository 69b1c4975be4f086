"""What changed when, in one small vocabulary: picture, pages of a moment and player are all drawn from it.

An event of the record says what was done or seen; a change says what is different from then on. Times are those of
the fact itself: the load balancer's events carry their own, and are told in its order.
"""

import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

from zdu.events import (
    BalancerObserved,
    ClusterObserved,
    Envelope,
    Event,
    NodeBack,
    NodeObserved,
    NodeTakenOut,
    ProcessExited,
    ProcessStarted,
    ProcessStopping,
    RunStarted,
)

DOWN = "down"
"""The word for a node that has no process."""

CRASHED = "crashed"
"""The word for a node whose process ended though nobody had asked it to."""

KILLED = "killed"
"""The word for a node whose process was ended by SIGKILL, by whoever commands the cluster."""

STOPPING = "stopping"
"""The word for a node that was asked to stop, does not answer any more and has not exited yet."""

SILENT = "no answer"
"""The word for a node whose process is there and does not answer."""

OUT = "out"
"""The word for a node to which the load balancer sends nothing more and from which it waits for nothing."""

What = Literal["state", "version", "balancer", "out", "shows"]


@dataclass(frozen=True)
class Change:
    """From ``t_s`` on ``what`` of ``node`` is ``value``; an empty value is none.

    ``state`` is the node's own word, ``version`` what its process runs, ``balancer`` what the load balancer makes of
    it, ``out`` whether it is out, ``shows`` the cluster's upgrade state on its pages.
    """

    t_s: float
    node: str
    what: What
    value: str


def node_names(envelopes: Iterable[Envelope]) -> list[str]:
    """Every node that the run knew, in the run's own order."""
    names: dict[str, None] = {}
    for envelope in envelopes:
        match envelope.event:
            case RunStarted(nodes=nodes):
                names.update(dict.fromkeys(nodes))
            case NodeObserved(node=node):
                names.setdefault(node)
    return list(names)


def find_changes(envelopes: Sequence[Envelope]) -> list[Change]:
    """All changes, oldest first."""
    watchers = {node: _Watcher(node) for node in node_names(envelopes)}
    found = [
        change
        for envelope in envelopes
        for watcher in watchers.values()
        for change in watcher.changes(envelope.t_s, envelope.event)
    ]
    return sorted(found, key=attrgetter("t_s"))


class _Watcher:
    """Follows one node."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._known: dict[What, str] = {}
        self._asked_to_stop = False

    def changes(self, t_s: float, event: Event) -> Iterator[Change]:
        """What ``event`` changes of this node."""
        for at_s, what, value in self._told(t_s, event):
            if self._known.get(what, "") != value:
                self._known[what] = value
                yield Change(at_s, self._node, what, value)

    def _told(self, t_s: float, event: Event) -> Iterator[tuple[float, What, str]]:
        match event:
            case ProcessStarted(process=self._node, version=version):
                self._asked_to_stop = False
                yield t_s, "version", version
            case ProcessStopping(process=self._node):
                self._asked_to_stop = True
            case ProcessExited(process=self._node, expected=expected, returncode=returncode):
                killed = returncode == -signal.SIGKILL
                yield t_s, "state", CRASHED if not expected else KILLED if killed else DOWN
                yield t_s, "version", ""
                yield t_s, "shows", ""
            case NodeObserved(node=self._node, state=state, version=version):
                yield from self._observed(t_s, state, version)
            case ClusterObserved(seen_by=self._node, state=state):
                yield t_s, "shows", state
            case BalancerObserved(node=self._node, admin=admin, operational=operational, at_s=at_s):
                yield at_s, "balancer", operational if admin == "READY" else admin
            case NodeTakenOut(node=self._node, at_s=at_s):
                yield at_s, "out", OUT
            case NodeBack(node=self._node, at_s=at_s):
                yield at_s, "out", ""

    def _observed(self, t_s: float, state: str, version: str) -> Iterator[tuple[float, What, str]]:
        """What a node says of itself. One that has exited stays what it is: that it cannot be heard is no news."""
        if not state:
            if self._known.get("state", "") in (DOWN, CRASHED, KILLED, ""):
                return
            state = STOPPING if self._asked_to_stop else SILENT
        yield t_s, "state", state
        if version:
            yield t_s, "version", version
