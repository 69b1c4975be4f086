"""``roll``: the nodes get another version, one safe step after the other."""

from simulator.actions import finalise
from simulator.actions.hands import Hands, StoryBroken
from simulator.actions.rolling import Ended, carry_out_roll, policy_of
from simulator.scenario.steps import Finalise, Roll

_MISSED = {
    Ended.REFUSED: "the cluster was to refuse {0} with {1}",
    Ended.BREACHED: "the roll of {0} to {1} was to be breached and taken back, and it was not",
}


async def perform(hands: Hands, action: Roll, title: str) -> None:
    """Play a roll, or one that the cluster has to refuse, or that has to turn back.

    Raises what :func:`carry_out_roll` raises, and StoryBroken if it ends otherwise than the story has it.

    Its steps have titles of their own; that of the action is for those who read the file.
    """
    del title
    policy = policy_of(hands, action, hands.scenario.nodes_of(action), action.to)
    wanted = Ended[action.expect.upper()]
    ended = await carry_out_roll(hands, policy, wanted)
    if ended is not wanted:
        raise StoryBroken(_MISSED[wanted].format(" and ".join(policy.order), action.to))
    nodes = hands.picture.nodes.values()
    if not hands.scenario.of_jira and all(node.version == action.to for node in nodes):
        hands.base = action.to  # nothing else makes it final
    if action.finalise == "auto":
        await finalise.perform(hands, Finalise(), "")
