"""What an administrator of the story has at hand: the cluster, a look at it from outside, and a voice."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from simulator.clients.jira_admin import JiraAdmin
from simulator.cluster import Cluster
from simulator.faults.faults import Faults
from simulator.load.load import Load
from simulator.picture import Picture
from simulator.record.recorder import Recorder
from simulator.record.tally import Tally
from simulator.roll import NodeSeen
from simulator.roll import Step as RollStep
from simulator.scenario.model import Scenario
from simulator.scenario.steps import Step
from zdu.events import StepStarted

BeforeRollStep = Callable[[RollStep, tuple[NodeSeen, ...]], Awaitable[bool]]
"""Hears of each step of a roll before it is carried out; whether it took its time, so that one has to look anew."""

SLACK_S = 30.0
"""A step that has not taken effect so long after it should have will not."""


class StoryBroken(Exception):
    """The timeline cannot go on; the message says why, for the verdict."""

    undecided = False
    """Whether nothing had gone wrong, and yet nobody could tell how to go on."""


class StoryUndecided(StoryBroken):
    """The timeline cannot go on for want of measurements: that decides nothing about the cluster."""

    undecided = True


@dataclass
class Hands:
    """Shared by all actions of one story. ``base`` is the version that the cluster comes from.

    ``perform`` carries out a step, for actions that have steps inside; it raises StoryBroken. ``seed`` is that of the
    run, for what is left to chance. ``before_roll_step`` may hold a roll before any of its steps.
    """

    scenario: Scenario
    cluster: Cluster
    picture: Picture
    recorder: Recorder
    admins: dict[str, JiraAdmin]
    faults: Faults
    perform: Callable[[Step], Awaitable[None]]
    seed: int
    base: str = ""
    load: Load | None = None
    """Those who work on the cluster, once they do."""
    tally: Tally = field(init=False)
    before_roll_step: BeforeRollStep | None = None
    _steps: int = 0
    _told: tuple[str, str] = field(default=("", ""))

    def __post_init__(self) -> None:
        self.tally = Tally(self.recorder.requests)
        self.base = self.base or self.scenario.version_from
        self.deadline_s = SLACK_S + longest_step_s(self.scenario)

    def tell(self, title: str, node_id: str = "") -> None:
        """Say, to whoever watches and to the record, what happens now."""
        if (title, node_id) != self._told:
            self._told = (title, node_id)
            self._steps += 1
            self.recorder.event(StepStarted(self._steps, title, node_id))

    @property
    def nodes_ask(self) -> bool:
        """Whether nodes ask to be drained, and are heard."""
        return self.scenario.nodes_ask and self.cluster.balancer.heeds_nodes

    async def ask_for_drain(self, node_id: str) -> None:
        """Have a node say that it is to be drained. Raises AdminRequestFailed."""
        if self.scenario.of_jira:
            await self.admins[node_id].enter_node_upgrade_mode()
        else:
            await self.cluster.ask_for_drain(node_id)

    def has_habit(self, name: str) -> bool:
        """Whether the operator has that bad habit at this moment; asked where it shows."""
        return self.faults.reach.habits.show(f"operator.{name}")

    def all_show(self, state: str) -> bool:
        """Whether every node whose application runs shows ``state``; one that could not start shows nothing."""
        return all(node.cluster_state == state for node in self.picture.nodes.values() if not node.failed)

    async def until_all_show(self, state: str) -> None:
        """Wait for it. Raises NotInTime or StoryBroken."""
        await self.until(f"that every node shows {state}", lambda: self.all_show(state))

    def nobody_died(self) -> None:
        """Raises StoryBroken if a process ended that nobody had stopped."""
        if self.picture.crashed:
            raise StoryBroken(f"{' and '.join(self.picture.crashed)} died although nobody had stopped it")

    async def until(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait for something, but not beyond the death of a process. Raises NotInTime or StoryBroken."""
        await self.picture.until(what, lambda: bool(self.picture.crashed) or holds(), within_s=self.deadline_s)
        self.nobody_died()


def longest_step_s(scenario: Scenario) -> float:
    """How long a step may take by what the scenario itself says: start, stop, drain, health checks, state polls."""
    cluster, balancer = scenario.cluster, scenario.balancer
    checks_s = (balancer.inter + balancer.timeout) * (balancer.rise + balancer.fall)
    if scenario.node:
        return scenario.node.start_deadline + scenario.node.stop.deadline + balancer.drain_deadline + checks_s
    intervals = cluster.intervals.scaled(cluster.time_scale)
    return (
        cluster.start_duration
        + cluster.stop_duration
        + balancer.drain_deadline
        + checks_s
        + 2 * intervals.upgrade_state_poll
        + intervals.version_check_wait
    )
