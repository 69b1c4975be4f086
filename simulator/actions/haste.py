"""The habit of finalising early: inside a roll, and without waiting for the last node."""

from http import HTTPStatus

from simulator.actions.hands import Hands, StoryBroken
from simulator.clients.jira_admin import AdminRequestFailed
from simulator.haste import TooEarly, too_early
from simulator.roll import NodeSeen
from zdu.events import FinalisedEarly

MIXED = "MIXED"


class Haste:
    """Looks at one roll to a new version; as long as the operator has the habit, each upgraded node tempts once."""

    def __init__(self, hands: Hands, to_version: str) -> None:
        self._hands = hands
        self._to_version = to_version
        self._tried_with = 0

    async def look(self, seen: tuple[NodeSeen, ...]) -> bool:
        """Finalise if it is too early and the habit is on; whether it was tried, so that one has to look anew.

        Raises StoryBroken if the cluster lets that happen.
        """
        hands = self._hands
        early = too_early(seen, self._to_version)
        if self._to_version == hands.base or early is None or early.upgraded <= self._tried_with:
            return False
        if hands.picture.nodes[early.node_id].cluster_state != MIXED or not hands.has_habit("finalises_early"):
            return False
        self._tried_with = early.upgraded
        await self._finalise(early)
        return True

    async def _finalise(self, early: TooEarly) -> None:
        hands, node_id, behind = self._hands, early.node_id, " and ".join(early.behind)
        asked_s = hands.recorder.now_s()
        hands.tell(f"In a hurry: {node_id} is asked to finalise, while {hands.base} still runs on {behind}", node_id)
        try:
            await hands.admins[node_id].approve()
        except AdminRequestFailed as error:
            self._record(early, asked_s, error.status, error.answer or str(error))
            if error.status == HTTPStatus.CONFLICT:
                hands.tell(f"{node_id} refuses: {error.answer}", node_id)
            return
        self._record(early, asked_s, HTTPStatus.OK, "")
        raise StoryBroken(f"{node_id} let the upgrade be finalised while {hands.base} still ran on {behind}")

    def _record(self, early: TooEarly, asked_s: float, status: int, answer: str) -> None:
        self._hands.recorder.event(FinalisedEarly(early.node_id, list(early.behind), asked_s, int(status), answer))
