"""How long a roll waits, and what ends the waiting."""

from dataclasses import replace
from typing import Any, cast

import pytest

from simulator.actions.hands import Hands, StoryBroken, StoryUndecided
from simulator.actions.patience import Patience
from simulator.roll import Abort, AwaitDrained, NodeSeen, Pause, Stop, Wait
from simulator.roll_policy import RollPolicy
from zdu.events import RollBreached, RollResumed

POLICY = RollPolicy(("node1", "node2"), "7.3.2", on_breach="pause", pause_deadline_s=5.0, canary_watch_s=2.0)
CANARY = NodeSeen("node1", True, False, "7.3.2", False, True, False)
LIMIT_S = 10.0


class Operator:
    """The operator's hands, of which only voice and record are needed."""

    deadline_s = LIMIT_S

    def __init__(self) -> None:
        self.recorder = self
        self.events: list[Any] = []
        self.told: list[str] = []

    def event(self, event: object) -> None:
        self.events.append(event)

    def tell(self, title: str, _node: str = "") -> None:
        self.told.append(title)


@pytest.fixture
def operator() -> Operator:
    return Operator()


@pytest.fixture
def patience(operator: Operator) -> Patience:
    return Patience(cast(Hands, operator), POLICY)


def test_a_pause_is_told_once_however_its_reason_changes_and_so_is_that_it_is_put_right(
    operator: Operator, patience: Patience
) -> None:
    patience.with_breach(Pause("node1", "3 of 50 failed"), 1.0)
    patience.with_breach(Pause("node1", "4 of 51 failed"), 3.0)
    patience.with_breach(None, 5.0)
    patience.with_breach(None, 5.1)

    assert operator.events == [RollBreached("node1", "7.3.2", "3 of 50 failed", "pause"), RollResumed("7.3.2")]
    assert operator.told == [
        "3 of 50 failed: the roll pauses, and nobody else leaves",
        "It is put right: the roll goes on",
    ]


def test_a_pause_that_nobody_ends_is_over_after_its_deadline_however_its_reason_changes(patience: Patience) -> None:
    for second in range(6):
        patience.with_breach(Pause("node1", f"{second + 3} of 60 failed"), 1.0 + second)

    with pytest.raises(
        StoryBroken, match="9 of 60 failed; the roll paused for 5 s, and nobody put it right"
    ) as ended:
        patience.with_breach(Pause("node1", "9 of 60 failed"), 6.1)

    assert not ended.value.undecided


def test_each_pause_has_the_whole_time(patience: Patience) -> None:
    patience.with_breach(Pause("node1", "bad"), 1.0)
    patience.with_breach(None, 5.9)
    patience.with_breach(Pause("node1", "bad again"), 6.0)
    patience.with_breach(Pause("node1", "bad again"), 10.9)


def test_other_breaches_are_no_pause(operator: Operator, patience: Patience) -> None:
    patience.with_breach(Abort("node1", "bad"), 1.0)
    assert (operator.events, operator.told) == ([], [])


def test_what_is_waited_for_in_vain_ends_the_story_and_whatever_happens_begins_the_waiting_anew(
    patience: Patience,
) -> None:
    wait, seen = Wait("node2", "the load balancer sends requests to node2 again"), (CANARY,)
    limit_s = LIMIT_S + POLICY.longest_pause_s
    patience.with_step(wait, seen, 0.0)
    patience.with_step(Stop("node2"), seen, limit_s)
    patience.with_step(wait, seen, limit_s + 1)
    patience.with_step(AwaitDrained("node2"), seen, 2 * limit_s + 1.5)
    patience.with_step(wait, seen, 2 * limit_s + 2)

    with pytest.raises(StoryBroken, match="still waited until the load balancer sends requests to node2 again"):
        patience.with_step(wait, seen, 3 * limit_s + 3)


def test_a_canary_that_too_few_have_used_decides_nothing(patience: Patience) -> None:
    wait, seen = (
        Wait("node1", "node1 has served enough users to tell how they fare"),
        (replace(CANARY, judged=False),),
    )
    patience.with_step(wait, seen, 0.0)

    with pytest.raises(StoryUndecided) as ended:
        patience.with_step(wait, seen, LIMIT_S + POLICY.longest_pause_s + 0.1)

    assert ended.value.undecided
