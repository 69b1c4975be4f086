"""A bad habit of the operator, which the actions of the story ask for where it would show."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from simulator.faults.fault import Fault, FaultFailed, Hold

if TYPE_CHECKING:
    from simulator.faults.reach import Habits, Reach


class HabitFault(Fault):
    """The operator has a bad habit."""

    acts_on: ClassVar[str] = "operator"

    async def apply(self, reach: Reach) -> Hold:
        """From now on, the operator has it. Raises FaultFailed if that is so already."""
        if self.name in reach.habits.on:
            raise FaultFailed(f"{self.name} is on already")
        reach.habits.on[self.name] = 0
        return _Habit(reach.habits, self.name)


class _Habit(Hold):
    def __init__(self, habits: Habits, name: str) -> None:
        self._habits, self._name, self._shown = habits, name, 0

    async def fired(self) -> int:
        """How often it has shown."""
        self._shown = self._habits.on.get(self._name, self._shown)
        return self._shown

    async def reset(self) -> None:
        """The operator knows better again."""
        self._shown = self._habits.on.pop(self._name)
