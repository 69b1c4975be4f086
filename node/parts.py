"""What every part of a node's cluster side is given: who it is, its release, and the world it may touch."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from node.config import JiraIntervals, NodeConfig
from node.logs import NodeLog
from node.releases import Release
from zdu.clock import Clock, Entropy


@dataclass
class NodeParts:
    """One node's identity and its world; ``boot_id`` is new with each start of the process."""

    config: NodeConfig
    release: Release
    clock: Clock
    entropy: Entropy
    log: NodeLog
    boot_id: str

    @property
    def node_id(self) -> str:
        """``jira.node.id``."""
        return self.config.node_id

    @cached_property
    def intervals(self) -> JiraIntervals:
        """Jira's intervals as this cluster lives them, in seconds."""
        return self.config.effective_intervals

    def phase_s(self, interval_s: float) -> float:
        """When to begin something periodic, so that the nodes of a cluster do not act in step."""
        return self.entropy.rng.uniform(0, interval_s)


def log_path(config: NodeConfig) -> Path:
    """The node's log file: the one it was told, or where Jira keeps its own."""
    return config.log_file or config.local_home / "log" / "atlassian-jira.log"
