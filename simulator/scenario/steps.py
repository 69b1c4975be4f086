"""The steps of a timeline. A step is a mapping with one action and, for the audience, a title and a text."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, Strict, model_validator
from pydantic_core import PydanticCustomError

from simulator.faults.catalogue import AnyFault
from simulator.faults.fault import Fault
from simulator.roll_policy import Drain, OnBreach, Order
from simulator.scenario.conditions import parse_condition
from simulator.scenario.fields import Flag, NodeChoice, NodeName, PositiveDuration, Section, Text, Version, Whole
from simulator.scenario.sentences import CanaryText
from simulator.scenario.work import ActionMix, ThinkTime
from zdu.durations import Duration, parse_duration_s

Loc = tuple[str | int, ...]


def _read_when(value: str) -> str:
    return parse_condition(value).text


def delay_s(after: str) -> float | None:
    """The seconds that ``after`` says; None if it is the name of a step."""
    try:
        return parse_duration_s(after)
    except ValueError:
        return None


After = Annotated[str, Strict(), Field(min_length=1)]
When = Annotated[str, Strict(), AfterValidator(_read_when)]
Branch = Annotated[tuple["Step", ...], Field(min_length=1)]


class Observe(Section):
    """Let the users work and change nothing."""

    for_s: Annotated[PositiveDuration, Field(alias="for")]
    """How long."""


class StartUpgrade(Section):
    """An administrator puts Jira into upgrade mode; with `cluster.node_upgrade_mode` that node asks to be drained."""

    on: NodeName = "first"
    """The node whose page is used: `first`, or its name."""


class Roll(Section):
    """Node by node, or batch by batch: out of the load balancer, stop, upgrade, start, back in."""

    to: Version
    """The version that the nodes get."""
    nodes: NodeChoice = "all"
    """`all`, or a list of names."""
    order: Order = "listed"
    """The order of `nodes`, or the `reverse` of it, or `random` by the seed of the run."""
    batch: Annotated[Whole, Field(ge=1)] = 1
    """How many nodes are out together; the next ones follow when all of them are back."""
    max_unavailable: Annotated[Whole, Field(ge=1)] | None = None
    """No node leaves while so many are out, for whatever reason. Without it as many as `batch`: one, as a rule."""
    canary: Annotated[Whole, Field(ge=0)] = 0
    """So many nodes are upgraded first and by themselves, and watched before any other follows."""
    canary_watch: Duration = 0.0
    """How long the canary must have served before the others follow."""
    canary_expect: tuple[CanaryText, ...] = ()
    """What must hold for the canary's users as long as the roll lasts: `rate of errors < 1%`; else a breach."""
    drain: Drain = "own"
    """`own`: a node leaves once users need it no more; `deadline`: at the latest then; `none`: it is just stopped."""
    drain_deadline: PositiveDuration | None = None
    """For `drain: deadline`: how long after it has asked to be drained a node is stopped all the same."""
    pause_while_out: Duration = 0.0
    """How long a node stays away between its stop and its start with the new version."""
    min_healthy_time: Duration = 0.0
    """How long a node must have served without a break before it counts as back."""
    pause_after: Duration = 0.0
    """How long the roll waits once a node is back and healthy, before it goes on to the next."""
    node_deadline: PositiveDuration | None = None
    """A node that is not back so long after it left is a breach, as one is that dies or cannot start."""
    on_breach: OnBreach = "abort"
    """`abort` ends the story, `rollback` too, with all back; `pause` lets nobody leave till it is put right."""
    pause_deadline: PositiveDuration | None = None
    """For `on_breach: pause`: how long it may take till it is put right, or the story ends; without it 30 seconds."""
    finalise: Literal["manual", "auto", "never"] = "manual"
    """`manual`: by a step `finalise`; `auto`: after the roll, on the first node; `never`: no step may do it."""
    park: Flag = False
    """Whether the only node of a cluster may be stopped: the balancer holds requests (`balancer.queue_timeout`)."""
    expect: Literal["joined", "refused", "breached"] = "joined"
    """`refused`: the one node named has to be refused, and stays out. `breached`: a breach has to turn it back."""

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        problem = ""
        if (self.drain == "deadline") != (self.drain_deadline is not None):
            problem = "drain: deadline and drain_deadline need each other"
        elif self.canary_watch and not self.canary:
            problem = "canary_watch needs a canary: say how many nodes go first"
        elif self.pause_deadline is not None and self.on_breach != "pause":
            problem = f"pause_deadline is for on_breach: pause, not for on_breach: {self.on_breach}"
        elif self.expect == "refused" and self.on_breach != "abort":
            problem = f"expect: refused wants a node that cannot start, on_breach: {self.on_breach} forbids it"
        elif self.canary_expect and not self.canary:
            problem = "canary_expect needs a canary: say how many nodes go first"
        elif self.expect == "breached" and self.on_breach != "rollback":
            problem = "expect: breached wants every node brought back, so it needs on_breach: rollback"
        elif self.expect == "breached" and self.finalise == "auto":
            problem = "expect: breached wants every node brought back, so there is nothing to finalise"
        if problem:
            raise PydanticCustomError("roll_policy", "{problem}", {"problem": problem})
        return self


class Cancel(Section):
    """An administrator cancels the upgrade: back to STABLE, as long as no node is upgraded."""

    on: NodeName = "first"
    """The node whose page is used: `first`, or its name."""


class RollBack(Section):
    """Node by node, the last one first, back to the version of before; then an administrator cancels the upgrade.

    It has to come before `finalise`: once the upgrade tasks run, there is no way back.
    """

    on: NodeName = "first"
    """The node on whose page the upgrade is cancelled: `first`, or its name."""
    pause_while_out: Duration = 0.0
    """How long a node stays away between its stop and its start with the old version."""
    pause_after: Duration = 0.0
    """How long the roll waits once a node is back and healthy, before it goes on to the next."""


class Finalise(Section):
    """An administrator finalises the upgrade: the upgrade tasks run, on one node. There is no way back from here."""

    on: NodeName = "first"
    """The node whose page is used: `first`, or its name."""
    retries: Annotated[Whole, Field(ge=0, le=10)] = 0
    """How often the administrator acknowledges that a task has failed, and lets the tasks run again."""


class Repeat(Section):
    """Do the same steps again and again."""

    times: Annotated[Whole, Field(ge=1, le=1000)]
    """How often."""
    steps: Annotated[tuple["Step", ...], Field(min_length=1)]
    """What is done each time, one step after the other."""


class Parallel(Section):
    """Let several things happen at the same time; over when all of them are.

    Only one branch may lead the cluster through an upgrade: there is one administrator.
    """

    branches: Annotated[tuple[Branch, ...], Field(min_length=2)]
    """Lists of steps; each list is played one step after the other, all lists side by side."""


class SetLoad(Section):
    """From here on users do other things, or take another time for them: a mix for each phase of the story."""

    mix: ActionMix | None = None
    """How often they do what from now on, as in `load.mix`: an action that is not named has its usual weight."""
    think_time: ThinkTime | None = None
    """How long they look at a page from now on."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.mix is None and self.think_time is None:
            raise PydanticCustomError("set_load", "say what changes: mix, think_time, or both")
        return self


Action = Observe | StartUpgrade | Roll | RollBack | Cancel | Finalise | SetLoad | Repeat | Parallel | Fault

ACTIONS = (
    *("observe", "start_upgrade", "roll", "roll_back", "cancel", "finalise", "load"),
    *("repeat", "parallel", "fault"),
)


class Step(Section):
    """One step of the story: exactly one of the actions, and if wanted when it begins."""

    title: Text = ""
    """A line for the audience; without it the step names itself after its action."""
    text: Text = ""
    """A few sentences for the audience: what happens here and why."""
    notes: Text = ""
    """For whoever tells the story, what to look at: shown by `zdu demo`, and on pages opened with `?notes`."""
    name: Text = ""
    """What other steps call this one by, in `after`."""
    at: Duration | None = None
    """Not before this time since the story began."""
    after: After | None = None
    """So long after the step before; or after the step of that `name` is over."""
    when: When | None = None
    """Not before this is so: `cluster is MIXED`, `node1 is out`, `node1 runs 7.3.2`, `half of the sessions moved`."""
    observe: Observe | None = None
    """Let the users work for a while."""
    start_upgrade: StartUpgrade | None = None
    """Put Jira into upgrade mode."""
    roll: Roll | None = None
    """Upgrade the nodes one by one."""
    roll_back: RollBack | None = None
    """Bring the upgraded nodes back to the version of before, and cancel."""
    cancel: Cancel | None = None
    """Cancel the upgrade."""
    finalise: Finalise | None = None
    """Finalise the upgrade."""
    load: SetLoad | None = None
    """Let users do other things from now on."""
    repeat: Repeat | None = None
    """Do the same steps again and again."""
    parallel: Parallel | None = None
    """Let several things happen at the same time."""
    fault: AnyFault | None = None
    """Let something go wrong on purpose, while the story goes on."""

    @model_validator(mode="after")
    def _has_one_action(self) -> Self:
        actions = [name for name in ACTIONS if getattr(self, name) is not None]
        if len(actions) == 1:
            return self
        said = f"this one has {len(actions)}: {' and '.join(actions)}" if actions else "this one has none"
        raise PydanticCustomError("one_action", f"a step has exactly one of {', '.join(ACTIONS)}; {said}")

    @property
    def action(self) -> Action:
        """What the step does."""
        found: Action = getattr(self, self.action_name)
        return found

    @property
    def action_name(self) -> str:
        """The key of the action in the file."""
        return next(name for name in ACTIONS if getattr(self, name) is not None)

    @property
    def goes_back(self) -> bool:
        """Whether the cluster is on the version of before once the step is over."""
        return self.roll_back is not None or (self.roll is not None and self.roll.expect == "breached")

    @property
    def inner(self) -> Iterator[tuple[Loc, "Step"]]:
        """The steps inside of this one, with the way to each, in the order of the file."""
        if self.repeat:
            for index, step in enumerate(self.repeat.steps):
                yield ("repeat", "steps", index), step
        if self.parallel:
            for number, branch in enumerate(self.parallel.branches):
                for index, step in enumerate(branch):
                    yield ("parallel", "branches", number, index), step


def all_steps(steps: Iterable[Step]) -> Iterator[Step]:
    """All steps, those inside of others included, in the order of the file."""
    for step in steps:
        yield step
        yield from all_steps(inner for _, inner in step.inner)


Repeat.model_rebuild()
Parallel.model_rebuild()
Step.model_rebuild()
