"""What a scenario says: a cluster, a balancer, a load, the steps of the story, and what is expected of it.

These are the words of the scenario language; ``docs/scenarios.md`` is made from them. Durations are held in seconds.
A :class:`Scenario` that exists hangs together: :mod:`simulator.scenario.coherence` has looked at it.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from node.config import JiraIntervals, MixedWhen
from simulator.faults.fault import Fault
from simulator.roll_policy import ordered
from simulator.scenario.application import NodePart
from simulator.scenario.coherence import Problem, find_problems, node_ids, with_inner
from simulator.scenario.expectations import Expectations, unknown_nodes
from simulator.scenario.fields import (
    Address,
    Flag,
    Number,
    PositiveDuration,
    ScenarioName,
    Section,
    Text,
    Version,
    Whole,
    is_loopback,
    split_address,
)
from simulator.scenario.jira_only import all_of_jira
from simulator.scenario.steps import Cancel, Finalise, Roll, RollBack, StartUpgrade, Step, all_steps
from simulator.scenario.work import ActionMix, ThinkTime
from zdu.durations import Duration

INCOHERENT = "incoherent"
"""The type of the error that stands for all contradictions at once; their places are known to whoever looks again."""


def _check_intervals(intervals: JiraIntervals) -> JiraIntervals:
    for name, value in intervals:
        if value <= 0:
            raise ValueError(f"{name} must be longer than 0")
    if intervals.dead_after <= intervals.heartbeat:
        raise ValueError("dead_after must be longer than heartbeat: every node would count as dead between two beats")
    return intervals


class ClusterPart(Section):
    """The nodes before anything happens, and how this Jira behaves."""

    nodes: Annotated[Whole, Field(ge=1, le=100)] = 2
    """How many nodes there are; they are called `node1`, `node2`, …"""
    version: Version
    """The version that all nodes run at first, in quotes."""
    time_scale: Annotated[Number, Field(gt=0)] = 60.0
    """Jira's own intervals are divided by this: 60 turns a heartbeat every minute into one every second."""
    intervals: Annotated[JiraIntervals, AfterValidator(_check_intervals)] = JiraIntervals()
    """Jira's own intervals before scaling, under the names administrators know; the defaults are Jira's."""
    mixed_when: MixedWhen = "rejoined"
    """When the cluster counts as MIXED: `rejoined` is Atlassian's rule, `removed` the blog's."""
    node_upgrade_mode: Flag = False
    """Whether a node can be put into upgrade mode, in which its `/status` asks the balancer to drain it."""
    start_duration: Duration = 1.0
    """How long a node stays STARTING at least."""
    warm_up: Duration = 0.0
    """How long a node that is RUNNING still answers more slowly than it will: empty caches, cold code."""
    warm_up_delay: Duration = 0.1
    """By how much its first request takes longer while it warms up; the later ones by less and less."""
    stop_duration: Duration = 1.0
    """How long a node stays STOPPING and refuses new work before it goes."""
    keep_alive: PositiveDuration = 75.0
    """How long a node keeps an idle connection open (Tomcat's `keepAliveTimeout`); not scaled."""
    session_timeout: PositiveDuration = 5 * 3600.0
    """How long a session may be idle before it ends; Jira's five hours, which are not scaled."""

    @property
    def node_ids(self) -> tuple[str, ...]:
        """``node1``, ``node2`` and so on."""
        return node_ids(self.nodes)


def _only_loopback(value: str) -> str:
    if not is_loopback(split_address(value)[0]):
        raise ValueError(
            f"expected an address on this machine, such as 127.0.0.1:0, not {value!r}: nothing guards it"
        )
    return value


class BalancerPart(Section):
    """The load balancer's health checks and how it takes a node out, in HAProxy's words."""

    drain: Flag = True
    """Whether the balancer heeds a node that asks to be drained; if not, only passed and failed checks count."""
    drain_deadline: Duration = 0.5
    """How long a draining node still serves the sessions bound to it; then each moves with its next request."""
    inter: PositiveDuration = 0.4
    """The time between two health checks of a node."""
    rise: Annotated[Whole, Field(ge=1)] = 2
    """This many checks in a row must pass before a node counts as UP."""
    fall: Annotated[Whole, Field(ge=1)] = 3
    """This many checks in a row must fail before a node counts as DOWN."""
    timeout: PositiveDuration = 1.0
    """How long a health check may take."""
    expect_state: Text = "RUNNING"
    """The state that `/status` must show besides 200; empty trusts any 200, which Jira gives while STARTING, too."""
    stickiness: Literal["insert", "none"] = "insert"
    """Whether a cookie of the balancer's binds a session to its node; `none` sends each request to any node."""
    balance: Literal["roundrobin", "leastconn", "random"] = "roundrobin"
    """Which node gets a new session."""
    queue_timeout: Duration = 5.0
    """How long a request waits while no node can take it; then the balancer answers 503."""
    slowstart: Duration = 0.0
    """Over this time a node that came back gets more and more of the new sessions; 0 gives it its share at once."""
    server_keep_alive: PositiveDuration = 15.0
    """How long the balancer keeps an idle connection to a node: less than the node does (`cluster.keep_alive`)."""
    listen: Address = "127.0.0.1:0"
    """Where the balancer serves users, as host:port; port 0 takes any free one."""
    admin_listen: Annotated[Address, AfterValidator(_only_loopback)] = "127.0.0.1:0"
    """Where the balancer's status page and its admin interface are; only on this machine."""

    @property
    def listen_address(self) -> tuple[str, int]:
        """Host and port of ``listen``."""
        return split_address(self.listen)

    @property
    def admin_address(self) -> tuple[str, int]:
        """Host and port of ``admin_listen``."""
        return split_address(self.admin_listen)


class ArrivalsPart(Section):
    """The open model: actions arrive at a rate, however long the answers take. What nobody can serve is dropped."""

    rate: Annotated[Number, Field(ge=0, le=10_000)] = 0.0
    """Actions per second, by the same mix as the users'; 0 is none."""
    people: Annotated[Whole, Field(ge=1, le=10_000)] = 50
    """So many people take turns; an arrival that finds all of them busy is dropped, and counted."""
    sessions: Literal["kept", "new"] = "kept"
    """`kept`: each of them stays signed in. `new`: each arrival is a session of its own that signs in first."""


class LoadPart(Section):
    """The users at work and the probes that measure."""

    users: Annotated[Whole, Field(ge=0, le=10_000)] = 24
    """How many people work at once. Each waits for an answer before going on, as people do."""
    arrivals: ArrivalsPart = ArrivalsPart()
    """Work that arrives at a rate, besides the users."""
    ramp: Duration = 1.5
    """Within this time all users come, evenly spread, and the arrivals grow from none to their rate."""
    think_time: ThinkTime = ThinkTime()
    """How long a user looks at a page before the next click."""
    mix: ActionMix = ActionMix()
    """What users do, and how often."""
    probe_rate: Annotated[Number, Field(ge=0, le=1000)] = 10.0
    """Probes per second on new connections, and as many again on kept-alive ones; sent on time whatever happens."""
    request_timeout: PositiveDuration = 5.0
    """A request without its whole answer by then has failed."""


SessionsKind = Literal["remember-me", "in-memory", "shared"]
"""How people stay signed in, and what of it survives the loss of a node."""


class Ends(Section):
    """How a run is meant to end: for those who read the file, and for the tests that play it."""

    verdict: Literal["pass", "fail", "inconclusive"] = "pass"
    """The word."""
    because: tuple[Text, ...] = ()
    """The checks that are broken or missing then, by their names in the verdict."""


class Twin(Section):
    """The same story with one thing changed, so that it ends otherwise: `zdu run NAME --twin`."""

    title: Text
    """One line that says what is different."""
    set: Annotated[dict[str, Any], Field(min_length=1)]
    """What is changed, as for `--set`: keys with dots between them, and their values."""
    ends: Ends = Ends(verdict="fail")
    """How the twin is meant to end."""


def contradictions(
    cluster: ClusterPart | None,
    timeline: Sequence[Step | None] | None,
    expect: Expectations | None,
    *,
    node: NodePart | None,
    load: LoadPart | None,
    balancer: BalancerPart | None,
    of_jira: bool | None = None,
) -> list[Problem]:
    """What does not fit together, in as much of a scenario as could be read; ``None`` is what could not.

    ``of_jira`` is whether the nodes are Jira's, where that is not what ``node`` tells: its part could not be read.
    """
    count, version = (cluster.nodes, cluster.version) if cluster else (None, None)
    found = find_problems(count, version, timeline, of_jira=node is None if of_jira is None else of_jira)
    if balancer is not None and balancer.stickiness == "none":
        found += _nobody_is_bound(timeline or ())
    if count is not None and expect is not None:
        found += unknown_nodes(expect, count)
    if node is not None:
        found += all_of_jira(
            node=node, cluster=cluster, load=load, balancer=balancer, timeline=timeline, expect=expect
        )
    return found


def _nobody_is_bound(timeline: Sequence[Step | None]) -> list[Problem]:
    """Faults of sessions that are bound to a node, where none is."""
    steps = [(("timeline", index), step) for index, step in enumerate(timeline) if step]
    return [
        Problem(
            (*loc, "fault", "name"),
            f"{one.fault.name} keeps sessions at their node, and balancer.stickiness: none binds them to none; "
            "say insert, or leave the fault out",
        )
        for at, step in steps
        for loc, one in with_inner(step, at)
        if one.fault and one.fault.name == "session.fixated_to_dead_node"
    ]


class Scenario(Section):
    """A whole scenario file."""

    name: ScenarioName
    """What it is called on the command line and in `runs/`."""
    title: Text
    """One line for lists and headings."""
    story: Text = ""
    """What it shows, in a few sentences."""
    sessions: SessionsKind = "remember-me"
    """What a moved user has: a silent sign-in by `remember-me`, nothing (`in-memory`), or a `shared` session."""
    cluster: ClusterPart
    """The nodes before anything happens, and how this Jira behaves."""
    node: NodePart | None = None
    """Another application in the place of Jira: what each node is."""
    balancer: BalancerPart = BalancerPart()
    """The load balancer's health checks and how it takes a node out."""
    load: LoadPart = LoadPart()
    """The users at work and the probes that measure."""
    timeline: Annotated[tuple[Step, ...], Field(min_length=1)]
    """The steps of the story, one after the other."""
    expect: Expectations = Expectations()
    """What must hold for the verdict: a list of objectives, or the keys below."""
    ends: Ends = Ends()
    """How the run is meant to end."""
    twin: Twin | None = None
    """The same story with one thing changed, so that it ends otherwise."""

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        problems = contradictions(
            self.cluster, self.timeline, self.expect, node=self.node, load=self.load, balancer=self.balancer
        )
        if problems:
            raise PydanticCustomError(INCOHERENT, "{why}", {"why": "; ".join(p.message for p in problems)})
        return self

    def as_played(self) -> dict[str, Any]:
        """All that it says, defaults and overrides included, in the words of a file: for the record of a run."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @property
    def of_jira(self) -> bool:
        """Whether the nodes are ours, which behave like Jira's, and not another application's."""
        return self.node is None

    @property
    def versions(self) -> tuple[str, ...]:
        """Every version that a node is given in the story, the first one first."""
        return tuple(dict.fromkeys([self.version_from, *(step.roll.to for step in self.steps if step.roll)]))

    @property
    def nodes_ask(self) -> bool:
        """Whether nodes ask to be drained before they are stopped, as far as the load balancer heeds it."""
        return self.node.drain is not None if self.node else self.cluster.node_upgrade_mode

    @property
    def versions_in_the_end(self) -> dict[str, str]:
        """What each node is to run in the end, where the nodes are another application's.

        A breach brings every node back to the version that all of them ran last.
        """
        base = self.cluster.version
        runs = dict.fromkeys(self.cluster.node_ids, base)
        for step in self.steps:
            if step.goes_back:
                runs = dict.fromkeys(runs, base)
            elif step.roll:
                runs.update(dict.fromkeys(self.nodes_of(step.roll), step.roll.to))
            base = step.roll.to if step.roll and set(runs.values()) == {step.roll.to} else base
        return runs

    @property
    def search_delay_s(self) -> float:
        """How long a search may miss a change unless an objective says: two looks and one second."""
        return 2 * self.cluster.intervals.index_replay / self.cluster.time_scale + 1.0

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps of the timeline, those inside of others included, in the order of the file."""
        return tuple(all_steps(self.timeline))

    @property
    def version_from(self) -> str:
        """The version that the cluster starts with."""
        return self.cluster.version

    @property
    def version_to(self) -> str:
        """The version that the cluster ends with: the target of the last roll, or the first version if none.

        A roll that has to be refused leads nowhere, and one that is taken back to where it came from.
        """
        base = reached = self.cluster.version
        for step in self.steps:
            if step.roll and step.roll.expect == "joined":
                reached = step.roll.to
            is_final = step.finalise or (step.roll and step.roll.finalise == "auto")
            base = reached if is_final else base
            reached = base if step.goes_back else reached
        return reached

    @property
    def rolled_back_from(self) -> str:
        """The target of the upgrade that the last step to roll back takes back; empty if there is none."""
        target = taken_back = ""
        for step in self.steps:
            if step.roll:
                target, taken_back = step.roll.to, ""
            taken_back = target if step.goes_back else taken_back
        return taken_back

    def nodes_of(self, roll: Roll) -> tuple[str, ...]:
        """The nodes that ``roll`` upgrades, in its order."""
        return self.cluster.node_ids if roll.nodes == "all" else roll.nodes

    @property
    def paths(self) -> frozenset[str]:
        """The paths that its faults need a proxy on: to the ``balancer``, to the ``database``."""
        return frozenset(fault.path for fault in self.faults if fault.path)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """All faults of the timeline, in the order of the file."""
        return tuple(step.fault for step in self.steps if step.fault)

    @property
    def refusals(self) -> tuple[tuple[str, str], ...]:
        """Each node that the cluster has to refuse, with the version it has then."""
        rolls = (step.roll for step in self.steps if step.roll and step.roll.expect == "refused")
        return tuple((self.nodes_of(roll)[0], roll.to) for roll in rolls)

    @property
    def breaches(self) -> tuple[str, ...]:
        """The version of each roll that has to be breached."""
        return tuple(step.roll.to for step in self.steps if step.roll and step.roll.expect == "breached")

    def rolled_by(self, roll: Roll, seed: int) -> tuple[str, ...]:
        """The nodes that ``roll`` takes out in a run of that seed; of one that is to break off only the first."""
        names = ordered(self.nodes_of(roll), roll.order, seed)
        return names[: roll.canary or roll.batch] if roll.expect == "breached" else names

    def node_of(self, action: StartUpgrade | RollBack | Cancel | Finalise) -> str:
        """The node on whose page ``action`` is done."""
        return self.cluster.node_ids[0] if action.on == "first" else action.on
