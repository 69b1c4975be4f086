"""``when`` of a step: a few words about the cluster, and whether they are true of what is seen. Pure.

::

    cluster is MIXED          every node that serves shows this upgrade state
    node1 is DRAINING         what the node says of itself on /status
    node1 is stopped          its process does not run
    node1 is out              the load balancer sends it nothing any more and waits for nothing from it
    node1 is serving          the load balancer sends it new sessions
    node1 runs 7.3.2          its process was started with this version
    any node is stopped       the same of at least one node, whichever it is
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol

CLUSTER_STATES = (
    *("STABLE", "READY_TO_UPGRADE", "MIXED", "READY_TO_RUN_UPGRADE_TASKS"),
    *("RUNNING_UPGRADE_TASKS", "UPGRADE_TASKS_FAILED"),
)
NODE_STATES = ("STARTING", "RUNNING", "DRAINING", "STOPPING", "MAINTENANCE", "ERROR", "FIRST_RUN")
_ANY = "any node"
_SHAPE = re.compile(r"(?P<who>cluster|any node|[A-Za-z0-9_-]+)\s+(?P<verb>is|runs)\s+(?P<what>\S+)")


class NodeNow(Protocol):
    """One node as it is seen from outside."""

    node_id: str
    running: bool
    version: str
    state: str
    cluster_state: str

    @property
    def serving(self) -> bool:
        """Whether the load balancer sends it new sessions."""
        ...

    @property
    def drained(self) -> bool:
        """Whether the load balancer sends it nothing more and waits for nothing from it."""
        ...


_WORDS: Mapping[str, Callable[[NodeNow], bool]] = {
    "stopped": lambda node: not node.running,
    "out": lambda node: node.drained or not node.running,
    "serving": lambda node: node.serving,
}


@dataclass(frozen=True)
class Condition:
    """Words that were understood. ``node`` is empty for what is said of the cluster."""

    text: str
    node: str
    verb: str
    what: str

    def holds(self, nodes: Iterable[NodeNow]) -> bool:
        """Whether it is so now."""
        seen = list(nodes)
        if not self.node:
            shown = {node.cluster_state for node in seen if node.running and node.cluster_state}
            return shown == {self.what}
        asked = seen if self.node == _ANY else [node for node in seen if node.node_id == self.node]
        return any(self._of(node) for node in asked)

    def _of(self, node: NodeNow) -> bool:
        if self.verb == "runs":
            return node.running and node.version == self.what
        return _WORDS[self.what](node) if self.what in _WORDS else node.state == self.what


def parse_condition(text: str) -> Condition:
    """The condition that ``text`` says. Raises ValueError with a sentence that says what is understood."""
    found = _SHAPE.fullmatch(text.strip())
    if not found:
        raise ValueError(
            f"expected a condition such as cluster is MIXED, node1 is DRAINING or node1 runs 7.3.2, not {text!r}"
        )
    who, verb, what = found["who"], found["verb"], found["what"]
    known: tuple[str, ...] = ()
    if who == "cluster":
        known = CLUSTER_STATES if verb == "is" else ()
    else:
        known = (*NODE_STATES, *_WORDS) if verb == "is" else (what,)
    if what not in known:
        raise ValueError(_unknown(who, verb, what, known))
    return Condition(text.strip(), "" if who == "cluster" else who, verb, what)


def _unknown(who: str, verb: str, what: str, known: tuple[str, ...]) -> str:
    if not known:
        return f"{who} {verb} {what}: a cluster runs nothing, its nodes do; say for instance node1 runs {what}"
    folded = {word.casefold(): word for word in known}
    close = get_close_matches(what.casefold(), folded, n=1)
    hint = f"did you mean {folded[close[0]]!r}?" if close else f"known here: {', '.join(known)}"
    return f"{who} {verb} {what!r}: there is no such state; {hint}"
