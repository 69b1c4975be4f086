"""``start_upgrade``: put Jira into upgrade mode."""

from simulator.actions.hands import Hands, StoryBroken
from simulator.scenario.steps import StartUpgrade

READY = "READY_TO_UPGRADE"


async def perform(hands: Hands, action: StartUpgrade, title: str) -> None:
    """Over when every node shows it. Raises StoryBroken, NotInTime or AdminRequestFailed."""
    node_id = hands.scenario.node_of(action)
    hands.tell(title or f"Put Jira into upgrade mode on {node_id}", node_id)
    admin = hands.admins[node_id]
    await admin.start_upgrade()
    state = await admin.cluster_state()
    if state != READY:
        raise StoryBroken(f"{node_id} was put into upgrade mode and then showed {state}, not {READY}")
    hands.picture.node_shows(node_id, state)
    await hands.until_all_show(READY)
