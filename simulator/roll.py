"""The rolling upgrade as a resolver: what is seen, and what is wanted, give the next safe step.

Theory of operation
-------------------
Nothing is remembered between two calls: :func:`next_step` looks at the whole cluster each time, so a roll can be cut
anywhere and taken up again. For the first node in ``order`` that is not yet done, in this order:

    old version, serving            -> EnterUpgradeMode   (it asks the load balancer to be drained)
    in upgrade mode, not drained    -> AwaitDrained       (its sessions move, its requests finish)
    drained                         -> Stop
    stopped                         -> Wait               (while it is out, the others carry the load)
    stopped long enough             -> Upgrade            (start it with the new version)
    new version, still set aside    -> PutBack            (its administrator tells the load balancer)
    new version, not yet serving    -> Wait               (start, health checks)
    new version, serving            -> Wait, then the next node
    new version, could not start    -> NotStarted         (the cluster refuses it: a person has to decide)
    old version, could not start    -> Stop               (it serves nobody: nothing to drain, nothing to lose)

Who takes a node out is not decided here: a node may ask for it by what its health check says, or an administrator may
tell the load balancer, and has to tell it again when the node is to come back (``set_aside``).

With ``drain`` off a serving node of the old version is simply stopped: the operator who forgets.

Invariant: a step that takes capacity away (EnterUpgradeMode, Stop) is returned only while another node takes
requests; :func:`next_step` waits otherwise, or says at once that there is no other node. A node that died by itself
blocks the roll: upgrading over a crash would hide it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class NodeSeen:
    """One node as the operator sees it.

    ``serving`` and ``drained`` are what the load balancer says; ``failed`` is that the node's process goes on and its
    application could not start, ``set_aside`` that it runs and an administrator keeps the load balancer away from it.
    """

    node_id: str
    running: bool
    crashed: bool
    version: str
    in_upgrade_mode: bool
    serving: bool
    drained: bool
    failed: bool = False
    set_aside: bool = False
    out_for_s: float = 0.0
    back_for_s: float = 0.0


@dataclass(frozen=True)
class RollPolicy:
    """What the operator wants: every node of ``order`` on ``to_version``, one after the other."""

    order: tuple[str, ...]
    to_version: str
    drain: bool = True
    pause_while_out_s: float = 0.0
    pause_after_s: float = 0.0


@dataclass(frozen=True)
class EnterUpgradeMode:
    """Ask the node to say that it wants to be drained."""

    node_id: str


@dataclass(frozen=True)
class AwaitDrained:
    """Look again until the load balancer sends the node nothing more and waits for nothing from it."""

    node_id: str


@dataclass(frozen=True)
class Stop:
    """Stop the node's process in an orderly way."""

    node_id: str


@dataclass(frozen=True)
class Upgrade:
    """Start the stopped node with the new version."""

    node_id: str


@dataclass(frozen=True)
class PutBack:
    """Tell the load balancer that the node may have requests again."""

    node_id: str


@dataclass(frozen=True)
class Wait:
    """Nothing to do but look again; ``why`` completes the sentence "waiting until …"."""

    node_id: str
    why: str


@dataclass(frozen=True)
class Blocked:
    """The roll cannot go on; a person has to look."""

    reason: str


@dataclass(frozen=True)
class NotStarted:
    """The node with the new version could not start. Its process goes on and serves nobody."""

    node_id: str


@dataclass(frozen=True)
class Finished:
    """Every node is upgraded and serves."""


Step = EnterUpgradeMode | AwaitDrained | Stop | Upgrade | PutBack | Wait | NotStarted | Blocked | Finished


def next_step(seen: tuple[NodeSeen, ...], policy: RollPolicy) -> Step:
    """The next safe step towards what ``policy`` wants. Raises KeyError for a node in ``order`` that is not seen."""
    nodes = {node.node_id: node for node in seen}
    for node in seen:
        if node.crashed:
            return Blocked(f"{node.node_id} died although nobody had stopped it")
    for node_id in policy.order:
        step = _step_for(nodes[node_id], seen, policy)
        if step is not None:
            return step
    return Finished()


def _step_for(node: NodeSeen, seen: tuple[NodeSeen, ...], policy: RollPolicy) -> Step | None:
    if not node.running:
        if node.out_for_s < policy.pause_while_out_s:
            return Wait(node.node_id, f"the others have carried the load of {node.node_id} for a while")
        return Upgrade(node.node_id)
    if node.version == policy.to_version:
        if node.failed:
            return NotStarted(node.node_id)
        if node.set_aside:
            return PutBack(node.node_id)
        if not node.serving:
            return Wait(node.node_id, f"the load balancer sends requests to {node.node_id} again")
        if node.back_for_s < policy.pause_after_s:
            return Wait(node.node_id, f"{node.node_id} has served for a while")
        return None
    return _take_out(node, seen, policy)


def _take_out(node: NodeSeen, seen: tuple[NodeSeen, ...], policy: RollPolicy) -> Step:
    if node.failed:
        return Stop(node.node_id)
    if len(seen) == 1:
        return Blocked(f"{node.node_id} is the only node: while it is upgraded nobody could serve; add a second one")
    if not any(other.serving for other in seen if other.node_id != node.node_id):
        return Wait(node.node_id, f"another node can carry the load of {node.node_id}")
    if not policy.drain:
        return Stop(node.node_id)
    if not node.in_upgrade_mode:
        return EnterUpgradeMode(node.node_id)
    if not node.drained:
        return AwaitDrained(node.node_id)
    return Stop(node.node_id)
