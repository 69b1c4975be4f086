"""What a test sees of a cluster at a moment. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class NotInTime(AssertionError):
    """What was waited for did not come true in time."""


@dataclass(frozen=True)
class NodeState:
    """One node at a moment.

    ``state`` is what it says of itself, or ``stopped``, ``paused``, ``DIED``; ``serving`` whether the load balancer
    sends it new sessions, ``drained`` whether it sends it nothing and waits for nothing from it.
    """

    name: str
    version: str
    state: str
    cluster_state: str
    serving: bool
    drained: bool


@dataclass(frozen=True)
class State:
    """The cluster at a moment.

    ``upgrade_state`` is Jira's word for it, ``requests`` how many have an outcome since the start, probes included,
    ``answered`` how many of the users' requests each version has answered well, ``words`` all of ``zdu status
    --json``.
    """

    upgrade_state: str
    users: int
    requests: int
    answered: Mapping[str, int]
    nodes: Mapping[str, NodeState]
    words: Mapping[str, Any]

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> "State":
        """The state in the control port's words."""
        keys = ("version", "state", "cluster_state", "serving", "drained")
        nodes = {node["id"]: NodeState(node["id"], **{key: node[key] for key in keys}) for node in words["nodes"]}
        load = words["load"]
        return cls(words["state"], words["users"], load["requests"], load["answered"], nodes, words)

    def used_since(self, before: "State") -> bool:
        """Whether every version that serves has answered so many since ``before`` that the verdict can be sure."""
        enough = self.words["wanted_while_mixed"] + self.users  # one of each user's was under way before
        versions = {node.version for node in self.nodes.values() if node.serving}
        if all(self.answered.get(version, 0) - before.answered.get(version, 0) >= enough for version in versions):
            return True
        return not self.users or self.answered.get("", 0) - before.answered.get("", 0) >= enough
