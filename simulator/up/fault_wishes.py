"""Faults on a living cluster: put on and taken back by whoever commands it."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from simulator.faults.catalogue import FAULTS, AnyFault
from simulator.faults.fault import Fault, FaultFailed
from simulator.faults.faults import Faults
from simulator.scenario.explain import keys_of
from simulator.scenario.jira_only import instead_of
from simulator.scenario.spelling import suggestion
from simulator.up.leading import Done, WentWrong
from zdu.errors import UsageError

_ADAPTER: TypeAdapter[Fault] = TypeAdapter(AnyFault)


async def apply_fault(faults: Faults, written: Mapping[str, Any], nodes: list[str], *, of_jira: bool = True) -> Done:
    """Put a fault on, written as in a scenario. Raises UsageError for a mistake in it, WentWrong if it cannot be.

    Without ``of_jira`` the nodes are another application's, which has not all that a fault may touch.
    """
    fault = read_fault(written)
    if not of_jira and (instead := instead_of(fault)):
        raise UsageError(f"{fault.name} is for a cluster of Jira nodes; here is another application", hint=instead)
    if fault.where and fault.where not in nodes:
        raise UsageError(f"there is no node {fault.where!r}", hint=f"This cluster has: {', '.join(nodes)}.")
    try:
        await faults.apply(fault)
    except FaultFailed as error:
        raise WentWrong(error.message, hint=error.hint) from error
    for_how_long = f" for {fault.for_s:g} s" if fault.for_s is not None else ""
    return Done(f"{_named(fault)} is on{for_how_long}")


async def reset_faults(faults: Faults, name: str, number: int | None = None) -> Done:
    """Take back the faults of that name, or the one of that number, or all."""
    on = [active for active in faults.active if name in {"", active.fault.name} and number in {None, active.number}]
    for active in reversed(on):
        await faults.reset(active.number)
    if not on:
        return Done(f"no fault {name} is on" if name else "no fault is on: nothing to take back", changed=False)
    return Done(f"{', '.join(_named(active.fault) for active in on)} taken back")


def read_fault(written: Mapping[str, Any]) -> Fault:
    """The fault that is written there. Raises UsageError that says what is wrong, and which word was meant."""
    name = str(written.get("name", ""))
    kind = FAULTS.get(name)
    if kind is None:
        raise UsageError(f"there is no fault {name!r}; {suggestion(name, list(FAULTS))}", hint="See: zdu fault list")
    try:
        return _ADAPTER.validate_python(dict(written))
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][-1])
        hint = f"See: zdu fault show {name}"
        if first["type"] == "missing":
            raise UsageError(f"{name} needs {key}", hint=hint) from error
        if first["type"] == "extra_forbidden":
            raise UsageError(f"{name} has no {key!r}; {suggestion(key, keys_of(kind))}", hint=hint) from error
        raise UsageError(f"{name}: {key}: {first['msg'].removeprefix('Value error, ')}", hint=hint) from error


def _named(fault: Fault) -> str:
    return f"{fault.name}{f' on {fault.where}' if fault.where else ''}"
