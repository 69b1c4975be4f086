"""How long a roll waits: for one and the same thing, and for a person who puts right what has paused it.

The times are those of the event loop, in seconds, and are passed in.
"""

from simulator.actions.hands import Hands, StoryBroken, StoryUndecided
from simulator.roll import AwaitDrained, Breach, NodeSeen, Pause, Step, Wait
from simulator.roll_policy import RollPolicy
from zdu.events import RollBreached, RollResumed


class Patience:
    """That of the operator of one roll, who tells of each pause and of its end."""

    def __init__(self, hands: Hands, policy: RollPolicy) -> None:
        self._hands = hands
        self._policy = policy
        self._waiting, self._since_s = "", 0.0
        self._paused_at_s: float | None = None

    def with_breach(self, breach: Breach | None, now_s: float) -> None:
        """Look at what is not as it has to be. Raises StoryBroken if that has paused the roll for too long.

        A pause lasts from its first breach to a moment without any, however its reason changes meanwhile.
        """
        hands, version = self._hands, self._policy.to_version
        if not isinstance(breach, Pause):
            if self._paused_at_s is not None and breach is None:
                self._paused_at_s = None
                hands.recorder.event(RollResumed(version))
                hands.tell("It is put right: the roll goes on")
        elif self._paused_at_s is None:
            self._paused_at_s, self._waiting = now_s, ""
            hands.recorder.event(RollBreached(breach.node_id, version, breach.reason, self._policy.on_breach))
            hands.tell(f"{breach.reason}: the roll pauses, and nobody else leaves", breach.node_id)
        elif now_s - self._paused_at_s > self._policy.pause_deadline_s:
            limit_s = self._policy.pause_deadline_s
            raise StoryBroken(f"{breach.reason}; the roll paused for {limit_s:g} s, and nobody put it right")

    def with_step(self, step: Step, seen: tuple[NodeSeen, ...], now_s: float) -> None:
        """Look at the next step. Raises StoryBroken if it waits for what has not come for too long.

        It raises StoryUndecided if all that is missing are users of the canary, by whom it could be judged.
        """
        why = what_is_awaited(step)
        if why != self._waiting:
            self._waiting, self._since_s = why, now_s
        limit_s = self._hands.deadline_s + self._policy.longest_pause_s
        if not why or now_s - self._since_s <= limit_s:
            return
        unjudged = isinstance(step, Wait) and any(n.node_id == step.node_id and not n.judged for n in seen)
        broken = StoryUndecided if unjudged else StoryBroken
        raise broken(f"after {limit_s:g} s the roll still waited until {why}")


def what_is_awaited(step: Step) -> str:
    """What a waiting step waits for, as the end of a sentence; empty for one that does something, or is paused."""
    match step:
        case Wait(_, why):
            return why
        case AwaitDrained(node_id):
            return f"the load balancer has drained {node_id}"
    return ""
