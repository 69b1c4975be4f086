"""Carries out what :mod:`simulator.roll` decides, over HTTP and by signals, until there is nothing left to do."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from enum import Enum

from node.releases import find_release
from simulator.actions.cancel import cancel_on
from simulator.actions.hands import Hands, StoryBroken
from simulator.actions.haste import Haste
from simulator.actions.patience import Patience
from simulator.application.programs import NodeNotUp
from simulator.canary import CanaryWatch
from simulator.roll import (
    Abort,
    AwaitDrained,
    Blocked,
    EnterUpgradeMode,
    Finished,
    NotStarted,
    Pause,
    PutBack,
    Step,
    Stop,
    TurnBack,
    Upgrade,
    Wait,
    breach_of,
    next_step,
)
from simulator.roll_policy import PAUSE_DEADLINE_S, RollPolicy, ordered
from simulator.scenario.steps import Roll, RollBack
from zdu.events import NodeNotStarted, RollBreached

LOOK_AGAIN_S = 0.1


class Ended(Enum):
    """How a roll can end that has not broken the story."""

    JOINED = "every node has the new version"
    REFUSED = "a node could not start"
    BREACHED = "every node was brought back after a breach"


def policy_of(hands: Hands, action: Roll | RollBack, order: tuple[str, ...], to_version: str) -> RollPolicy:
    """How ``action`` wants the nodes of ``order`` to be rolled."""
    drains = hands.scenario.balancer.drain and (hands.nodes_ask or hands.cluster.balancer.has_administrator)
    plain = RollPolicy(
        order=order,
        to_version=to_version,
        drain="own" if drains else "none",
        pause_while_out_s=action.pause_while_out,
        pause_after_s=action.pause_after,
    )
    if isinstance(action, RollBack):
        return plain
    return replace(
        plain,
        order=ordered(order, action.order, hands.seed),
        drain=action.drain if drains else "none",
        drain_deadline_s=action.drain_deadline or 0.0,
        batch=action.batch,
        max_unavailable=action.max_unavailable,
        canary=action.canary,
        park=action.park,
        canary_watch_s=action.canary_watch,
        canary_expect=action.canary_expect,
        min_healthy_s=action.min_healthy_time,
        node_deadline_s=action.node_deadline,
        on_breach=action.on_breach,
        pause_deadline_s=action.pause_deadline or PAUSE_DEADLINE_S,
    )


async def carry_out_roll(hands: Hands, policy: RollPolicy, wanted: Ended = Ended.JOINED) -> Ended:
    """Take one safe step after the other; how it ended: with every node joined, or as it was ``wanted``.

    Raises StoryBroken, NotInTime, AdminRequestFailed, BalancerFailed or StartFailed.
    """
    if policy.drain != "none" and hands.has_habit("forgets_drain"):
        policy = replace(policy, drain="none")
    if hands.has_habit("upgrades_all_at_once"):
        await _all_at_once(hands, policy)
    canary = CanaryWatch(policy, hands.recorder.requests)
    try:
        return await _step_by_step(hands, policy, wanted, canary)
    finally:
        if policy.canary_expect:
            hands.recorder.event(canary.judged())


async def _step_by_step(hands: Hands, policy: RollPolicy, wanted: Ended, canary: CanaryWatch) -> Ended:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    patience, haste = Patience(hands, policy), Haste(hands, policy.to_version)
    while True:
        _only_nodes_died(hands)
        seen = canary.look(hands.picture.seen(), hands.recorder.now_s())
        if await haste.look(seen):
            continue
        rolling_for_s = loop.time() - began_s
        patience.with_breach(breach_of(seen, policy, rolling_for_s=rolling_for_s), loop.time())
        step = next_step(seen, policy, rolling_for_s=rolling_for_s)
        match step:
            case NotStarted(node_id):
                _not_started(hands, node_id, policy, may_be_refused=wanted is Ended.REFUSED)
                return Ended.REFUSED
            case Abort(node_id, reason):
                hands.recorder.event(RollBreached(node_id, policy.to_version, reason, policy.on_breach))
                raise StoryBroken(reason)
            case TurnBack(node_id, reason):
                hands.recorder.event(RollBreached(node_id, policy.to_version, reason, policy.on_breach))
                told = await _turn_back(hands, policy, reason)
                if wanted is Ended.BREACHED:
                    return Ended.BREACHED
                raise StoryBroken(told)
            case Blocked(reason):
                raise StoryBroken(reason)
            case Finished():
                return Ended.JOINED
        patience.with_step(step, seen, loop.time())
        if hands.before_roll_step and await hands.before_roll_step(step, seen):
            continue  # who held it may have done anything meanwhile
        await _carry_out(hands, step, policy)


async def _all_at_once(hands: Hands, policy: RollPolicy) -> None:
    """Stop every node of the roll; the roll itself then finds them stopped, and starts them."""
    hands.tell(f"{', '.join(policy.order)} are all stopped at once")
    async with asyncio.TaskGroup() as stops:
        for node_id in policy.order:
            if hands.picture.nodes[node_id].running:
                stops.create_task(_stop(hands, node_id))


def _only_nodes_died(hands: Hands) -> None:
    """What a dead node means the resolver decides; without a load balancer nothing can be seen any more."""
    if set(hands.picture.crashed) - set(hands.picture.nodes):
        hands.nobody_died()


async def _turn_back(hands: Hands, policy: RollPolicy, reason: str) -> str:
    """Every node gets the version of before, those that do not run first, and the upgrade is cancelled; told."""
    whys = [f" ({node.not_up})" for node in hands.picture.nodes.values() if node.not_up]
    reason += whys[0] if whys else ""
    hands.tell(f"{reason}: every node goes back to {hands.base}")
    seen = hands.picture.seen()
    touched = [node for node in reversed(seen) if node.version != hands.base or not node.carries_load]
    touched.sort(key=lambda node: node.running)
    back = RollPolicy(
        order=tuple(node.node_id for node in touched),
        to_version=hands.base,
        drain=policy.drain,
        drain_deadline_s=policy.drain_deadline_s,
        max_unavailable=policy.most_out,
        taking_back=True,
    )
    await carry_out_roll(hands, back)
    told = f"{reason}; every node was brought back to {hands.base}"
    if not hands.scenario.of_jira:
        return told
    await hands.until_all_show("READY_TO_UPGRADE")
    await cancel_on(hands, next(iter(hands.picture.nodes)))
    return f"{told} and the upgrade was cancelled"


def _not_started(hands: Hands, node_id: str, policy: RollPolicy, *, may_be_refused: bool) -> None:
    """Read in the node's log why; go on if the story has it so."""
    version = policy.to_version
    reason = hands.cluster.why_not_started(node_id)
    if hands.scenario.of_jira:  # another application's was recorded as it happened
        hands.recorder.event(NodeNotStarted(node_id, version, reason))
    if not may_be_refused:
        hands.recorder.event(RollBreached(node_id, version, f"{node_id} could not start", policy.on_breach))
        raise StoryBroken(f"{node_id} could not start with {version}: {reason}")
    hands.tell(f"{node_id} could not start with {version}: {reason}", node_id)


async def _carry_out(hands: Hands, step: Step, policy: RollPolicy) -> None:
    match step:
        case EnterUpgradeMode(node_id) if not hands.nodes_ask:
            hands.tell(f"{node_id} is taken out at the load balancer, by its administrator", node_id)
            await hands.cluster.balancer.take_out(node_id, deadline_s=hands.scenario.balancer.drain_deadline)
            await hands.until(f"that {node_id} is set aside", lambda: hands.picture.nodes[node_id].set_aside)
        case PutBack(node_id):
            hands.tell(f"{node_id} is put back at the load balancer, by its administrator", node_id)
            await hands.cluster.balancer.put_back(node_id)
            await hands.until(f"that {node_id} is put back", lambda: not hands.picture.nodes[node_id].set_aside)
        case EnterUpgradeMode(node_id):
            hands.tell(f"{node_id} asks the load balancer to be drained", node_id)
            await hands.ask_for_drain(node_id)
            node = hands.picture.nodes[node_id]
            await hands.until(f"that {node_id} asks to be drained", lambda: node.state == "DRAINING")
        case Stop(node_id):
            node = hands.picture.nodes[node_id]
            how = "drained: it is stopped" if policy.drain != "none" else "simply stopped"
            if policy.drain == "deadline" and not node.drained:
                how = f"not drained after {policy.drain_deadline_s:g} s: it is stopped all the same"
            if node.failed or node.starting:
                how = "stopped: it serves nobody"
            if policy.park:
                how = "parked: the load balancer holds what comes, and it is stopped"
            hands.tell(f"{node_id} is {how}", node_id)
            if policy.park:
                await hands.cluster.balancer.take_out(node_id, deadline_s=0)
                await hands.until(f"that nothing goes to {node_id} any more", lambda: node.drained)
            await _stop(hands, node_id)
        case Upgrade(node_id):
            build = f" (build {find_release(policy.to_version).build})" if hands.scenario.of_jira else ""
            how = "put back to" if policy.to_version == hands.base else "upgraded to"
            hands.tell(f"{node_id} is {how} {policy.to_version}{build} and starts", node_id)
            with suppress(NodeNotUp):  # the next look finds it so, and the resolver knows what that means
                await hands.cluster.start_node(node_id, policy.to_version)
            await _sees_a_wrong_version(hands, node_id, policy.to_version)
        case AwaitDrained(node_id):
            hands.tell(f"{node_id} is taken out: its sessions move, its requests in flight finish", node_id)
            await hands.picture.changed(within_s=LOOK_AGAIN_S)
        case Wait() | Pause():
            await hands.picture.changed(within_s=LOOK_AGAIN_S)


async def _sees_a_wrong_version(hands: Hands, node_id: str, meant: str) -> None:
    """Where another version was installed than was meant: look what becomes of it; the roll then puts it right."""
    node = hands.picture.nodes[node_id]
    if node.version == meant:
        return
    hands.tell(f"{node_id} was given {node.version} by mistake, and not {meant}", node_id)
    await hands.until(f"that {node_id} says what becomes of it", lambda: node.failed or node.ready_to_serve)
    if node.failed:
        reason = hands.cluster.why_not_started(node_id)
        hands.recorder.event(NodeNotStarted(node_id, node.version, reason))
        hands.tell(f"{node_id} could not start with {node.version}: {reason}", node_id)


async def _stop(hands: Hands, node_id: str) -> None:
    """In an orderly way, as a rule."""
    if hands.has_habit("kills_instead_of_stopping"):
        await hands.cluster.kill_node(node_id)
    else:
        await hands.cluster.stop_node(node_id)
