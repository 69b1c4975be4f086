"""``finalise``: the upgrade tasks run. There is no way back from here."""

from simulator.actions.hands import Hands, StoryBroken
from simulator.scenario.steps import Finalise

READY = "READY_TO_RUN_UPGRADE_TASKS"


async def perform(hands: Hands, action: Finalise, title: str) -> None:
    """Run the upgrade tasks, again after a failure while retries are left; say first that it is for good.

    Raises StoryBroken, NotInTime or AdminRequestFailed.
    """
    node_id = hands.scenario.node_of(action)
    hands.tell(title or f"Finalise the upgrade on {node_id}", node_id)
    await hands.until_all_show(READY)
    hands.tell(f"{node_id} runs the upgrade tasks: from here on there is no way back to {hands.base}", node_id)
    admin, retries = hands.admins[node_id], action.retries
    await admin.approve()
    while not await _tasks_succeeded(hands):
        if not retries:
            raise StoryBroken("an upgrade task failed; the log of the node that ran it says which and why")
        retries -= 1
        hands.tell(f"An upgrade task failed: it is acknowledged on {node_id}, and the tasks run again", node_id)
        await admin.retry_upgrade()
        await hands.until_all_show(READY)
        await admin.approve()
    hands.base = next(iter(hands.picture.nodes.values())).version


async def _tasks_succeeded(hands: Hands) -> bool:
    ended = ("STABLE", "UPGRADE_TASKS_FAILED")
    await hands.until("that every node shows STABLE", lambda: any(map(hands.all_show, ended)))
    return hands.all_show("STABLE")
