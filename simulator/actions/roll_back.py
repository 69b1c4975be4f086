"""``roll_back``: every upgraded node gets the base version again, and the upgrade is cancelled."""

from simulator.actions.cancel import cancel_on
from simulator.actions.hands import Hands, StoryBroken
from simulator.actions.rolling import carry_out_roll, policy_of
from simulator.scenario.steps import RollBack

WITH_A_WAY_BACK = frozenset({"", "READY_TO_UPGRADE", "MIXED", "READY_TO_RUN_UPGRADE_TASKS"})
"""The upgrade states in which nodes of the base version may join; empty while a node has not said."""


async def perform(hands: Hands, action: RollBack, title: str) -> None:
    """The last node first; only with the cancelling is the cluster what it was.

    Raises what :func:`carry_out_roll` raises.
    """
    shown = {node.cluster_state for node in hands.picture.nodes.values() if not node.failed}
    if not shown <= WITH_A_WAY_BACK:
        raise StoryBroken(f"there is no way back to {hands.base}: nodes show {' and '.join(sorted(shown))}")
    node_id = hands.scenario.node_of(action)
    hands.tell(title or f"The upgrade is rolled back to {hands.base}", node_id)
    upgraded = [node.node_id for node in hands.picture.nodes.values() if node.version != hands.base]
    await carry_out_roll(hands, policy_of(hands, action, tuple(reversed(upgraded)), hands.base))
    await hands.until_all_show("READY_TO_UPGRADE")
    hands.tell(f"All nodes run {hands.base} again: the upgrade is cancelled on {node_id}", node_id)
    await cancel_on(hands, node_id)
