"""The load balancer's log is read when it is whole: its last lines come a moment after the requests."""

from itertools import count
from typing import Any, cast

import pytest

from simulator import closing_audit
from simulator.balancers.audit import Inquiry
from simulator.balancers.balancer import LoadBalancer
from zdu.events import BalancerAudited


class Writing:
    """A load balancer whose log gets one line more each time that it is looked at, up to ``most``."""

    def __init__(self, most: int, untold: str = "") -> None:
        self.looks = count(1)
        self.most, self.untold = most, untold

    def audit(self, _asked: Inquiry) -> BalancerAudited:
        return BalancerAudited(min(next(self.looks), self.most), [], untold=self.untold)


async def read(balancer: Writing, answers: int, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(closing_audit, "LOOK_AGAIN_S", 0.01)
    asked = Inquiry([], [], [], dict.fromkeys(range(answers), "node1"), float, float)
    audited = await closing_audit._whole_log(cast("LoadBalancer", cast("Any", balancer)), asked)
    return audited.attempts


async def test_lines_that_are_not_written_yet_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await read(Writing(most=9), 3, monkeypatch) == 3


async def test_lines_that_never_come_are_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing_audit, "LOG_WITHIN_S", 0.05)
    assert await read(Writing(most=2), 3, monkeypatch) == 2


async def test_a_log_that_says_that_it_does_not_tell_all_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await read(Writing(most=9, untold="no retries"), 3, monkeypatch) == 1
