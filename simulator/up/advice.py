"""What a person may sensibly do next with a living cluster, as commands. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from node.releases import find_release, known_versions

_TO_A_CLUSTER = re.compile(
    r"\bzdu (?:node [a-z-]+|upgrade [a-z-]+|load [a-z]+|fault (?:apply|reset)|lb [a-z]+|status|logs|play|down)\b"
)


@dataclass(frozen=True)
class NodeNow:
    """One node, as far as advice depends on it."""

    node_id: str
    version: str
    running: bool
    paused: bool
    failed: bool


@dataclass(frozen=True)
class ClusterNow:
    """The cluster: the upgrade state it shows, the version it comes from, and its nodes."""

    state: str
    base: str
    nodes: Sequence[NodeNow]
    users: int
    under_way: str = ""


@dataclass(frozen=True)
class Advice:
    """A command, and why one would type it."""

    command: str
    why: str


def target_of(now: ClusterNow) -> str:
    """The version that an upgrade goes to: the one that some node has already, else the newest of the same line.

    Empty if there is nothing newer.
    """
    for node in now.nodes:
        if node.version != now.base:
            return node.version
    if now.base not in known_versions():  # it is not known yet, or that of another application
        return ""
    base = find_release(now.base).numbers
    newer = [version for version in known_versions() if find_release(version).numbers > base]
    same_line = [version for version in newer if find_release(version).numbers[:2] == base[:2]]
    return (same_line or newer or [""])[-1 if same_line else 0]


def next_commands(now: ClusterNow, name: str = "") -> tuple[Advice, ...]:
    """The sensible next commands, the first one first; one at least. With ``name``, they say which cluster."""
    if now.under_way:
        found = [Advice("zdu status --watch", f"{now.under_way} is under way")]
    else:
        found = [*_repairs(now), *_upgrade(now), *_anyway(now)]
    return tuple(replace(advice, command=addressed(advice.command, name)) for advice in found)


def addressed(text: str, name: str) -> str:
    """``text`` with the cluster's name in each command that goes to a cluster; as it is for no name."""
    return _TO_A_CLUSTER.sub(rf"\g<0> --name {name}", text) if name else text


def _repairs(now: ClusterNow) -> Iterator[Advice]:
    for node in now.nodes:
        if node.paused:
            yield Advice(f"zdu node resume {node.node_id}", f"{node.node_id} stands still")
        elif node.failed:
            yield Advice(f"zdu logs {node.node_id} -n 20", f"{node.node_id} could not start; its log says why")
            yield Advice(f"zdu node stop {node.node_id}", "then it can be started with another version")
        elif not node.running:
            yield Advice(f"zdu node start {node.node_id}", f"{node.node_id} is stopped; --to gives it a version")


def _upgrade(now: ClusterNow) -> Iterator[Advice]:
    target = target_of(now)
    match now.state:
        case "STABLE" if target:
            yield Advice("zdu upgrade start", f"put Jira into upgrade mode; the nodes can go to {target}")
        case "READY_TO_UPGRADE":
            yield Advice(f"zdu upgrade roll --to {target}", "upgrade the nodes one by one")
            yield Advice("zdu upgrade cancel", "or leave upgrade mode: no node is upgraded yet")
        case "MIXED":
            yield Advice(f"zdu upgrade roll --to {target}", "upgrade the nodes that are left")
            yield Advice("zdu upgrade roll-back", f"or bring every node back to {now.base}")
        case "READY_TO_RUN_UPGRADE_TASKS":
            yield Advice("zdu upgrade finalise", "run the upgrade tasks; from there on there is no way back")
            yield Advice("zdu upgrade roll-back", f"or bring every node back to {now.base}, for the last time")
        case "RUNNING_UPGRADE_TASKS":
            yield Advice("zdu status --watch", "the upgrade tasks are running")
        case "UPGRADE_TASKS_FAILED":
            yield Advice("zdu upgrade finalise", "acknowledge the failure and run the tasks again")


def _anyway(now: ClusterNow) -> Iterator[Advice]:
    if not now.users:
        yield Advice("zdu load start", "nobody is at work, so nobody can notice anything")
    yield Advice("zdu down", "stop everything and learn whether anyone noticed")
