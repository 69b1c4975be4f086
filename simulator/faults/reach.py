"""What a fault can get at: the processes, the paths, the database, and the operator's habits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.cluster import Cluster
    from simulator.picture import Picture


@dataclass
class Habits:
    """The operator's bad habits: which are on, and how often each of them has shown."""

    on: dict[str, int] = field(default_factory=dict)

    def show(self, habit: str) -> bool:
        """Whether the operator has it; if so, it has shown once more."""
        if habit not in self.on:
            return False
        self.on[habit] += 1
        return True


@dataclass
class Reach:
    """The cluster of one run, as far as faults may touch it."""

    cluster: Cluster
    picture: Picture
    habits: Habits = field(default_factory=Habits)
