"""The rolling upgrade as a resolver: what is seen, and what is wanted, give the next safe step.

Theory of operation
-------------------
Nothing is remembered between two calls: :func:`next_step` looks at the whole cluster each time, so a roll can be cut
anywhere and taken up again. For one node, in this order:

    old version, serving            -> EnterUpgradeMode   (it asks the load balancer to be drained)
    in upgrade mode, not drained    -> AwaitDrained       (its sessions move, its requests finish)
    drained, or past the deadline   -> Stop
    stopped                         -> Wait               (while it is out, the others carry the load)
    stopped long enough             -> Upgrade            (start it with the new version)
    new version, still set aside    -> PutBack            (its administrator tells the load balancer)
    new version, not yet serving    -> Wait               (start, health checks)
    new version, serving            -> Wait until it has been healthy for long enough, then it is done
    new version, could not start    -> NotStarted         (refused, or ended: a person has to decide)
    old version, could not start    -> Stop               (it serves nobody: nothing to drain, nothing to lose)
    old version, still starting     -> Stop               (likewise, and it could not be asked: it answers nobody yet)

Who takes a node out is not decided here: a node may ask for it by what its health check says, or an administrator may
tell the load balancer, and has to tell it again when the node is to come back (``set_aside``).

The nodes of ``order`` are cut into batches: first the canary, if there is one, then ``batch`` at a time. The nodes of
a batch are out together, as far as ``max_unavailable`` allows. A node that is out already, such as the one that was
put into upgrade mode before the roll, is dealt with before another leaves. No batch begins before the ones before it
are done and have rested.

With ``drain`` "none" a serving node of the old version is simply stopped: the operator who forgets. With "deadline"
it is stopped after that time although users still have requests on it.

Invariant, looked at anew for each step: one that takes capacity away (EnterUpgradeMode, or the Stop of a node that
serves) is returned only while another node takes requests, and only if no more than ``max_unavailable`` nodes are out
afterwards, whoever took them out. With ``park`` the only node there is may stop: the load balancer holds what comes.
:func:`next_step` waits otherwise, or says at once that there is no other node.

A breach is a node that died by itself, one that is not back ``node_deadline`` after it left, one that could not
start, or a canary whose users fare worse than they may (``trouble``; :mod:`simulator.canary` looks at them).
``on_breach`` says what the operator does: end it there (abort), take nobody else out until it is put right
(pause), or bring every node back to the version of before (rollback). During a pause a node that is stopped already
is started all the same: the others carry its load meanwhile. A dead node and one that could not start wait for a
person.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.roll_policy import OnBreach, RollPolicy


@dataclass(frozen=True)
class NodeSeen:
    """One node as the operator sees it.

    ``serving`` and ``drained`` are what the load balancer says; ``failed`` is that the node's application could not
    start (Jira's process goes on then, another application's is gone), ``starting`` that it has not said anything
    else yet, ``ready`` that it runs by its own words, ``set_aside`` that an administrator keeps the load balancer
    away from it. ``away_for_s`` is for how long it has not been a node that runs, serves and does not ask to be
    drained.
    """

    node_id: str
    running: bool
    crashed: bool
    version: str
    in_upgrade_mode: bool
    serving: bool
    drained: bool
    failed: bool = False
    starting: bool = False
    set_aside: bool = False
    ready: bool = True
    out_for_s: float = 0.0
    back_for_s: float = 0.0
    away_for_s: float = 0.0
    trouble: str = ""
    """Of a canary: what its users suffered that they must not, as a sentence without its end."""
    judged: bool = True
    """Of a canary: whether enough users have worked on it to tell."""

    @property
    def carries_load(self) -> bool:
        """Whether users have something of it."""
        return self.running and self.serving and not self.failed


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
    """The node with the wanted version could not start, and serves nobody."""

    node_id: str


@dataclass(frozen=True)
class Finished:
    """Every node is upgraded and serves."""


@dataclass(frozen=True)
class Breach:
    """Something is not as it has to be, about that node. ``reason`` is a sentence without its end."""

    node_id: str
    reason: str


@dataclass(frozen=True)
class Abort(Breach):
    """The roll ends there, with everything left as it is."""


@dataclass(frozen=True)
class Pause(Breach):
    """Nobody else leaves until somebody has put it right."""


@dataclass(frozen=True)
class TurnBack(Breach):
    """Every node goes back to the version of before."""


_ON_BREACH: Mapping[OnBreach, type[Abort | Pause | TurnBack]] = {"abort": Abort, "pause": Pause, "rollback": TurnBack}

Step = (
    EnterUpgradeMode
    | AwaitDrained
    | Stop
    | Upgrade
    | PutBack
    | Wait
    | NotStarted
    | Abort
    | Pause
    | TurnBack
    | Blocked
    | Finished
)


def next_step(seen: tuple[NodeSeen, ...], policy: RollPolicy, *, rolling_for_s: float = 0.0) -> Step:
    """The next safe step towards what ``policy`` wants, ``rolling_for_s`` seconds after the roll began.

    Raises KeyError for a node in ``order`` that is not seen.
    """
    step = _next_step(seen, policy, rolling_for_s)
    if not safe(step, seen, policy):
        raise AssertionError(f"{step} would take away what users need")
    return step


def _next_step(seen: tuple[NodeSeen, ...], policy: RollPolicy, rolling_for_s: float) -> Step:
    breach = breach_of(seen, policy, rolling_for_s=rolling_for_s)
    if isinstance(breach, Pause):
        return _come_back(seen, policy) or breach
    if isinstance(breach, Abort) and _could_not_start(breach.node_id, seen, policy):
        return NotStarted(breach.node_id)
    if breach is not None:
        return breach
    nodes = {node.node_id: node for node in seen}
    waits: list[Step] = []
    for node_id in policy.order:  # what is out already comes first
        node = nodes[node_id]
        step = None if _untouched(node, policy) else _go_on(node, seen, policy)
        if step is not None and not isinstance(step, Wait | AwaitDrained):
            return step
        waits += [step] if step else []
    for number, batch in enumerate(policy.batches):
        for node_id in batch:
            if _untouched(nodes[node_id], policy):
                held_up = _held_up(number, nodes, policy)
                step = held_up or _take_out(nodes[node_id], seen, policy)
                if not isinstance(step, Wait) or not waits:
                    return step
                return waits[0]
    return waits[0] if waits else _rest(nodes, policy) or Finished()


def breach_of(
    seen: tuple[NodeSeen, ...], policy: RollPolicy, *, rolling_for_s: float
) -> Abort | Pause | TurnBack | None:
    """What is not as it has to be, about the first such node, as what the operator does then; None if nothing."""
    kind = _ON_BREACH[policy.on_breach]
    for node in seen:
        if node.crashed and not (policy.taking_back and node.node_id in policy.order):
            return kind(node.node_id, f"{node.node_id} died although nobody had stopped it")
        if node.node_id in policy.order and not policy.taking_back:
            reason = _late_or_failed(node, policy, rolling_for_s)
            if reason:
                return kind(node.node_id, reason)
    return None


def _could_not_start(node_id: str, seen: tuple[NodeSeen, ...], policy: RollPolicy) -> bool:
    return any(node.node_id == node_id and node.failed and node.version == policy.to_version for node in seen)


def _come_back(seen: tuple[NodeSeen, ...], policy: RollPolicy) -> Step | None:
    """During a pause: start and put back who is stopped already."""
    for node in seen:
        if node.node_id in policy.order and not node.crashed and not _untouched(node, policy):
            step = _go_on(node, seen, policy)
            if isinstance(step, Upgrade | PutBack):
                return step
    return None


def _late_or_failed(node: NodeSeen, policy: RollPolicy, rolling_for_s: float) -> str:
    if node.failed and node.version == policy.to_version:
        return f"{node.node_id} could not start with {policy.to_version}"
    if node.trouble:
        return node.trouble
    deadline_s = policy.node_deadline_s
    if deadline_s is not None and min(node.away_for_s, rolling_for_s) > deadline_s:
        return f"{node.node_id} is not back {deadline_s:g} s after it left"
    return ""


def _untouched(node: NodeSeen, policy: RollPolicy) -> bool:
    """Whether it has the old version, does its work, and nobody has begun to take it out."""
    return node.running and node.version != policy.to_version and not node.failed and not node.in_upgrade_mode


def _go_on(node: NodeSeen, seen: tuple[NodeSeen, ...], policy: RollPolicy) -> Step | None:
    """The next step of a node that has left, or is back; None once it serves the new version."""
    if not node.running:
        if node.failed and node.version == policy.to_version:
            return NotStarted(node.node_id)
        if node.out_for_s < policy.pause_while_out_s:
            return Wait(node.node_id, f"the others have carried the load of {node.node_id} for a while")
        return Upgrade(node.node_id)
    if node.version != policy.to_version:
        return _take_out(node, seen, policy)
    if node.failed:
        return NotStarted(node.node_id)
    if node.set_aside:
        return PutBack(node.node_id) if node.ready else Wait(node.node_id, f"{node.node_id} is ready to serve")
    if policy.taking_back and node.in_upgrade_mode:
        return _take_out(node, seen, policy)
    if not node.serving:
        return Wait(node.node_id, f"the load balancer sends requests to {node.node_id} again")
    if node.back_for_s < policy.min_healthy_s:
        return _wait_for_rest(node)
    return None


def _take_out(node: NodeSeen, seen: tuple[NodeSeen, ...], policy: RollPolicy) -> Step:
    if node.failed or (node.starting and not node.carries_load):
        return Stop(node.node_id)
    if len(seen) == 1 and policy.park:
        return Stop(node.node_id)
    if len(seen) == 1:
        return Blocked(f"{node.node_id} is the only node: while it is upgraded nobody could serve; add a second one")
    others = [other for other in seen if other.node_id != node.node_id]
    if not any(other.carries_load for other in others):
        return Wait(node.node_id, f"another node can carry the load of {node.node_id}")
    limit = policy.most_out
    if node.carries_load and sum(not other.carries_load for other in others) >= limit:
        few = "no other node is" if limit == 1 else f"fewer than {limit} other nodes are"
        return Wait(node.node_id, f"{few} out, and {node.node_id} may leave")
    if policy.drain == "none":
        return Stop(node.node_id)
    if not node.in_upgrade_mode:
        return EnterUpgradeMode(node.node_id)
    late = policy.drain == "deadline" and node.away_for_s >= policy.drain_deadline_s
    if not node.drained and not late:
        return AwaitDrained(node.node_id)
    return Stop(node.node_id)


def _held_up(batch: int, nodes: dict[str, NodeSeen], policy: RollPolicy) -> Wait | None:
    """Why no node of that batch may leave yet: one of another batch is out, or has not served for long enough."""
    for number, others in enumerate(policy.batches):
        for node in (nodes[name] for name in others if number != batch):
            upgraded = node.version == policy.to_version
            rested = upgraded and node.carries_load and node.judged and node.back_for_s >= policy.rest_s(number)
            if not rested and (number < batch or not _untouched(node, policy)):
                return _wait_for_rest(node)
    return None


def _rest(nodes: dict[str, NodeSeen], policy: RollPolicy) -> Wait | None:
    """The pause after the last batch."""
    for number, batch in enumerate(policy.batches):
        for node in (nodes[name] for name in batch):
            if node.back_for_s < policy.rest_s(number) or not node.judged:
                return _wait_for_rest(node)
    return None


def _wait_for_rest(node: NodeSeen) -> Wait:
    enough = "has served for a while" if node.judged else "has served enough users to tell how they fare"
    return Wait(node.node_id, f"{node.node_id} {enough}")


def takes_capacity(step: Step, seen: tuple[NodeSeen, ...]) -> str:
    """The node that still serves and that ``step`` takes away; empty if it takes none."""
    if not isinstance(step, EnterUpgradeMode | Stop):
        return ""
    return next((node.node_id for node in seen if node.node_id == step.node_id and node.carries_load), "")


def safe(step: Step, seen: tuple[NodeSeen, ...], policy: RollPolicy) -> bool:
    """The invariant of this module, said a second time: whether ``step`` may be taken in what is seen."""
    leaves = takes_capacity(step, seen)
    if not leaves or (policy.park and len(seen) == 1):
        return True
    left = [node for node in seen if node.carries_load and node.node_id != leaves]
    out = len(seen) - len(left)
    return bool(left) and out <= policy.most_out
