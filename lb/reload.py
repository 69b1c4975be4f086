"""What a new configuration changes in a load balancer that runs, and what of it must wait for a restart.

Everything here is decided on two configurations alone. The sockets that are open stay where they are, so the settings
that say where they are cannot change; all others can.
"""

from collections.abc import Iterator

from pydantic import BaseModel, SecretStr, ValidationError

from lb.config import BalancerConfig, NodeAddress
from zdu.errors import UsageError

FIXED = ("host", "port", "admin_host", "admin_port", "handover", "log_file", "seed")
"""Settings that a process keeps for as long as it lives."""


def merged(running: BalancerConfig, wanted: BalancerConfig) -> tuple[BalancerConfig, list[str]]:
    """``wanted`` with the fixed settings as they are, and one line for each that was to change.

    Raises UsageError if the two do not go together: without its token an admin port that others reach is open to all.
    """
    kept = {name: getattr(running, name) for name in FIXED}
    notes = [
        f"{name} stays {_shown(value)}: another one ({_shown(getattr(wanted, name))}) takes a restart"
        for name, value in kept.items()
        if getattr(wanted, name) != value
    ]
    try:
        return BalancerConfig.model_validate({**dict(wanted), **kept}), notes
    except ValidationError as invalid:
        mistakes = [error["msg"].removeprefix("Value error, ") for error in invalid.errors(include_url=False)]
        raise UsageError("\n".join([*mistakes, *notes]), hint="The load balancer has to be restarted.") from None


def differences(before: BalancerConfig, after: BalancerConfig) -> list[str]:
    """What is different, one line each, in the words of the file; a secret is never shown."""
    return [*_nodes(before.nodes, after.nodes), *_settings(before, after, "")]


def _nodes(before: tuple[NodeAddress, ...], after: tuple[NodeAddress, ...]) -> Iterator[str]:
    old, new = {node.name: node for node in before}, {node.name: node for node in after}
    yield from (f"{name} is new" for name in new if name not in old)
    yield from (f"{name} is gone" for name in old if name not in new)
    for name, node in new.items():
        if name in old:
            yield from _settings(old[name], node, f" of {name}")


def _settings(before: BaseModel, after: BaseModel, whose: str, path: str = "") -> Iterator[str]:
    written, rewritten = before.model_dump(mode="json"), after.model_dump(mode="json")
    for name in type(before).model_fields:
        old, new = getattr(before, name), getattr(after, name)
        if old == new or (not path and name == "nodes"):
            continue
        if isinstance(old, BaseModel) and isinstance(new, BaseModel):
            yield from _settings(old, new, whose, f"{path}{name}.")
        elif isinstance(old, SecretStr) and isinstance(new, SecretStr):
            yield f"{path}{name}{whose}: another secret"
        else:
            yield f"{path}{name}{whose}: {_shown(written[name])} to {_shown(rewritten[name])}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value in {None, ""} else str(value)
