"""The administrator of the story: carries out the steps of a timeline and waits for their effects.

What to do next in a roll is decided by :mod:`simulator.roll`; here it is done, over HTTP and by signals, and each
step is over only when its effect has been seen from outside.
"""

import asyncio
from collections.abc import Callable

from node.releases import find_release
from simulator.balancers.balancer import BalancerFailed
from simulator.clients.jira_admin import AdminRequestFailed, JiraAdmin
from simulator.cluster import Cluster
from simulator.picture import NotInTime, Picture
from simulator.record.recorder import Recorder
from simulator.roll import (
    AwaitDrained,
    Blocked,
    EnterUpgradeMode,
    Finished,
    NotStarted,
    PutBack,
    RollPolicy,
    Step,
    Stop,
    Upgrade,
    Wait,
    next_step,
)
from simulator.scenario.model import Scenario
from simulator.scenario.steps import Action, Cancel, Finalise, Observe, Roll, RollBack, StartUpgrade
from simulator.supervisor import StartFailed
from zdu.events import NodeNotStarted, StepStarted

SLACK_S = 30.0
"""A step that has not taken effect so long after it should have will not."""
LOOK_AGAIN_S = 0.1
WITH_A_WAY_BACK = frozenset({"", "READY_TO_UPGRADE", "MIXED", "READY_TO_RUN_UPGRADE_TASKS"})
"""The upgrade states in which nodes of the base version may join; empty while a node has not said."""


class StoryBroken(Exception):
    """The timeline cannot go on; the message says why, for the verdict."""


class Operator:
    """Plays the timeline of a scenario on a running cluster."""

    def __init__(
        self,
        scenario: Scenario,
        cluster: Cluster,
        picture: Picture,
        recorder: Recorder,
        admins: dict[str, JiraAdmin],
    ) -> None:
        self._scenario = scenario
        self._cluster = cluster
        self._picture = picture
        self._recorder = recorder
        self._admins = admins
        self._base = scenario.version_from
        self._deadline_s = SLACK_S + longest_step_s(scenario)
        self._steps = 0
        self._told: tuple[str, str] = ("", "")

    def tell(self, title: str, node_id: str = "") -> None:
        """Say, to whoever watches and to the record, what happens now."""
        if (title, node_id) != self._told:
            self._told = (title, node_id)
            self._steps += 1
            self._recorder.event(StepStarted(self._steps, title, node_id))

    async def play(self) -> None:
        """Carry out all steps. Raises StoryBroken when one cannot be."""
        try:
            for step in self._scenario.timeline:
                await self._play_step(step.action, step.title)
        except (AdminRequestFailed, NotInTime) as error:
            raise StoryBroken(str(error)) from error
        except BalancerFailed as error:
            raise StoryBroken(error.message) from error
        except StartFailed as error:
            raise StoryBroken(f"{error.message}. {error.hint}") from error

    async def _play_step(self, action: Action, title: str) -> None:
        match action:
            case Observe():
                self.tell(title or "Users work, nothing else happens")
                await self._observe(action.for_s)
            case StartUpgrade():
                node_id = self._scenario.node_of(action)
                self.tell(title or f"Put Jira into upgrade mode on {node_id}", node_id)
                await self._start_upgrade(node_id)
            case Roll():
                await self._roll(action)
            case RollBack():
                await self._roll_back(action, title)
            case Cancel():
                node_id = self._scenario.node_of(action)
                self.tell(title or f"Cancel the upgrade on {node_id}", node_id)
                await self._cancel(node_id)
            case Finalise():
                node_id = self._scenario.node_of(action)
                self.tell(title or f"Finalise the upgrade on {node_id}", node_id)
                await self._finalise(node_id, action.retries)

    async def all_serving(self) -> None:
        """Wait until the load balancer finds every node UP. Raises StoryBroken."""
        try:
            await self._until(
                "that the load balancer finds every node UP",
                lambda: all(node.takes_load and node.cluster_state for node in self._picture.nodes.values()),
            )
        except NotInTime as error:
            raise StoryBroken(str(error)) from error

    async def _observe(self, for_s: float) -> None:
        """Let time pass; a process that dies meanwhile ends the story."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + for_s
        while loop.time() < until_s:
            self._nobody_died()
            await self._picture.changed(within_s=max(0.001, until_s - loop.time()))
        self._nobody_died()

    async def _start_upgrade(self, node_id: str) -> None:
        admin = self._admins[node_id]
        await admin.start_upgrade()
        state = await admin.cluster_state()
        if state != "READY_TO_UPGRADE":
            raise StoryBroken(f"{node_id} was put into upgrade mode and then showed {state}, not READY_TO_UPGRADE")
        self._picture.node_shows(node_id, state)
        await self._until("that every node shows READY_TO_UPGRADE", lambda: self._all_show("READY_TO_UPGRADE"))

    async def _cancel(self, node_id: str) -> None:
        await self._admins[node_id].cancel()
        await self._until("that every node shows STABLE", lambda: self._all_show("STABLE"))

    async def _finalise(self, node_id: str, retries: int) -> None:
        """Run the upgrade tasks, again after a failure while ``retries`` are left; say first that it is for good."""
        await self._until(
            "that every node shows READY_TO_RUN_UPGRADE_TASKS", lambda: self._all_show("READY_TO_RUN_UPGRADE_TASKS")
        )
        self.tell(f"{node_id} runs the upgrade tasks: from here on there is no way back to {self._base}", node_id)
        admin = self._admins[node_id]
        await admin.approve()
        while not await self._tasks_succeeded():
            if not retries:
                raise StoryBroken("an upgrade task failed; the log of the node that ran it says which and why")
            retries -= 1
            self.tell(f"An upgrade task failed: it is acknowledged on {node_id}, and the tasks run again", node_id)
            await admin.retry_upgrade()
            await self._until(
                "that every node shows READY_TO_RUN_UPGRADE_TASKS",
                lambda: self._all_show("READY_TO_RUN_UPGRADE_TASKS"),
            )
            await admin.approve()
        self._base = next(iter(self._picture.nodes.values())).version

    async def _tasks_succeeded(self) -> bool:
        await self._until(
            "that every node shows STABLE", lambda: self._all_show("STABLE") or self._all_show("UPGRADE_TASKS_FAILED")
        )
        return self._all_show("STABLE")

    async def _roll_back(self, action: RollBack, title: str) -> None:
        """Bring every upgraded node back, the last one first, and cancel: only then is the cluster what it was."""
        shown = {node.cluster_state for node in self._picture.nodes.values() if not node.failed}
        if not shown <= WITH_A_WAY_BACK:
            raise StoryBroken(f"there is no way back to {self._base}: nodes show {' and '.join(sorted(shown))}")
        node_id = self._scenario.node_of(action)
        self.tell(title or f"The upgrade is rolled back to {self._base}", node_id)
        upgraded = [node.node_id for node in self._picture.nodes.values() if node.version != self._base]
        await self._carry_out_roll(self._policy(tuple(reversed(upgraded)), self._base, action))
        await self._until("that every node shows READY_TO_UPGRADE", lambda: self._all_show("READY_TO_UPGRADE"))
        self.tell(f"All nodes run {self._base} again: the upgrade is cancelled on {node_id}", node_id)
        await self._cancel(node_id)

    def _policy(self, order: tuple[str, ...], to_version: str, action: Roll | RollBack) -> RollPolicy:
        return RollPolicy(
            order=order,
            to_version=to_version,
            drain=self._scenario.balancer.drain and (self._nodes_ask or self._cluster.balancer.has_administrator),
            pause_while_out_s=action.pause_while_out,
            pause_after_s=action.pause_after,
        )

    async def _roll(self, roll: Roll) -> None:
        """Play a roll, or one that the cluster has to refuse."""
        policy = self._policy(self._scenario.nodes_of(roll), roll.to, roll)
        failed = await self._carry_out_roll(policy, may_be_refused=roll.expect == "refused")
        if roll.expect == "refused" and not failed:
            raise StoryBroken(f"the cluster was to refuse {' and '.join(policy.order)} with {roll.to}")

    async def _carry_out_roll(self, policy: RollPolicy, *, may_be_refused: bool = False) -> bool:
        """Take one safe step after the other; whether it ended with a node that could not start."""
        loop = asyncio.get_running_loop()
        waiting, since_s = "", loop.time()
        while True:
            self._nobody_died()
            step = next_step(self._picture.seen(), policy)
            if isinstance(step, NotStarted):
                self._not_started(step.node_id, policy.to_version, may_be_refused=may_be_refused)
                return True
            if isinstance(step, Finished):
                return False
            why = _what_is_awaited(step)
            if why != waiting:
                waiting, since_s = why, loop.time()
            limit_s = self._deadline_s + max(policy.pause_after_s, policy.pause_while_out_s)
            if loop.time() - since_s > limit_s:
                raise StoryBroken(f"after {limit_s:g} s the roll still waited until {why}")
            await self._carry_out(step, policy)

    def _not_started(self, node_id: str, version: str, *, may_be_refused: bool) -> None:
        """Read in the node's log why; go on if the story has it so."""
        reason = self._cluster.why_not_started(node_id)
        self._recorder.event(NodeNotStarted(node_id, version, reason))
        if not may_be_refused:
            raise StoryBroken(f"{node_id} could not start with {version}: {reason}")
        self.tell(f"{node_id} could not start with {version}: {reason}", node_id)

    async def _carry_out(self, step: Step, policy: RollPolicy) -> None:
        match step:
            case Blocked(reason):
                raise StoryBroken(reason)
            case EnterUpgradeMode(node_id) if not self._nodes_ask:
                self.tell(f"{node_id} is taken out at the load balancer, by its administrator", node_id)
                await self._cluster.balancer.take_out(node_id, deadline_s=self._scenario.balancer.drain_deadline)
                await self._until(f"that {node_id} is set aside", lambda: self._picture.nodes[node_id].set_aside)
            case PutBack(node_id):
                self.tell(f"{node_id} is put back at the load balancer, by its administrator", node_id)
                await self._cluster.balancer.put_back(node_id)
                await self._until(f"that {node_id} is put back", lambda: not self._picture.nodes[node_id].set_aside)
            case EnterUpgradeMode(node_id):
                self.tell(f"{node_id} asks the load balancer to be drained", node_id)
                await self._admins[node_id].enter_node_upgrade_mode()
                node = self._picture.nodes[node_id]
                await self._until(f"that {node_id} asks to be drained", lambda: node.state == "DRAINING")
            case Stop(node_id):
                how = "drained: it is stopped" if policy.drain else "simply stopped"
                if self._picture.nodes[node_id].failed:
                    how = "stopped: it serves nobody"
                self.tell(f"{node_id} is {how}", node_id)
                await self._cluster.stop_node(node_id)
            case Upgrade(node_id):
                build = find_release(policy.to_version).build
                back = policy.to_version == self._base
                how = "put back to" if back else "upgraded to"
                self.tell(f"{node_id} is {how} {policy.to_version} (build {build}) and starts", node_id)
                await self._cluster.start_node(node_id, policy.to_version)
            case AwaitDrained(node_id):
                self.tell(f"{node_id} is taken out: its sessions move, its requests in flight finish", node_id)
                await self._picture.changed(within_s=LOOK_AGAIN_S)
            case Wait():
                await self._picture.changed(within_s=LOOK_AGAIN_S)

    @property
    def _nodes_ask(self) -> bool:
        """Whether nodes ask to be drained, and are heard."""
        return self._scenario.cluster.node_upgrade_mode and self._cluster.balancer.heeds_nodes

    def _all_show(self, state: str) -> bool:
        """Whether every node whose application runs shows ``state``; one that could not start shows nothing."""
        return all(node.cluster_state == state for node in self._picture.nodes.values() if not node.failed)

    def _nobody_died(self) -> None:
        if self._picture.crashed:
            raise StoryBroken(f"{' and '.join(self._picture.crashed)} died although nobody had stopped it")

    async def _until(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait for something, but not beyond the death of a process."""
        await self._picture.until(what, lambda: bool(self._picture.crashed) or holds(), within_s=self._deadline_s)
        self._nobody_died()


def longest_step_s(scenario: Scenario) -> float:
    """How long a step may take by what the scenario itself says: start, stop, drain, health checks, state polls."""
    cluster, balancer = scenario.cluster, scenario.balancer
    checks_s = (balancer.inter + balancer.timeout) * (balancer.rise + balancer.fall)
    intervals = cluster.intervals.scaled(cluster.time_scale)
    return (
        cluster.start_duration
        + cluster.stop_duration
        + balancer.drain_deadline
        + checks_s
        + 2 * intervals.upgrade_state_poll
        + intervals.version_check_wait
    )


def _what_is_awaited(step: Step) -> str:
    """What a waiting step waits for, as the end of a sentence; empty for a step that does something."""
    match step:
        case Wait(_, why):
            return why
        case AwaitDrained(node_id):
            return f"the load balancer has drained {node_id}"
    return ""
