"""What can be done to a living cluster, whoever asks: a terminal, the dashboard, a test.

Every wish is idempotent: what is already so is said to be so, and nothing happens. Wishes that lead the whole cluster
somewhere (an upgrade's steps, a scenario) come one at a time; what is done to a single node may come at any time, a
roll included, because a roll looks at the cluster anew before each of its steps.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from node.releases import find_release
from simulator.balancers.balancer import BalancerFailed
from simulator.certify.visitors import Visit
from simulator.clients.jira_admin import AdminRequestFailed
from simulator.faults.faults import Faults
from simulator.load.load import Load
from simulator.operator import Operator
from simulator.pace import Pace
from simulator.picture import IN_UPGRADE_MODE, NodePicture, NotInTime
from simulator.scenario.model import Scenario
from simulator.scenario.steps import Cancel, Finalise, Roll, RollBack, StartUpgrade, Step
from simulator.stage import Stage
from simulator.supervisor import StartFailed
from simulator.up.advice import ClusterNow, NodeNow, target_of
from simulator.up.leading import Done, Leading, MomentName, Refused, WentWrong
from zdu.errors import UsageError
from zdu.events import NodeNotStarted

SPEAKS_WITHIN_S = 30.0
"""How long a started node may take until it says what has become of it, beyond the time it is told to take."""
FINALISE_RETRIES = 1


class LivingCluster:
    """A cluster with people at work on it. ``tasks`` owns what is begun; ``load`` is at work already."""

    def __init__(
        self,
        stage: Stage,
        load: Load | Visit,
        operator: Operator,
        faults: Faults,
        tasks: asyncio.TaskGroup,
        leading: Leading,
    ) -> None:
        """``leading`` also hears of each step of the operator's rolls."""
        self._stage = stage
        self._picture = stage.picture
        self._load = load
        self._operator = operator
        self._tasks = tasks
        self.faults = faults
        self.pace = Pace()
        self._went_home = 0
        self._leading = leading
        self._locks = {node_id: asyncio.Lock() for node_id in self._picture.nodes}
        self.base = stage.plan.scenario.cluster.version

    @property
    def under_way(self) -> str:
        """What leads the cluster somewhere at this moment; empty if nothing does."""
        return self._leading.under_way

    @property
    def ended(self) -> asyncio.Event:
        """Set when the story is to end."""
        return self._leading.ended

    @property
    def of_jira(self) -> bool:
        """Whether the nodes are ours, and not another application's."""
        return self._stage.plan.scenario.of_jira

    @property
    def node_ids(self) -> list[str]:
        """The nodes, by name."""
        return list(self._picture.nodes)

    # What is so now

    @property
    def users(self) -> int:
        """How many people are at work."""
        return self._load.users

    @property
    def state(self) -> str:
        """The upgrade state that the first node that serves shows; empty while none does."""
        shown = [node.cluster_state for node in self._picture.nodes.values() if self._serves(node)]
        return shown[0] if shown else ""

    def now(self) -> ClusterNow:
        """The cluster, as advice needs to know it."""
        nodes = tuple(
            NodeNow(node.node_id, node.version, node.running, node.paused, node.failed)
            for node in self._picture.nodes.values()
        )
        return ClusterNow(self.state, self.base, nodes, self._load.users, self.under_way)

    # One node

    async def stop_node(self, node_id: str) -> Done:
        """Stop it in an orderly way (SIGTERM)."""
        node = self._node(node_id)
        if not node.running:
            return Done(f"{node_id} is stopped already", changed=False)
        self._operator.tell(f"{node_id} is stopped by hand", node_id)
        await self._stage.cluster.stop_node(node_id)
        return Done(f"{node_id} is stopped")

    async def kill_node(self, node_id: str) -> Done:
        """Kill it (SIGKILL), as a power cut does."""
        node = self._node(node_id)
        if not node.running:
            return Done(f"{node_id} is stopped already", changed=False)
        self._operator.tell(f"{node_id} is killed by hand", node_id)
        await self._stage.cluster.kill_node(node_id)
        return Done(f"{node_id} is killed")

    async def pause_node(self, node_id: str) -> Done:
        """Let it stand still (SIGSTOP): it has the port, and answers nobody."""
        node = self._running(node_id)
        if node.paused:
            return Done(f"{node_id} stands still already", changed=False)
        self._operator.tell(f"{node_id} is paused by hand", node_id)
        self._stage.cluster.pause_node(node_id)
        return Done(f"{node_id} stands still")

    async def resume_node(self, node_id: str) -> Done:
        """Let it go on (SIGCONT)."""
        node = self._running(node_id)
        if not node.paused:
            return Done(f"{node_id} does not stand still", changed=False)
        self._operator.tell(f"{node_id} goes on", node_id)
        self._stage.cluster.resume_node(node_id)
        return Done(f"{node_id} goes on")

    async def start_node(self, node_id: str, to: str = "") -> Done:
        """Start it with the version it had, or with ``to``; over when it says RUNNING, or that it cannot start."""
        node = self._node(node_id)
        version = self._known(to) if to else node.version
        async with self._locks[node_id]:
            if node.running:
                if node.version == version and not node.failed:
                    return Done(f"{node_id} runs {version} already", changed=False)
                raise Refused(
                    f"{node_id} is running, with {node.version}",
                    hint=f"Stop it first (zdu node stop {node_id}), or let it be upgraded in order: "
                    f"zdu node upgrade {node_id} --to {version}",
                )
            if self.under_way:
                raise Refused(
                    f"{self.under_way} is under way", hint="It starts the nodes that it has stopped itself."
                )
            self._operator.tell(f"{node_id} is started by hand with {version}", node_id)
            return await self._start(node, version)

    async def upgrade_node(self, node_id: str, to: str = "") -> Done:
        """Take it out, upgrade it, put it back; as one step of a roll."""
        node = self._node(node_id)
        version = await self._target(to)
        if node.running and node.version == version and not node.failed and node.serving:
            return Done(f"{node_id} runs {version} already", changed=False)
        self._in_upgrade_mode(f"upgrade {node_id}")
        self._others_carry_its_load(node)
        roll = Roll.model_validate({"to": version, "nodes": [node_id]})
        return await self._lead(
            f"the upgrade of {node_id} to {version}", self._play(roll), f"{node_id} runs {version}"
        )

    async def drain_node(self, node_id: str) -> Done:
        """Let the load balancer send it no new sessions, and move those that it has."""
        node = self._node(node_id)
        if node.set_aside:
            return Done(f"the load balancer has set {node_id} aside already", changed=False)
        deadline_s = self._stage.plan.scenario.balancer.drain_deadline
        await self._at_the_balancer(self._stage.cluster.balancer.take_out(node_id, deadline_s=deadline_s))
        return Done(f"the load balancer drains {node_id}")

    async def ready_node(self, node_id: str) -> Done:
        """Let the load balancer send it its share again."""
        node = self._node(node_id)
        if not node.set_aside:
            return Done(f"the load balancer has not set {node_id} aside", changed=False)
        await self._at_the_balancer(self._stage.cluster.balancer.put_back(node_id))
        return Done(f"the load balancer sends requests to {node_id} again as soon as it is healthy")

    # The whole cluster

    async def start_upgrade(self) -> Done:
        """Put Jira into upgrade mode."""
        if self.state not in {"STABLE", ""}:
            return Done(f"the cluster is in upgrade mode already: {self.state}", changed=False)
        action = StartUpgrade(on=self._anybody())
        return await self._lead("putting Jira into upgrade mode", self._play(action), "Jira is in upgrade mode")

    async def cancel(self) -> Done:
        """Leave upgrade mode, while no node is upgraded."""
        if self.state == "STABLE":
            return Done("there is nothing to cancel: the cluster is STABLE", changed=False)
        if self.state != "READY_TO_UPGRADE":
            raise Refused(
                f"an upgrade can be cancelled only in READY_TO_UPGRADE; the cluster is {self.state}",
                hint="zdu upgrade roll-back brings every node back first, as long as nothing is finalised.",
            )
        action = Cancel(on=self._anybody())
        return await self._lead("cancelling", self._play(action), "the upgrade is cancelled, the cluster is STABLE")

    async def finalise(self) -> Done:
        """Run the upgrade tasks; after a failure acknowledge it, and run them again."""
        match self.state:
            case "STABLE":
                return Done("there is nothing to finalise: the cluster is STABLE", changed=False)
            case "UPGRADE_TASKS_FAILED":
                await self._admin_does("retry_upgrade")
            case "READY_TO_RUN_UPGRADE_TASKS":
                pass
            case state:
                raise Refused(
                    f"an upgrade can be finalised only in READY_TO_RUN_UPGRADE_TASKS; the cluster is {state}",
                    hint="Every node has to be upgraded first: zdu upgrade roll",
                )
        action = Finalise(on=self._anybody())
        done = "the upgrade is finalised, the cluster is STABLE"
        return await self._lead("finalising", self._play(action), done)

    async def roll(self, to: str = "", hold_at: frozenset[MomentName] = frozenset()) -> Done:
        """Upgrade every node that is not upgraded yet, one by one; at each moment of ``hold_at`` it holds."""
        version = await self._target(to)
        nodes = self._picture.nodes.values()
        if all(node.serving and node.version == version for node in nodes):
            return Done(f"every node runs {version} already", changed=False)
        self._in_upgrade_mode("roll")
        # Who is out of the load balancer already comes first: the others have to carry the load meanwhile.
        order = sorted(nodes, key=lambda node: node.serving)
        action = Roll.model_validate({"to": version, "nodes": [node.node_id for node in order]})
        what, done = f"the roll to {version}", f"every node runs {version}"
        return await self._lead(what, self._play(action), done, hold_at)

    async def go_on(self) -> Done:
        """Let a roll that holds go on, to its end or to where it holds next."""
        return await self._leading.go_on()

    async def roll_back(self) -> Done:
        """Bring every upgraded node back, the last one first, and cancel."""
        await self._look_at_base()
        if self.state == "STABLE":
            return Done("there is nothing to roll back: the cluster is STABLE", changed=False)
        action = RollBack(on=self._anybody())
        return await self._lead("the roll-back", self._play(action), f"every node runs {self.base} again")

    async def play(self, scenario: Scenario) -> Done:
        """Play the story of ``scenario`` on this cluster, which has to fit."""
        await self._look_at_base()
        here = {node.version for node in self._picture.nodes.values()}
        if self.state != "STABLE" or here != {scenario.cluster.version}:
            raise Refused(
                f"{scenario.name} begins with a STABLE cluster of {scenario.cluster.version}",
                hint=f"Such a one is started with: zdu up --version {scenario.cluster.version}",
            )
        if scenario.cluster.nodes > len(self._picture.nodes):
            raise Refused(
                f"{scenario.name} needs {scenario.cluster.nodes} nodes; here are {len(self._picture.nodes)}"
            )

        stage = self._stage
        story = stage.plan.scenario.model_copy(update={"timeline": scenario.timeline})
        seed = stage.plan.seed

        async def tell() -> None:
            async with stage.faults() as faults:
                parts = (stage.cluster, stage.picture, stage.recorder, stage.admins, faults)
                operator = Operator(story, *parts, seed=seed)
                if isinstance(self._load, Load):
                    operator.lead(self._load)
                await operator.play(self.pace.before)

        return await self._lead(f"the scenario {scenario.name}", tell, f"{scenario.name} is played to its end")

    # The people

    def set_users(self, wanted: int) -> Done:
        """Let people come or go. Raises UsageError for more than there are accounts."""
        before = self._load.users
        if wanted == before:
            words = f"{wanted} users are at work already" if wanted else "nobody is at work: all are at home already"
            return Done(words, changed=False)
        if not wanted:
            self._went_home = before
        self._load.set_users(wanted)
        return Done(f"{wanted} users are at work" if wanted else "everybody went home; the probes go on measuring")

    def start_load(self) -> Done:
        """Let as many people come as went home, or as there were at first."""
        if self._load.users:
            return Done(f"{self._load.users} users are at work already", changed=False)
        return self.set_users(self._went_home or self._stage.plan.scenario.load.users or 1)

    # The end

    def end(self) -> Done:
        """Let the story end; what leads the cluster somewhere is cut."""
        if self.ended.is_set():
            return Done("the cluster is being stopped already", changed=False)
        self._leading.end()
        return Done("the cluster is being stopped")

    # How it is done

    async def _lead(
        self,
        what: str,
        work: Callable[[], Awaitable[None]],
        done: str,
        hold_at: frozenset[MomentName] = frozenset(),
    ) -> Done:
        """Do something that nothing else of its kind may cross."""

        async def all_of_it() -> None:
            await work()
            await self._until_the_state_follows()
            await self._look_at_base()

        return await self._leading.lead(self._tasks, what, all_of_it, done, hold_at=hold_at)

    async def _at_the_balancer(self, order: Awaitable[None]) -> None:
        try:
            await order
        except BalancerFailed as error:
            raise WentWrong(error.message, hint=error.hint) from error

    async def _until_the_state_follows(self) -> None:
        """Once the last node is upgraded the nodes see so at their next look; until then the next step is refused."""
        nodes = self._picture.nodes.values()
        if len({node.version for node in nodes}) == 1 and all(node.takes_load for node in nodes):
            with suppress(NotInTime):  # then the state says itself what is missing
                await self._picture.until(
                    "that no node shows MIXED",
                    lambda: not any(node.cluster_state == "MIXED" for node in nodes),
                    within_s=SPEAKS_WITHIN_S,
                )

    def _play(self, action: StartUpgrade | Cancel | Finalise | Roll | RollBack) -> Callable[[], Awaitable[None]]:
        names = {StartUpgrade: "start_upgrade", RollBack: "roll_back"}
        name = names.get(type(action), type(action).__name__.lower())
        return lambda: self._operator.perform(Step.model_validate({name: action}))

    async def _start(self, node: NodePicture, version: str) -> Done:
        node_id, scenario = node.node_id, self._stage.plan.scenario
        try:
            await self._stage.cluster.start_node(node_id, version)
            await self._picture.until(
                f"that {node_id} says what has become of it",
                lambda: not node.running or node.state in {"RUNNING", "DRAINING", "ERROR"},
                within_s=scenario.cluster.start_duration + SPEAKS_WITHIN_S,
            )
        except (StartFailed, NotInTime) as error:
            raise WentWrong(f"{node_id} could not be started with {version}: {error}") from error
        if not node.running:
            raise WentWrong(f"{node_id} ended while it started with {version}", hint=f"zdu logs {node_id} -n 20")
        if node.failed:
            reason = self._stage.cluster.why_not_started(node_id)
            self._stage.recorder.event(NodeNotStarted(node_id, version, reason))
            raise WentWrong(f"{node_id} could not start with {version}: {reason}")
        return Done(f"{node_id} runs {version}")

    async def _target(self, to: str) -> str:
        await self._look_at_base()
        target = self._known(to) if to else target_of(self.now())
        if not target:
            raise Refused(f"there is nothing newer than {self.base}")
        return target

    async def _look_at_base(self) -> None:
        """Ask a node which version the cluster comes from; if none answers, the last answer holds."""
        for node in self._picture.nodes.values():
            if self._serves(node):
                try:
                    words = await self._stage.admins[node.node_id].get("/rest/api/2/cluster/zdu/state")
                    self.base = str(words["build"]["version"])
                except AdminRequestFailed:
                    continue
                return

    async def _admin_does(self, wish: str) -> None:
        try:
            await getattr(self._stage.admins[self._anybody()], wish)()
        except AdminRequestFailed as error:
            raise WentWrong(str(error)) from error

    def _in_upgrade_mode(self, what: str) -> None:
        if self.state == "STABLE":
            raise Refused(
                f"cannot {what}: the cluster is STABLE, and a node of another version would be refused",
                hint="First put Jira into upgrade mode: zdu upgrade start",
            )

    def _others_carry_its_load(self, node: NodePicture) -> None:
        """Refuse at once what would wait in vain: the only node that takes sessions cannot be taken out."""
        others = [other for other in self._picture.nodes.values() if other is not node]
        if not node.serving or any(other.serving for other in others):
            return
        hints = [
            f"{other.node_id} is in upgrade mode and drained: first zdu node upgrade {other.node_id}"
            if other.state == IN_UPGRADE_MODE
            else f"{other.node_id} is out: first zdu node start {other.node_id}"
            for other in others
        ]
        raise Refused(
            f"{node.node_id} is the only node that takes new sessions: without it nobody could work",
            hint="; ".join(hints) or "A cluster of two nodes could be upgraded: zdu up --nodes 2",
        )

    def _node(self, node_id: str) -> NodePicture:
        node = self._picture.nodes.get(node_id)
        if node is None:
            raise UsageError(
                f"there is no node {node_id!r}", hint=f"This cluster has: {', '.join(self._picture.nodes)}."
            )
        return node

    def _running(self, node_id: str) -> NodePicture:
        node = self._node(node_id)
        if not node.running:
            raise Refused(f"{node_id} is stopped", hint=f"Start it with: zdu node start {node_id}")
        return node

    def _anybody(self) -> str:
        """A node on whose page something can be done."""
        for node in self._picture.nodes.values():
            if self._serves(node):
                return node.node_id
        raise Refused("no node serves", hint="Start one with: zdu node start NODE")

    def _known(self, version: str) -> str:
        """The version, if it is another application's or a release. Raises UsageError that names all releases."""
        return find_release(version).version if self.of_jira else version

    @staticmethod
    def _serves(node: NodePicture) -> bool:
        return node.running and not node.paused and node.state in {"RUNNING", "DRAINING"} and bool(node.cluster_state)
