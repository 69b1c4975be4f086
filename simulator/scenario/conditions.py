"""``when`` of a step: a few words about the cluster, and whether they are true of what is seen. Pure.

::

    cluster is MIXED          every node that serves shows this upgrade state
    node1 is DRAINING         what the node says of itself on /status
    node1 is stopped          its process does not run
    node1 is out              the load balancer sends it nothing any more and waits for nothing from it
    node1 is serving          the load balancer sends it new sessions
    node1 runs 7.3.2          its process was started with this version
    any node is stopped       the same of at least one node, whichever it is
    half of the sessions moved    so many of the users' sessions were answered by another node than before
    20 sessions moved         the same by number; so 500 requests answered, 1% of the requests failed
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


_COUNT = re.compile(
    r"(?P<much>half|all|\d{1,3}(?:\.\d+)?%|\d{1,9})(?:\s+of(?:\s+the)?)?\s+(?P<thing>sessions?|requests?)\s+(?P<did>\w+)"
)


@dataclass(frozen=True)
class Counts:
    """What the users' requests came to so far: those that they sent, those that failed, and sessions, those moved."""

    requests: int = 0
    failed: int = 0
    sessions: int = 0
    moved: int = 0


_COUNTED: Mapping[tuple[str, str], Callable[[Counts], tuple[int, int]]] = {
    ("sessions", "moved"): lambda counts: (counts.moved, counts.sessions),
    ("requests", "answered"): lambda counts: (counts.requests - counts.failed, counts.requests),
    ("requests", "failed"): lambda counts: (counts.failed, counts.requests),
}
"""What can be counted: how many there are, and of how many."""


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
    """Words that were understood. ``node`` is empty for what is said of the cluster, or counted.

    ``least`` is how many of what is counted are needed: a number, or a share where ``of_all`` is set.
    """

    text: str
    node: str
    verb: str
    what: str
    least: float = 0.0
    of_all: bool = False

    def holds(self, nodes: Iterable[NodeNow], counts: Counts) -> bool:
        """Whether it is so now."""
        seen = list(nodes)
        if (self.what, self.verb) in _COUNTED:
            count, whole = _COUNTED[self.what, self.verb](counts)
            return count >= (max(self.least * whole, 1) if self.of_all else self.least)
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
    counted = _COUNT.fullmatch(text.strip())
    if counted:
        return _counted(text.strip(), counted)
    found = _SHAPE.fullmatch(text.strip())
    if not found:
        raise ValueError(
            f"expected a condition such as cluster is MIXED, node1 is DRAINING, node1 runs 7.3.2 or half of the "
            f"sessions moved, not {text!r}"
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


def _counted(text: str, found: re.Match[str]) -> Condition:
    much, thing, did = found["much"], found["thing"].rstrip("s") + "s", found["did"]
    if (thing, did) not in _COUNTED:
        known = ", ".join(" ".join(words) for words in _COUNTED)
        raise ValueError(f"{thing} {did}: that is not counted; known here: {known}")
    of_all = not much.isdecimal()
    least = {"half": 0.5, "all": 1.0}.get(much) or float(much.rstrip("%")) / (100 if of_all else 1)
    if not least or (of_all and least > 1):
        raise ValueError(f"{much} {thing} {did}: " + ("more than all cannot be" if least else "that is always so"))
    return Condition(text, "", did, thing, least, of_all)


def _unknown(who: str, verb: str, what: str, known: tuple[str, ...]) -> str:
    if not known:
        return f"{who} {verb} {what}: a cluster runs nothing, its nodes do; say for instance node1 runs {what}"
    folded = {word.casefold(): word for word in known}
    close = get_close_matches(what.casefold(), folded, n=1)
    hint = f"did you mean {folded[close[0]]!r}?" if close else f"known here: {', '.join(known)}"
    return f"{who} {verb} {what!r}: there is no such state; {hint}"
