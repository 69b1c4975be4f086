"""The fast profile: the same story and the same checks, with as few people and probes as they need.

What a run costs is mostly its requests. A verdict wants some from everybody, not many from each.
"""

from simulator.scenario.model import Scenario
from tools.play_all import busy

ITS_LOAD_IS_THE_LESSON = frozenset({"canary-turns-back", "keep-alive-race", "thundering-herd"})
"""One request in twenty, one in a race, or a herd: with half of the people there would be half of it."""
PER_NODE = 2
PROBE_RATE = 5.0


def fast(scenario: Scenario) -> list[str]:
    """What to add to ``zdu run`` for a scenario (or its twin) of which only the verdict is looked at."""
    words = busy(scenario)
    if scenario.name in ITS_LOAD_IS_THE_LESSON:
        return words
    users = max(scenario.load.users // 2, PER_NODE * scenario.cluster.nodes)
    return [*words, "--users", str(min(users, scenario.load.users)), "--rate", f"{PROBE_RATE:g}"]
