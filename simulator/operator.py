"""The administrator of the story: carries out the steps of a timeline and waits for their effects.

Each step is over only when its effect has been seen from outside. How each kind of step is done is in
:mod:`simulator.actions`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable

from simulator.actions import PERFORM
from simulator.actions.hands import BeforeRollStep, Hands, StoryBroken
from simulator.balancers.balancer import BalancerFailed
from simulator.clients.jira_admin import AdminRequestFailed, JiraAdmin
from simulator.cluster import Cluster
from simulator.faults.faults import Faults
from simulator.load.load import Load
from simulator.picture import NotInTime, Picture
from simulator.record.recorder import Recorder
from simulator.scenario.conditions import parse_condition
from simulator.scenario.model import Scenario
from simulator.scenario.steps import Step, delay_s
from simulator.supervisor import StartFailed
from zdu.events import ChapterStarted

__all__ = ["Operator", "StoryBroken"]


class Operator:
    """Plays the timeline of a scenario on a running cluster."""

    def __init__(
        self,
        scenario: Scenario,
        cluster: Cluster,
        picture: Picture,
        recorder: Recorder,
        admins: dict[str, JiraAdmin],
        faults: Faults,
        *,
        seed: int = 0,
        before_roll_step: BeforeRollStep | None = None,
    ) -> None:
        self._hands = Hands(
            *(scenario, cluster, picture, recorder, admins, faults, self.perform, seed),
            before_roll_step=before_roll_step,
        )
        self._over: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._begun_s: float | None = None

    def tell(self, title: str, node_id: str = "") -> None:
        """Say, to whoever watches and to the record, what happens now."""
        self._hands.tell(title, node_id)

    def lead(self, load: Load) -> None:
        """From now on the story may also say what the users of ``load`` do."""
        self._hands.load = load

    async def play(self, before: Callable[[Step], Awaitable[None]] | None = None) -> None:
        """Carry out all steps, each after ``before`` lets it. Raises StoryBroken when one cannot be."""
        for number, step in enumerate(self._hands.scenario.timeline, start=1):
            if before:
                await before(step)
            self._hands.recorder.event(ChapterStarted(number, step.title, step.text, step.notes))
            await self.perform(step)

    async def perform(self, step: Step) -> None:
        """Carry out one step, once its time has come. Raises StoryBroken when it cannot be."""
        try:
            await self._its_time(step)
            await PERFORM[type(step.action)](self._hands, step.action, step.title)
        except (AdminRequestFailed, NotInTime) as error:
            raise StoryBroken(str(error)) from error
        except BalancerFailed as error:
            raise StoryBroken(error.message) from error
        except StartFailed as error:
            raise StoryBroken(f"{error.message}. {error.hint}") from error
        if step.name:
            self._over[step.name].set()

    async def _its_time(self, step: Step) -> None:
        """Wait for ``at``, ``after`` and ``when``."""
        now_s = asyncio.get_running_loop().time()
        self._begun_s = now_s if self._begun_s is None else self._begun_s
        if step.at is not None:
            await self._pause(self._begun_s + step.at - now_s)
        if step.after is not None:
            wait_s = delay_s(step.after)
            if wait_s is None:
                await self._over[step.after].wait()
            else:
                await self._pause(wait_s)
        if step.when is not None:
            condition = parse_condition(step.when)
            hands = self._hands
            nodes = hands.picture.nodes
            await hands.until(f"that {condition.text}", lambda: condition.holds(nodes.values(), hands.tally.counts()))

    async def _pause(self, wait_s: float) -> None:
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    async def all_serving(self) -> None:
        """Wait until the load balancer finds every node UP. Raises StoryBroken."""
        nodes, of_jira = self._hands.picture.nodes.values(), self._hands.scenario.of_jira
        try:
            await self._hands.until(
                "that the load balancer finds every node UP",
                lambda: all(node.takes_load and (node.cluster_state or not of_jira) for node in nodes),
            )
        except NotInTime as error:
            raise StoryBroken(str(error)) from error
