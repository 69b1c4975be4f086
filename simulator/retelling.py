"""The story of a run that nobody had written before: what was done by hand, read off its record. Pure.

The verdict asks which nodes were upgraded, to what, and whether that was taken back. In a scenario the timeline says
so; where a person commanded the cluster the record does: nodes that came back with another version, and the rows of
the cluster's upgrade state. Who gave the command, a terminal, the dashboard or Jira's own page, makes no difference.
"""

from collections.abc import Iterator, Sequence

from simulator.record.requests import RequestRecord
from simulator.scenario.model import Scenario
from simulator.scenario.steps import Cancel, Finalise, Observe, Roll, RollBack, StartUpgrade, Step
from zdu.events import Envelope, LoadChanged, LoadStarted, NodeNotStarted, ProcessStarted, UpgradeHistory


def retell(scenario: Scenario, envelopes: Sequence[Envelope], requests: Sequence[RequestRecord]) -> Scenario:
    """The scenario with what really happened in the place of its timeline and of its number of users."""
    timeline = tuple(_steps(scenario, envelopes)) or (Step(observe=Observe.model_validate({"for": "1s"})),)
    load = scenario.load.model_copy(update={"users": len(_who_stayed(envelopes, requests))})
    return scenario.model_copy(update={"timeline": timeline, "load": load})


def _steps(scenario: Scenario, envelopes: Sequence[Envelope]) -> Iterator[Step]:
    """What happened, oldest first, as steps of the scenario language; they need not hang together as a story."""
    base, versions = scenario.cluster.version, dict.fromkeys(scenario.cluster.node_ids, scenario.cluster.version)
    rolled = False
    for _, happened in sorted(_changes(envelopes), key=lambda change: change[0]):
        match happened:
            case ProcessStarted(process=node, version=version) if versions.get(node, version) != version:
                versions[node] = version
                if version != base:
                    rolled = True
                    yield Step(roll=Roll.model_validate({"to": version, "nodes": [node]}))
            case NodeNotStarted(node=node, version=version) if scenario.of_jira:
                yield Step(roll=Roll.model_validate({"to": version, "nodes": [node], "expect": "refused"}))
            case ("READY_TO_UPGRADE", _, "STABLE"):
                yield Step(start_upgrade=StartUpgrade())
            case ("STABLE", version, "RUNNING_UPGRADE_TASKS"):
                base, rolled = version, False
                yield Step(finalise=Finalise())
            case ("STABLE", _, _):
                yield Step(roll_back=RollBack()) if rolled else Step(cancel=Cancel())
                rolled = False


def _changes(
    envelopes: Sequence[Envelope],
) -> Iterator[tuple[float, ProcessStarted | NodeNotStarted | tuple[str, str, str]]]:
    """Starts of nodes and, as state, version and the state before, each new row of the upgrade state; with times."""
    starts: dict[int, tuple[float, ProcessStarted | NodeNotStarted]] = {}
    newest: dict[str, int] = {}
    for envelope in envelopes:
        match envelope.event:
            case ProcessStarted(process=node) as event:
                newest[node] = envelope.seq
                starts[envelope.seq] = envelope.t_s, event
            case NodeNotStarted(node=node) as event:
                led_to_nothing = starts.get(newest.get(node, 0))
                if led_to_nothing and led_to_nothing[1].version == event.version:
                    del starts[newest[node]]
                starts[envelope.seq] = envelope.t_s, event
    yield from starts.values()
    histories = [(e.t_s, e.event) for e in envelopes if isinstance(e.event, UpgradeHistory)]
    before = "STABLE"
    for read_s, history in histories[-1:]:
        for row in history.rows:
            at_s = read_s + (int(row["database_time"]) - history.database_now_ms) / 1000
            yield at_s, (str(row["state"]), str(row["cluster_version"]), before)
            before = str(row["state"])


def _who_stayed(envelopes: Sequence[Envelope], requests: Sequence[RequestRecord]) -> set[str]:
    """The users who came in the first half of the work and were still there when it ended.

    Only of them can be asked that they work throughout; who came late or went home early cannot.
    """
    good = [request for request in requests if not request.failed and not request.is_probe]
    if not good:
        return set()
    middle_s = (good[0].end_s + good[-1].end_s) / 2
    here: list[str] = []
    came = 0
    for envelope in envelopes:
        if isinstance(envelope.event, LoadStarted | LoadChanged):
            wanted = envelope.event.users
            del here[wanted:]  # the last ones go first
            while len(here) < wanted:
                came += 1
                here.append(f"s{came}")
    first_s: dict[str, float] = {}
    for request in good:
        first_s.setdefault(request.user, request.end_s)
    return {user for user in here if first_s.get(user, middle_s) <= middle_s}
