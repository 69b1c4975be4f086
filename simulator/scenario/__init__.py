"""The scenario language: what a file may say, and how it becomes something that can be played."""

from simulator.scenario.library import find_scenario, shipped_scenarios
from simulator.scenario.load import load, load_scenario
from simulator.scenario.mistakes import Mistake, ScenarioError
from simulator.scenario.model import Scenario
from simulator.scenario.overrides import Override, named_overrides

__all__ = [
    "Mistake",
    "Override",
    "Scenario",
    "ScenarioError",
    "find_scenario",
    "load",
    "load_scenario",
    "named_overrides",
    "shipped_scenarios",
]
