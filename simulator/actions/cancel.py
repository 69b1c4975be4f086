"""``cancel``: leave upgrade mode, while every node runs the base version."""

from simulator.actions.hands import Hands
from simulator.scenario.steps import Cancel


async def perform(hands: Hands, action: Cancel, title: str) -> None:
    """Over when every node shows STABLE. Raises StoryBroken, NotInTime or AdminRequestFailed."""
    node_id = hands.scenario.node_of(action)
    hands.tell(title or f"Cancel the upgrade on {node_id}", node_id)
    await cancel_on(hands, node_id)


async def cancel_on(hands: Hands, node_id: str) -> None:
    """Cancel on the page of that node, without a word."""
    await hands.admins[node_id].cancel()
    await hands.until_all_show("STABLE")
