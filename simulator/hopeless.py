"""``zdu run --fail-fast``: whether an objective can no longer be met, while the run is still under way.

Only what is counted and can but grow is looked at: requests and sessions lost, work lost, silent sign-ins, requests
that were dispatched again. A share or a percentile may still come right, and what the machine's own trouble may have
caused decides nothing.
"""

import asyncio

from simulator.actions.hands import StoryBroken
from simulator.record.recorder import Recorder
from simulator.scenario.model import Scenario
from simulator.scenario.quantities import Unit
from simulator.verdict.measures import measure
from simulator.verdict.model import Evidence
from simulator.verdict.objectives import all_objectives

LOOK_EVERY_S = 1.0


async def stop_when_hopeless(scenario: Scenario, recorder: Recorder) -> None:
    """Look every second until cancelled. Raises StoryBroken once an objective is lost for good."""
    looked_at = 0
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if len(recorder.requests) > looked_at:
            looked_at = len(recorder.requests)
            lost = lost_objective(_so_far(scenario, recorder))
            if lost:
                raise StoryBroken(f"stopped early (--fail-fast): {lost}")


def lost_objective(evidence: Evidence) -> str:
    """The first objective that can no longer be met, as a sentence without its end; empty if all still can."""
    for objective in all_objectives(evidence):
        if objective.unit is not Unit.COUNT:
            continue
        measured = measure(objective, evidence)
        spared = measured.value if measured.without_machine is None else measured.without_machine
        if spared is not None and not objective.holds_for(spared):
            return f"{objective.text!r} can no longer be met ({measured.told})"
    return ""


def _so_far(scenario: Scenario, recorder: Recorder) -> Evidence:
    return Evidence(
        envelopes=recorder.envelopes[:],
        requests=recorder.requests[:],
        control=recorder.control[:],
        expect=scenario.expect,
        nodes=scenario.cluster.node_ids,
        rolled=(),
        version_from=scenario.version_from,
        version_to=scenario.version_to,
        users=scenario.load.users,
        sessions_kind=scenario.sessions,
        search_delay_s=scenario.search_delay_s,
    )
