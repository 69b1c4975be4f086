"""``parallel``: several lists of steps side by side."""

import asyncio
from collections.abc import Sequence

from simulator.actions.hands import Hands, StoryBroken
from simulator.scenario.steps import Parallel, Step


async def perform(hands: Hands, action: Parallel, title: str) -> None:
    """Over when all branches are. Raises StoryBroken of the first branch that cannot go on; the others are cut."""
    if title:
        hands.tell(title)

    async def play(branch: Sequence[Step]) -> None:
        for step in branch:
            await hands.perform(step)

    try:
        async with asyncio.TaskGroup() as side_by_side:
            for branch in action.branches:
                side_by_side.create_task(play(branch))
    except* StoryBroken as broken:
        raise broken.exceptions[0] from None
