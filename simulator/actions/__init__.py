"""What can be done in a story: a file for each action of the scenario language, and the table that names them all."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from simulator.actions import cancel, fault, finalise, load, observe, parallel, repeat, roll, roll_back, start_upgrade
from simulator.actions.hands import Hands
from simulator.faults.catalogue import FAULTS
from simulator.scenario.steps import (
    Action,
    Cancel,
    Finalise,
    Observe,
    Parallel,
    Repeat,
    Roll,
    RollBack,
    SetLoad,
    StartUpgrade,
)

Perform = Callable[[Hands, Any, str], Awaitable[None]]
"""Carries out an action under a title for the audience, empty if the story has none. Raises what its parts raise."""

PERFORM: Mapping[type[Action], Perform] = {
    Observe: observe.perform,
    StartUpgrade: start_upgrade.perform,
    Roll: roll.perform,
    RollBack: roll_back.perform,
    Cancel: cancel.perform,
    Finalise: finalise.perform,
    SetLoad: load.perform,
    Repeat: repeat.perform,
    Parallel: parallel.perform,
    **dict.fromkeys(FAULTS.values(), fault.perform),
}
