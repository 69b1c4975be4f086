"""What no single value of a scenario can be wrong about alone: names, versions and the order of the steps.

Everything here takes ``None`` for a part that could not be read, and says nothing about what hangs on it: a person
who mistyped one key should not be told twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from node.releases import Flaw, find_release, is_known, known_versions
from simulator.faults.fault import Fault
from simulator.scenario.conditions import parse_condition
from simulator.scenario.order import waits_for_ever
from simulator.scenario.spelling import nearest, suggestion
from simulator.scenario.steps import (
    Cancel,
    Finalise,
    Loc,
    Observe,
    Parallel,
    Repeat,
    Roll,
    RollBack,
    SetLoad,
    StartUpgrade,
    Step,
    all_steps,
    delay_s,
)

_LEADS = (StartUpgrade, Roll, RollBack, Cancel, Finalise)


@dataclass(frozen=True)
class Problem:
    """A contradiction; ``loc`` leads to the value that is most likely wrong, as keys and list positions from 0."""

    loc: Loc
    message: str


def node_ids(count: int) -> tuple[str, ...]:
    """The nodes of a cluster of ``count``: ``node1``, ``node2`` and so on."""
    return tuple(f"node{number}" for number in range(1, count + 1))


@dataclass
class _Story:
    """Where the cluster is while the timeline is read from its first step to its last."""

    version: str
    of_jira: bool = True
    runs: dict[str, str] = field(default_factory=dict)
    """What nodes of another application run after a roll."""
    upgrading: bool = False
    target: str = ""
    rolled: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """The nodes that a roll has left out, alive and useless."""
    refused_told: bool = False
    finalised_from: str = ""
    """The version that the last finalised upgrade came from."""
    never_final: bool = False
    """Whether a roll of this upgrade says that it is never finalised."""
    certain: bool = True
    """False once a roll names a node that does not exist: which one was meant cannot be known."""


def find_problems(
    nodes: int | None,
    version: str | None,
    timeline: Sequence[Step | None] | None,
    *,
    where: Loc = ("timeline",),
    of_jira: bool = True,
) -> list[Problem]:
    """All contradictions between the cluster and its timeline, in the order of the file.

    Without ``of_jira`` the nodes are another application's, whose versions and upgrades follow no rules of ours.
    """
    problems = _unknown_version(version, ("cluster", "version")) if version is not None and of_jira else []
    if timeline is None:
        return problems
    readable = [step for step in timeline if step is not None]
    if len(readable) == len(timeline):
        if not any(step.observe for step in all_steps(readable)):
            problems.append(Problem(where, "at least one step must be observe: users need time to notice something"))
        problems += _bad_names(_named(readable, where), len(where) + 1)
    story = _Story(version, of_jira=of_jira) if version is not None else None
    for index, step in enumerate(timeline):
        if step is None:
            story = None  # what an unreadable step would have changed is anybody's guess
            continue
        for loc, one, again in _as_played(step, (*where, index)):
            found = _about(one, loc, story, nodes, of_jira=of_jira)
            if again:  # what was wrong the first time is told already
                told = {problem.message for problem in problems if problem.loc[: len(loc)] == loc}
                new = [problem for problem in found if problem.message not in told]
                found = [Problem(one.loc, f"when it is repeated, {one.message}") for one in new]
            problems += found
    return problems


def _as_played(step: Step, loc: Loc, *, again: bool = False) -> Iterator[tuple[Loc, Step, bool]]:
    """The step and all inside of it as they are played: what is repeated twice, the second time as ``again``.

    What goes well twice goes well as often as anybody likes: where the story is after a round, it is after the next.
    """
    yield loc, step, again
    rounds = (again, True) if step.repeat and step.repeat.times > 1 and not again else (again,)
    for round_ in rounds:
        for way, inner in step.inner:
            yield from _as_played(inner, (*loc, *way), again=round_)


def _about(step: Step, at: Loc, story: "_Story | None", nodes: int | None, *, of_jira: bool) -> list[Problem]:
    """What is wrong with one step; moves the story on."""
    loc = (*at, step.action_name)
    problems = _unknown_names(step, loc, nodes)
    if step.when is not None and nodes is not None:
        node = parse_condition(step.when).node
        if node and node not in ("any node", *node_ids(nodes)):
            problems.append(Problem((*at, "when"), f"there is no node {node!r}; {_which(node, node_ids(nodes))}"))
    if isinstance(step.action, Roll) and of_jira:
        problems += _unknown_version(step.action.to, (*loc, "to"))
    if isinstance(step.action, Roll) and nodes is not None:
        problems += _too_many(step.action, loc, nodes)
    if isinstance(step.action, Parallel):
        problems += _two_leaders(step.action, loc)
    if story is not None:
        problems += _out_of_order(story, step, loc, nodes)
    return problems


def with_inner(step: Step, loc: Loc) -> Iterator[tuple[Loc, Step]]:
    """The step and all inside of it, with the way to each."""
    yield loc, step
    for way, inner in step.inner:
        yield from with_inner(inner, (*loc, *way))


def _named(steps: Sequence[Step], where: Loc) -> list[tuple[Loc, Step]]:
    return [found for index, step in enumerate(steps) for found in with_inner(step, (*where, index))]


def _bad_names(steps: Sequence[tuple[Loc, Step]], top: int) -> list[Problem]:
    """Names that two steps have, and ``after`` that names no step, or one that cannot be over before."""
    found, names = [], [step.name for _, step in steps if step.name]
    for index, (loc, step) in enumerate(steps):
        if step.name and step.name in [other.name for _, other in steps[:index]]:
            found.append(Problem((*loc, "name"), f"an earlier step is called {step.name!r} already"))
        if step.after is None or delay_s(step.after) is not None:
            continue
        if step.after == step.name:
            found.append(Problem((*loc, "after"), "a step cannot come after itself"))
        elif step.after not in names:
            hint = suggestion(step.after, names) if names else "no step has a name"
            message = f"expected a duration such as 2s, or the name of a step, not {step.after!r}; {hint}"
            found.append(Problem((*loc, "after"), message))
    for loc, step in waits_for_ever(steps, top):
        if step.after != step.name:
            message = f"this would wait for ever: {step.after!r} cannot be over before this step has begun"
            found.append(Problem((*loc, "after"), message))
    return found


def _too_many(roll: Roll, loc: Loc, nodes: int) -> list[Problem]:
    """A canary that nobody can follow, and a batch that nobody could stay behind for."""
    count = nodes if roll.nodes == "all" else len(roll.nodes)
    found = []
    if roll.canary and roll.canary >= count:
        message = f"the canary would be all of the {count} nodes of this roll: nobody is left to follow it"
        found.append(Problem((*loc, "canary"), message))
    if nodes > 1 and min(roll.batch, roll.max_unavailable or roll.batch, count - roll.canary) >= nodes:
        message = f"a batch of all {nodes} nodes would leave nobody to serve: say {nodes - 1} at most"
        found.append(Problem((*loc, "batch"), message))
    return found


def _two_leaders(parallel: Parallel, loc: Loc) -> list[Problem]:
    """There is one administrator: only one branch may lead the cluster through an upgrade."""
    leaders = [
        number
        for number, branch in enumerate(parallel.branches)
        if any(isinstance(step.action, _LEADS) for step in all_steps(branch))
    ]
    if len(leaders) < 2:
        return []
    message = f"branches {' and '.join(str(number + 1) for number in leaders)} both lead the upgrade; only one may"
    return [Problem((*loc, "branches", leaders[1]), message)]


def _unknown_version(version: str, loc: Loc) -> list[Problem]:
    if is_known(version):
        return []
    plain = version.partition("+")[0]
    known = known_versions() if plain == version or not is_known(plain) else [f"{plain}+{flaw}" for flaw in Flaw]
    return [Problem(loc, f"unknown version {version!r}; {suggestion(version, known)}")]


def _unknown_names(step: Step, loc: Loc, nodes: int | None) -> list[Problem]:
    if nodes is None:
        return []
    known = node_ids(nodes)
    action = step.action
    if isinstance(action, StartUpgrade | RollBack | Cancel | Finalise):
        choices = ("first", *known)
        if action.on in choices:
            return []
        return [Problem((*loc, "on"), f"there is no node {action.on!r}; {_which(action.on, choices)}")]
    if isinstance(action, Fault) and action.where and action.where not in known:
        return [Problem((*loc, "node"), f"there is no node {action.where!r}; {_which(action.where, known)}")]
    if not isinstance(action, Roll) or action.nodes == "all":
        return []
    found = []
    for index, name in enumerate(action.nodes):
        if name not in known:
            message = f"there is no node {name!r}; {_which(name, known)}"
        elif name in action.nodes[:index]:
            message = f"{name!r} is named twice: a node is upgraded once"
        else:
            continue
        found.append(Problem((*loc, "nodes", index), message))
    return found


def _which(word: str, choices: Sequence[str]) -> str:
    """Node names are so alike that the nearest one is only worth saying when it is not just another number."""
    close = nearest(word, choices)
    if close and close.rstrip("0123456789") != word.rstrip("0123456789"):
        return f"did you mean {close!r}?"
    if len(choices) > 3 and choices[0] == "first":
        return f"this cluster has {choices[1]} to {choices[-1]}, and first is {choices[1]}"
    return f"this cluster has {choices[0]} to {choices[-1]}" if len(choices) > 3 else f"it is {' or '.join(choices)}"


def _out_of_order(story: _Story, step: Step, loc: Loc, nodes: int | None) -> list[Problem]:
    """What is wrong with ``step`` at this point of the story; moves the story on."""
    match step.action:
        case Roll() as roll if not story.of_jira:
            return _plain_roll(story, roll, loc, nodes)
        case _ if not story.of_jira:
            return []
        case StartUpgrade():
            return _start(story, loc)
        case Roll() as roll:
            found = _roll(story, roll, loc, nodes)
            if roll.expect == "breached":
                story.upgrading, story.target, story.rolled = False, "", []
            return found
        case RollBack():
            return _roll_back(story, loc)
        case Cancel():
            return _cancel(story, loc)
        case Finalise():
            return _finalise(story, loc, nodes)
        case Observe() | SetLoad() | Repeat() | Parallel() | Fault():
            return []


def _start(story: _Story, loc: Loc) -> list[Problem]:
    if story.upgrading:
        return [Problem(loc, "the cluster is in upgrade mode already: finalise the upgrade first")]
    story.upgrading, story.target, story.rolled, story.certain = True, "", [], True
    story.never_final = False
    return []


def _plain_roll(story: _Story, roll: Roll, loc: Loc, nodes: int | None) -> list[Problem]:
    """A roll of another application: to any version, as long as there is a node that does not run it yet."""
    names = (node_ids(nodes) if nodes is not None else ()) if roll.nodes == "all" else roll.nodes
    behind = [name for name in names if story.runs.get(name, story.version) != roll.to]
    if roll.expect != "breached":  # then every node is brought back
        story.runs.update(dict.fromkeys(names, roll.to))
    if behind or not names:
        return []
    return [Problem((*loc, "to"), f"{', '.join(names)} would run {roll.to} already: nothing would happen")]


def _roll(story: _Story, roll: Roll, loc: Loc, nodes: int | None) -> list[Problem]:
    if roll.to == story.version and story.refused and set(roll.nodes) <= set(story.refused):
        story.refused, story.refused_told = [name for name in story.refused if name not in roll.nodes], False
        return []  # puts refused nodes back
    found = []
    if not story.upgrading:
        found.append(Problem(loc, "a roll needs a start_upgrade before it"))
        story.upgrading = True  # said once is enough
    if roll.expect == "refused":
        return found + _refused_roll(story, roll, loc, nodes)
    found += _still_refused(story, [*loc])
    found += _not_newer(story.version, roll.to, (*loc, "to"))
    if story.target and roll.to != story.target:
        message = f"this upgrade goes to {story.target} already: a cluster bears two versions, not three"
        found.append(Problem((*loc, "to"), message))
    story.target = story.target or roll.to
    names = (node_ids(nodes) if nodes is not None else ()) if roll.nodes == "all" else roll.nodes
    story.certain &= nodes is None or set(names) <= set(node_ids(nodes))
    again = [name for name in names if name in story.rolled] if story.certain else []
    if again:
        found.append(Problem((*loc, "nodes"), f"an earlier step has upgraded {', '.join(again)} already"))
    story.rolled += [name for name in names if name not in story.rolled]
    if roll.finalise == "auto":
        found += _finalise(story, (*loc, "finalise"), nodes)
    story.never_final |= roll.finalise == "never"
    return found


def _refused_roll(story: _Story, roll: Roll, loc: Loc, nodes: int | None) -> list[Problem]:
    names = (node_ids(nodes) if nodes is not None else ()) if roll.nodes == "all" else roll.nodes
    story.refused += names
    if len(names) != 1 and nodes is not None:
        message = "a roll that has to be refused ends with its first node: name that one"
        return [Problem((*loc, "nodes") if roll.nodes != "all" else loc, message)]
    return []


def _still_refused(story: _Story, loc: list[str | int]) -> list[Problem]:
    if not story.refused or story.refused_told:
        return []
    names = " and ".join(story.refused)
    message = f"{names} was refused and serves nobody: first give it {story.version} again, with a roll of its own"
    story.refused_told = True  # said once is enough
    return [Problem(tuple(loc), message)]


def _cancel(story: _Story, loc: Loc) -> list[Problem]:
    found = []
    if not story.upgrading:
        found.append(Problem(loc, "there is nothing to cancel: the cluster is not in upgrade mode"))
    elif story.rolled:
        message = f"cancel needs every node at {story.version}: {', '.join(story.rolled)} would be upgraded already"
        found.append(Problem(loc, message))
    story.upgrading, story.target, story.rolled = False, "", []
    return found


def _roll_back(story: _Story, loc: Loc) -> list[Problem]:
    found = _still_refused(story, [*loc])
    if not story.upgrading and story.finalised_from:
        message = (
            f"there is no way back to {story.finalised_from}: the upgrade to {story.version} is finalised and the "
            f"data is changed; roll_back has to come before finalise"
        )
        found.append(Problem(loc, message))
    elif not story.rolled:
        found.append(Problem(loc, "there is nothing to roll back: no node has been upgraded yet"))
    story.upgrading, story.target, story.rolled = False, "", []
    return found


def _not_newer(version: str, to: str, loc: Loc) -> list[Problem]:
    known = is_known(version) and is_known(to)
    if not known or find_release(to).numbers > find_release(version).numbers:
        return []
    newer = [name for name in known_versions() if find_release(name).numbers > find_release(version).numbers]
    choice = f"newer and known: {', '.join(newer)}" if newer else "no newer one is known"
    return [Problem(loc, f"{to} is not newer than the cluster's {version}; {choice}")]


def _finalise(story: _Story, loc: Loc, nodes: int | None) -> list[Problem]:
    found = _still_refused(story, [*loc])
    behind = [name for name in node_ids(nodes or 0) if name not in story.rolled]
    if story.never_final:
        found.append(Problem(loc, "the roll before says finalise: never"))
    if not story.target:
        found.append(Problem(loc, "finalise needs a roll before it: no node has been upgraded yet"))
    elif behind and story.certain:
        message = f"finalise needs every node upgraded: {', '.join(behind)} would still run {story.version}"
        found.append(Problem(loc, message))
    story.finalised_from = story.version
    story.version, story.upgrading, story.target, story.rolled = story.target or story.version, False, "", []
    return found
