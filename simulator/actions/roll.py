"""``roll``: the nodes get another version, one safe step after the other."""

from simulator.actions import finalise
from simulator.actions.hands import Hands, StoryBroken
from simulator.actions.rolling import carry_out_roll, policy_of
from simulator.scenario.steps import Finalise, Roll


async def perform(hands: Hands, action: Roll, title: str) -> None:
    """Play a roll, or one that the cluster has to refuse. Raises what :func:`carry_out_roll` raises.

    Its steps have titles of their own; that of the action is for those who read the file.
    """
    del title
    policy = policy_of(hands, action, hands.scenario.nodes_of(action), action.to)
    failed = await carry_out_roll(hands, policy, may_be_refused=action.expect == "refused")
    if action.expect == "refused" and not failed:
        raise StoryBroken(f"the cluster was to refuse {' and '.join(policy.order)} with {action.to}")
    if action.finalise == "auto":
        await finalise.perform(hands, Finalise(), "")
