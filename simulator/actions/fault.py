"""``fault``: something goes wrong on purpose, while the story goes on."""

from simulator.actions.hands import Hands, StoryBroken
from simulator.faults.catalogue import AnyFault
from simulator.faults.fault import FaultFailed


async def perform(hands: Hands, action: AnyFault, title: str) -> None:
    """Over as soon as the fault is on; its ``for`` runs in the background. Raises StoryBroken."""
    where = f" on {action.where}" if action.where else ""
    hands.tell(title or f"Fault: {action.name}{where}", action.where)
    try:
        await hands.faults.apply(action)
    except FaultFailed as error:
        raise StoryBroken(error.message) from error
