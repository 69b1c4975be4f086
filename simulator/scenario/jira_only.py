"""What only a cluster of Jira nodes has: refused in a scenario with another application, before anything is started.

A setting counts as given when it has another value than it has by itself: a scenario that is read from the record of
a run says everything.
"""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel

from simulator.faults.fault import Fault
from simulator.scenario.application import NodePart
from simulator.scenario.coherence import Problem, with_inner
from simulator.scenario.conditions import parse_condition
from simulator.scenario.expectations import Expectations
from simulator.scenario.steps import Cancel, Finalise, Loc, Roll, RollBack, SetLoad, StartUpgrade, Step

_ELSEWHERE = {
    StartUpgrade: "a roll of another application needs none",
    Finalise: "there are no upgrade tasks; a roll is over with its last node",
    Cancel: "there is no upgrade mode to leave",
    SetLoad: "its visitors read one page, and nothing else",
    RollBack: "say roll once more, with `to` the version of before",
}
_CLUSTER_KEYS = (
    *("time_scale", "intervals", "mixed_when", "node_upgrade_mode", "start_duration", "warm_up", "warm_up_delay"),
    *("stop_duration", "session_timeout", "keep_alive"),
)
_FAULTS = {
    "db": "net.* and http.* act on the way to any node",
    "clock": "give the node's program another time by node.env, if it has a way",
    "upgrade": "write a version that misbehaves into node.versions, and roll to it",
    "session": "http.* and health.* act on the way to any node",
}
"""Families of faults that reach into Jira or its database, and what to try in their place."""
_FAULT_NAMES = {
    "proc.slow_start": "write a version that starts slowly into node.versions",
    "proc.crash_loop": "proc.kill ends a node of any application",
    "operator.finalises_early": "there is nothing to finalise; operator.forgets_drain is a habit that shows",
}
_NODE_STATES = frozenset({"RUNNING", "out", "stopped", "serving"})
_DRAINING = "DRAINING"
"""A node's state, where ``node.health.draining`` says how it is told."""
_HAPPENINGS = frozenset(
    {"MIXED serves both versions", "a user is signed in silently", "a search is behind", "a write is ambiguous"}
)
_QUANTITIES = frozenset({"search delay", "silent sign-ins", "unsaved work lost", "cluster is STATE within"})
_WHY = "is Jira's; this scenario has another application (node)"


def all_of_jira(
    *,
    node: NodePart,
    cluster: BaseModel | None,
    load: BaseModel | None,
    balancer: BaseModel | None,
    timeline: Sequence[Step | None] | None,
    expect: Expectations | None,
) -> list[Problem]:
    """Everything in a scenario with another application that only Jira has; ``None`` is what could not be read."""
    found = list(_settings(node, cluster, load, balancer))
    for index, step in enumerate(timeline or ()):
        for loc, one in with_inner(step, ("timeline", index)) if step else ():
            found += _step(one, loc, node)
    return found + (list(_expectations(expect, node)) if expect else [])


def _states(node: NodePart) -> frozenset[str]:
    """What can be said of a node of this application."""
    return _NODE_STATES | {_DRAINING} if node.health.draining else _NODE_STATES


def instead_of(fault: Fault) -> str:
    """What to try in the place of a fault that only a cluster of Jira nodes can have; empty for any other fault."""
    return _FAULT_NAMES.get(fault.name) or _FAULTS.get(fault.name.partition(".")[0], "")


def _settings(
    node: NodePart, cluster: BaseModel | None, load: BaseModel | None, balancer: BaseModel | None
) -> Iterator[Problem]:
    """Keys that mean nothing to another application."""
    for part, name, keys in (
        (cluster, "cluster", _CLUSTER_KEYS),
        (load, "load", ("mix", "arrivals")),
        (balancer, "balancer", ("expect_state",)),
    ):
        for key in keys:
            if part is not None and getattr(part, key) != type(part).model_fields[key].get_default():
                yield Problem((name, key), f"{name}.{key} {_WHY}")
    if balancer is not None and getattr(balancer, "stickiness", "") == "none" and not node.page.node_header:
        message = "stickiness: none leaves no cookie that tells who answered: name node.page.node_header"
        yield Problem(("balancer", "stickiness"), message)


def _step(step: Step, loc: Loc, node: NodePart) -> Iterator[Problem]:
    """What is Jira's in one step."""
    action, here = step.action, (*loc, step.action_name)
    why = next((why for kind, why in _ELSEWHERE.items() if isinstance(action, kind)), "")
    if why:
        yield Problem(here, f"{step.action_name} {_WHY}: {why}")
    if isinstance(action, Roll):
        if action.finalise == "auto":
            yield Problem((*here, "finalise"), f"finalise: auto {_WHY}: there are no upgrade tasks")
        if action.expect == "refused":
            yield Problem((*here, "expect"), f"expect: refused {_WHY}: nobody refuses a node here")
    if isinstance(action, Fault) and (instead := instead_of(action)):
        yield Problem((*here, "name"), f"the fault {action.name} {_WHY}: {instead}")
    if step.when is not None:
        condition = parse_condition(step.when)
        of_cluster = not condition.node and not condition.least
        if of_cluster or (condition.verb == "is" and condition.what not in _states(node)):
            yield Problem(
                (*loc, "when"), f"{condition.text!r} {_WHY}; known here: {', '.join(sorted(_states(node)))}"
            )


def _expectations(expect: Expectations, node: NodePart) -> Iterator[Problem]:
    """Sentences that nothing could decide without Jira's states, searches and writes."""
    for index, objective in enumerate(expect.parsed):
        of_state = objective.scope.what not in {"", "upgrade", "out"}
        if of_state or objective.quantity.words[0] in _QUANTITIES:
            yield Problem(("expect", "objectives", index), f"{objective.text!r} {_WHY}")
        if objective.quantity.words[0] == "lb lag" and not node.health.draining:
            why = "needs node.health.draining: without it no node says that it is leaving"
            yield Problem(("expect", "objectives", index), f"{objective.text!r} {why}")
    for index, happening in enumerate(expect.happenings):
        of_node = happening.what == "node" and happening.state not in _states(node) - {"stopped", "serving"}
        if of_node or happening.what == "cluster" or happening.what in _HAPPENINGS:
            yield Problem(("expect", "sometimes", index), f"{happening.text!r} {_WHY}")
