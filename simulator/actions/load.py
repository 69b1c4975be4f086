"""``load``: users do other things from now on."""

from simulator.actions.hands import Hands, StoryBroken
from simulator.scenario.steps import SetLoad


async def perform(hands: Hands, action: SetLoad, title: str) -> None:
    """Over at once: each user goes by it from the next click on. Raises StoryBroken if nobody is there."""
    hands.tell(title or "Users do other things from now on")
    if hands.load is None:
        raise StoryBroken("nobody is at work, so nobody can be told to do other things")
    hands.load.change(mix=action.mix, think_time=action.think_time)
