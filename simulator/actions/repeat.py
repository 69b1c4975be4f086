"""``repeat``: the same steps again and again."""

from simulator.actions.hands import Hands
from simulator.scenario.steps import Repeat


async def perform(hands: Hands, action: Repeat, title: str) -> None:
    """Play the steps as often as wanted. Raises what they raise."""
    for number in range(1, action.times + 1):
        hands.tell(f"{title or 'Again'} ({number} of {action.times})")
        for step in action.steps:
            await hands.perform(step)
