"""The open model: work arrives at a rate, whether or not the work before it is done.

Users of the closed model wait for a slow answer and send less meanwhile, so a slow cluster gets less load. Here the
load is what was intended: arrival ``n`` is due at a moment that no answer moves, and is served by one of a number of
people who have nothing else to do then. If nobody is free the arrival is dropped and counted, as k6 counts its
``dropped_iterations``: what was not sent was not measured, and the verdict says so.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from simulator.load.probes import ON_TIME_S
from simulator.load.schedule import due_after_s
from simulator.load.user import VirtualUser
from simulator.load.waiting import stops_within
from simulator.record.recorder import Recorder

LEAST_WAIT_S = 0.002
"""Arrivals that are due within so short a time are started together: waking for each one would cost more than it."""
SIGN_INS_AT_ONCE = 4
"""Those who stay signed in come to work before the arrivals begin, a few at a time."""


@dataclass
class ArrivalCount:
    """What was intended and what became of it."""

    intended: int = 0
    sent: int = 0
    on_time: int = 0
    dropped: int = 0

    def as_dict(self) -> dict[str, int]:
        """For the record."""
        return asdict(self)


class Arrivals:
    """Starts an action at each arrival, by whoever of ``people`` has been idle for longest."""

    def __init__(
        self,
        people: Sequence[VirtualUser],
        recorder: Recorder,
        *,
        rate: float,
        ramp_s: float,
        phase_s: float,
        anew: bool,
    ) -> None:
        """``rate`` is arrivals per second; with ``anew`` each one is a session of its own, which signs in first."""
        self.count = ArrivalCount()
        self._people = people
        self._idle = deque(people)
        self._recorder = recorder
        self._rate = rate
        self._ramp_s = ramp_s
        self._phase_s = phase_s
        self._anew = anew

    async def run(self, stopping: asyncio.Event) -> None:
        """Let work arrive until ``stopping`` is set, then wait for what is under way."""
        try:
            if not self._anew:
                await self._everybody_signs_in()
            async with asyncio.TaskGroup() as working:
                begin_s = self._recorder.now_s() + self._phase_s
                due_s = begin_s
                while not await stops_within(max(due_s - self._recorder.now_s(), LEAST_WAIT_S), stopping):
                    now_s = self._recorder.now_s()
                    while due_s <= now_s:
                        self._arrive(due_s, working)
                        due_s = begin_s + due_after_s(self.count.intended, self._rate, self._ramp_s)
        finally:
            for person in self._people:
                await person.go_home()

    def _arrive(self, due_s: float, working: asyncio.TaskGroup) -> None:
        self.count.intended += 1
        if not self._idle:
            self.count.dropped += 1
            return
        working.create_task(self._serve(self._idle.popleft(), due_s), name="arrival")

    async def _serve(self, person: VirtualUser, due_s: float) -> None:
        try:
            late_s = await person.act_at(due_s, anew=self._anew)
            self.count.sent += 1
            self.count.on_time += late_s <= ON_TIME_S
        finally:
            self._idle.append(person)

    async def _everybody_signs_in(self) -> None:
        few = asyncio.Semaphore(SIGN_INS_AT_ONCE)

        async def come(person: VirtualUser) -> None:
            async with few:
                await person.come_to_work()

        async with asyncio.TaskGroup() as coming:
            for person in self._people:
                coming.create_task(come(person))
