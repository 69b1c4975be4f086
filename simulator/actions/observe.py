"""``observe``: let time pass; a process that dies meanwhile ends the story."""

import asyncio

from simulator.actions.hands import Hands
from simulator.scenario.steps import Observe


async def perform(hands: Hands, action: Observe, title: str) -> None:
    """Wait for as long as the action says. Raises StoryBroken."""
    hands.tell(title or "Users work, nothing else happens")
    loop = asyncio.get_running_loop()
    until_s = loop.time() + action.for_s
    while loop.time() < until_s:
        hands.nobody_died()
        await hands.picture.changed(within_s=max(0.001, until_s - loop.time()))
    hands.nobody_died()
