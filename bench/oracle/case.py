"""What a case is, as data, and how its outcome is judged. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bench.proxies.setup import Admin


@dataclass(frozen=True)
class World:
    """What the load balancer stands in front of: two nodes, a and b."""

    name: str
    admin: Mapping[str, Admin] = field(default_factory=dict)
    stopped: tuple[str, ...] = ()
    """Nodes that refuse connections, which no health check has found yet."""


BOTH = World("both serve")
A_REFUSES = World("a refuses", stopped=("a",))
ALL_REFUSE = World("all refuse", stopped=("a", "b"))
A_MAINT = World("a in MAINT", admin={"a": Admin.MAINT})
ALL_MAINT = World("all in MAINT", admin={"a": Admin.MAINT, "b": Admin.MAINT})
A_DRAINS = World("a in DRAIN", admin={"a": Admin.DRAIN})
ALL_DRAIN = World("all in DRAIN", admin={"a": Admin.DRAIN, "b": Admin.DRAIN})
WORLDS = (BOTH, A_REFUSES, ALL_REFUSE, A_MAINT, ALL_MAINT, A_DRAINS, ALL_DRAIN)


@dataclass(frozen=True)
class Send:
    """These bytes; ``{id}`` in them becomes the case's own word."""

    data: bytes


@dataclass(frozen=True)
class Read:
    """One answer, with the interim ones before it; ``head`` if the request was HEAD."""

    head: bool = False


@dataclass(frozen=True)
class Echo:
    """After 101: bytes that must come back."""

    data: bytes = b"ping"


class Move(StrEnum):
    """What a client can do besides."""

    HALF_CLOSE = "half-close"
    ABORT = "abort"
    """RST after a moment in which the request has reached the node."""


Step = Send | Read | Echo | Move


@dataclass(frozen=True)
class Case:
    """One connection of one client, and what is wanted of our load balancer."""

    name: str
    steps: tuple[Step, ...]
    want: tuple[str, ...]
    """What the client may see: one word or more for each answer, see :class:`Seen`."""
    world: World = BOTH
    executions: Mapping[str, int] | None = None
    """How many requests each node may have begun to execute; None: not looked at."""
    closed: bool | None = None
    """Whether the connection must be closed in the end."""
    hidden: tuple[str, ...] = ()
    """What must not be in the head that the node gets (lower case)."""
    shown: tuple[str, ...] = ()
    """What must be in it (lower case)."""
    note: str = ""
    """What the node itself must have noticed."""
    within_s: float | None = None
    wait_s: float = 4.0
    """How long the client waits for an answer."""
    why: str = ""


@dataclass(frozen=True)
class Seen:
    """What came of a case.

    ``client``: for each answer its status, the node that made it (none: the load balancer made it), and where they
    apply ``cut`` (broke off in the middle), ``open`` (still not complete), ``WRONG`` (the answer to something else);
    or ``closed``, ``reset``, ``silent`` (nothing within the time), ``raw`` (not HTTP).
    """

    client: str
    closed: bool
    executions: Mapping[str, int]
    heads: Sequence[bytes]
    notes: Sequence[str]
    seconds: float

    def text(self) -> str:
        """For a table's cell."""
        ran = " ".join(f"{node}×{count}" for node, count in sorted(self.executions.items()) if count)
        slow = f" {self.seconds:.1f} s" if self.seconds >= 1 else ""
        notes = f" {', '.join(self.notes)}" if self.notes else ""
        return f"{self.client}{slow}{' +close' if self.closed else ''} [{ran or '–'}{notes}]"


def differences(case: Case, seen: Seen) -> list[str]:
    """In what an outcome is not what is wanted; empty if it is."""
    found = []
    wanted = "' or '".join(case.want)
    if seen.client not in case.want:
        found.append(f"the client saw '{seen.client}', wanted is '{wanted}'")
    if case.executions is not None:
        for node in ("a", "b"):
            if seen.executions.get(node, 0) > case.executions.get(node, 0):
                found.append(
                    f"{node} executed {seen.executions[node]} requests, at most {case.executions.get(node, 0)}"
                )
    if case.closed is not None and seen.closed is not case.closed:
        found.append(f"the connection was {'closed' if seen.closed else 'left open'}")
    heads = [head.lower().decode("latin-1") for head in seen.heads]
    found += [f"{word!r} reached the node" for word in case.hidden if any(word in head for head in heads)]
    found += [f"{word!r} did not reach the node" for word in case.shown if not all(word in head for head in heads)]
    if case.note and case.note not in seen.notes:
        found.append(f"the node did not notice: {case.note}")
    if case.within_s is not None and seen.seconds > case.within_s:
        found.append(f"it took {seen.seconds:.1f} s, at most {case.within_s:g} s")
    return found


class Verdict(StrEnum):
    """What is right for a request."""

    REJECT = "reject"
    ACCEPT = "accept"
    EITHER = "either"
    """The RFC allows to mend it and pass it on; ours is wanted to refuse it all the same."""


@dataclass(frozen=True)
class Vector:
    """One request, sent once on a connection of its own."""

    name: str
    raw: bytes
    verdict: Verdict
    section: str
    """Where it says so: RFC 9110, 9112 or another source."""


@dataclass(frozen=True)
class VectorSeen:
    """What came of a vector: the client's view in one word, and how many requests the nodes made of it."""

    client: str
    executions: int

    @property
    def rejected(self) -> bool:
        """Refused in so many words, or by closing; nothing reached a node."""
        return self.executions == 0 and self.client != "silent"

    def text(self) -> str:
        """For a table's cell."""
        if self.executions > 1:
            return f"{self.client} ×{self.executions}!"
        return self.client if self.executions else f"{self.client} –"


def vector_right(vector: Vector, seen: VectorSeen, *, strict: bool) -> bool:
    """Whether the verdict is the one that is right; more requests at the nodes than were sent never is.

    ``strict``: what the RFC leaves open is to be refused.
    """
    if vector.verdict is Verdict.EITHER and not strict:
        return seen.executions <= 1
    if vector.verdict is not Verdict.ACCEPT:
        return seen.rejected
    return seen.executions <= 1 and seen.client.startswith("2")  # OPTIONS * may be answered on the way
