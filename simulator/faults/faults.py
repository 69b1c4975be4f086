"""Faults that are on: puts them on, sees whether they take effect, and takes every one of them back in the end.

Needs nothing but a cluster: a story uses it, and so can whoever commands a living one.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Any

from simulator.faults.fault import Fault, FaultFailed, Hold
from simulator.faults.reach import Reach
from simulator.record.recorder import Recorder
from simulator.supervisor import StartFailed
from zdu.events import FaultApplied, FaultFired, FaultReset

LOOK_EVERY_S = 0.2


@dataclass
class Active:
    """A fault that is on; ``number`` is the run's own for it."""

    number: int
    fault: Fault
    hold: Hold
    count: int = 0


class Faults:
    """An asynchronous context: when it is left, in whatever way, every fault is taken back."""

    def __init__(self, reach: Reach, recorder: Recorder, numbers: Iterator[int] | None = None) -> None:
        """``numbers`` go on over all faults of a record, also over those of several stories."""
        self.reach = reach
        self._recorder = recorder
        self._on: dict[int, Active] = {}
        self._watching: dict[int, asyncio.Task[None]] = {}
        self._numbers = numbers or count(1)

    async def __aenter__(self) -> "Faults":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.reset_all()

    @property
    def active(self) -> Sequence[Active]:
        """Which are on, the oldest first."""
        return tuple(self._on.values())

    async def apply(self, fault: Fault) -> int:
        """Put a fault on, and off after its ``for``; its number. Raises FaultFailed."""
        try:
            hold = await fault.apply(self.reach)
        except StartFailed as error:
            raise FaultFailed(f"{fault.name}: {error.message}") from error
        active = Active(next(self._numbers), fault, hold)
        self._on[active.number] = active
        self._recorder.event(FaultApplied(active.number, fault.name, fault.where, _attributes(fault)))
        await self._look(active)
        self._watching[active.number] = asyncio.create_task(self._watch(active), name=f"fault {fault.name}")
        return active.number

    async def reset(self, number: int) -> None:
        """Take a fault back; one that is not on any more is no mistake."""
        watch = self._watching.pop(number, None)
        if watch:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        await self._end(number, by_itself=False)

    async def reset_all(self) -> None:
        """Take all faults back, the newest first."""
        for number in sorted(self._on, reverse=True):
            await self.reset(number)

    async def _watch(self, active: Active) -> None:
        loop = asyncio.get_running_loop()
        for_s = active.fault.for_s
        end_s = loop.time() + for_s if for_s is not None else float("inf")
        while (left_s := end_s - loop.time()) > 0 and not active.hold.over:
            await asyncio.sleep(min(LOOK_EVERY_S, left_s))
            await self._look(active)
        await self._end(active.number, by_itself=True)

    async def _look(self, active: Active) -> None:
        """Record it when the fault takes effect for the first time."""
        met = await active.hold.fired()
        if met and not active.count:
            self._recorder.event(FaultFired(active.number, active.fault.name, active.fault.where, met))
        active.count = max(met, active.count)

    async def _end(self, number: int, *, by_itself: bool) -> None:
        active = self._on.pop(number, None)
        if active is None:
            return
        reason = ""
        try:
            await self._look(active)
            await (active.hold.expire() if by_itself else active.hold.reset())
            await self._look(active)
        except Exception as error:
            reason = str(error) or type(error).__name__
        fault = active.fault
        self._recorder.event(FaultReset(number, fault.name, fault.where, active.count, reason))


def _attributes(fault: Fault) -> dict[str, Any]:
    return fault.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"name", "node"})
