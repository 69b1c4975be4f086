"""When somebody in a hurry would finalise an upgrade that is not done yet. Pure."""

from dataclasses import dataclass

from simulator.roll import NodeSeen


@dataclass(frozen=True)
class TooEarly:
    """The upgraded node on whose page it would be done, how many are upgraded, and those that are not."""

    node_id: str
    upgraded: int
    behind: tuple[str, ...]


def too_early(seen: tuple[NodeSeen, ...], to_version: str) -> TooEarly | None:
    """Whether finalising now would be too early: a node serves with the new version, and another runs the old one.

    A node that is stopped counts for neither: it is of no version until it is started. None if it would be right, or
    if no node is upgraded, so that not even the greatest hurry takes the upgrade for done.
    """
    upgraded = [node.node_id for node in seen if node.version == to_version and node.carries_load]
    behind = tuple(node.node_id for node in seen if node.running and not node.failed and node.version != to_version)
    return TooEarly(upgraded[-1], len(upgraded), behind) if upgraded and behind else None
