"""The cluster as it was at one moment: what each node said, ran and showed, and whom it served."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from simulator.load.judge import LOGIN_PAGE
from simulator.record.requests import RequestRecord
from simulator.report.changes import Change


@dataclass(frozen=True)
class Visit:
    """From ``t_s`` on ``user`` is at ``node``, or without one before the log-in page; ``unseen``: signed in again."""

    t_s: float
    user: str
    node: str
    unseen: bool


def find_visits(requests: Sequence[RequestRecord]) -> list[Visit]:
    """Where each user was from when on, oldest first: the node that answered, as long as it answered well."""
    at: dict[str, str] = {}
    found = []
    for request in sorted(requests, key=attrgetter("sent_s", "id")):
        thrown_out = request.outcome == LOGIN_PAGE
        answered = bool(request.node) and not request.failed
        if not request.by_user or request.kind == "open_login" or not (thrown_out or answered):
            continue
        node = "" if thrown_out else request.node
        if at.get(request.user) != node:
            at[request.user] = node
            found.append(Visit(request.sent_s, request.user, node, request.signed_in))
    return found


@dataclass(frozen=True)
class NodeMoment:
    """One node at one moment; the words are those of :class:`~simulator.report.changes.Change`."""

    node: str
    state: str = ""
    version: str = ""
    balancer: str = ""
    out: bool = False
    shows: str = ""
    users: int = 0


@dataclass(frozen=True)
class Moment:
    """All nodes at one moment."""

    t_s: float
    nodes: tuple[NodeMoment, ...]


class Moments:
    """Tells how things were at any time of a run."""

    def __init__(self, nodes: Sequence[str], changes: Sequence[Change], visits: Sequence[Visit]) -> None:
        self._nodes = nodes
        self._changes = changes
        self._visits = visits

    def at(self, t_s: float) -> Moment:
        """The moment just after everything that happened until ``t_s``."""
        known: dict[str, dict[str, str]] = {node: {} for node in self._nodes}
        for change in self._changes[: bisect_right(self._changes, t_s, key=attrgetter("t_s"))]:
            known[change.node][change.what] = change.value
        visits = self._visits[: bisect_right(self._visits, t_s, key=attrgetter("t_s"))]
        users = Counter({visit.user: visit.node for visit in visits}.values())
        return Moment(t_s, tuple(_moment(node, known[node], users[node]) for node in self._nodes))


def _moment(node: str, known: dict[str, str], users: int) -> NodeMoment:
    return NodeMoment(
        node=node,
        state=known.get("state", ""),
        version=known.get("version", ""),
        balancer=known.get("balancer", ""),
        out=bool(known.get("out")),
        shows=known.get("shows", ""),
        users=users,
    )
