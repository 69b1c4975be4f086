"""What the page "Clustering" says of each node, in Jira's words: ACTIVE, NO HEARTBEAT or OFFLINE, and its figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from node.services import MemberView
from shared_db.rows import NodeFigures

NOT_KNOWN = "–"
_STATE_COLOURS = {"RUNNING": "green", "ERROR": "red", "MAINTENANCE": "yellow", "DRAINING": "yellow"}


@dataclass(frozen=True)
class Status:
    """Jira's word for whether a node is heard of, with its colour."""

    word: str
    colour: str


def node_status(member: MemberView) -> Status:
    """Statuses as Jira's page "Clustering" has them. A killed node stays ACTIVE in the table and is not heard of."""
    if member.state == "ACTIVE" and not member.alive:
        return Status("NO HEARTBEAT", "red")
    return Status(member.state, "green" if member.state == "ACTIVE" else "grey")


@dataclass(frozen=True)
class ClusterRow:
    """One line of the table. Figures of a node that is not heard of are not shown: they would be old."""

    node_id: str
    address: str
    version: str
    build_number: int
    load: str
    memory: str
    uptime: str
    status: Status
    application: Status
    own: bool


def cluster_rows(
    members: Sequence[MemberView], figures: Mapping[str, NodeFigures], *, own_id: str
) -> tuple[ClusterRow, ...]:
    """The table's lines, in the order of ``members``."""
    return tuple(
        _row(member, figures.get(member.node_id) if member.alive else None, own=member.node_id == own_id)
        for member in members
    )


def _row(member: MemberView, figures: NodeFigures | None, *, own: bool) -> ClusterRow:
    state = figures.application_state if figures else ""
    return ClusterRow(
        node_id=member.node_id,
        address=member.ip,
        version=member.version,
        build_number=member.build_number,
        load=f"{figures.load:.2f}" if figures else NOT_KNOWN,
        memory=f"{figures.memory_bytes / 1024**2:.0f} MB" if figures else NOT_KNOWN,
        uptime=duration_words(figures.uptime_s) if figures else NOT_KNOWN,
        status=node_status(member),
        application=Status(state or NOT_KNOWN, _STATE_COLOURS.get(state, "grey")),
        own=own,
    )


def duration_words(seconds: float) -> str:
    """``3 d 4 h``, ``2 h 5 min``, ``5 min 12 s`` or ``12 s``: the two largest units."""
    words: list[str] = []
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    left = int(max(0.0, seconds))
    for unit, size in units:
        count, left = divmod(left, size)
        if count or words or unit == "s":
            words.append(f"{count} {unit}")
    return " ".join(words[:2])
