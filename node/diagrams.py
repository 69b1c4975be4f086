"""Draws the state machines' tables as Mermaid diagrams: ``python -P -m node.diagrams > docs/state-machines.md``.

Mermaid is what code hosts and editors show as a picture and everybody else can read as text. A test holds the page to
the tables.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from node import app_state, upgrade_state
from node.services import ApplicationState
from node.upgrade_membership import Membership
from node.upgrade_state import UpgradeState

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)

_PAGE = """\
# The state machines of a node

Drawn from the tables in `node/upgrade_state.py` and `node/app_state.py` by `node/diagrams.py`; the theory of each
machine stands above its table. To draw them again: `python -P -m node.diagrams > docs/state-machines.md`.

## The cluster's upgrade state

One state for the whole cluster, stored as the newest row of `clusterupgradestate`. A thing that an administrator asks
for is named by its REST resource (`/rest/api/2/cluster/zdu/…`); what is in brackets is an observation that any node
makes when it compares the versions of the cluster's nodes.

```mermaid
{upgrade}
```

What an administrator may ask for, and what is refused with 409 otherwise:

| State | Allowed |
|---|---|
{allowed}

When a node counts as being upgraded is a rule of its own, `mixed_when`:

| | `rejoined` (Atlassian's, the default) | `removed` (the blog's) |
|---|---|---|
| {base} | no node in the cluster is newer than the base | the same, and no node has been taken out |
| {mixed} | nodes of both versions are in the cluster | the same, or a node was taken out since the upgrade began |
| {upgraded} | every node in the cluster is newer than the base | the same, and no node is out |

A killed node is in the cluster until it is declared OFFLINE, and its version counts.

## The life of one node

What `GET /status` says. DRAINING is the node-level upgrade mode, in which a node asks the load balancer to take it
out and serves whatever still comes.

```mermaid
{life}
```
"""


def state_machines_page() -> str:
    """The whole page, in Markdown."""
    return _PAGE.format(
        upgrade=mermaid(UpgradeState.STABLE, _labelled(upgrade_state.TRANSITIONS)),
        allowed="\n".join(_allowed_row(state) for state in UpgradeState),
        base=Membership.BASE.value,
        mixed=Membership.MIXED.value,
        upgraded=Membership.UPGRADED.value,
        life=mermaid(ApplicationState.STARTING, _labelled(app_state.TRANSITIONS)),
    )


def mermaid(initial: str, moves: Iterable[tuple[str, str, str]]) -> str:
    """A state diagram of ``(from, label, to)``; several labels between the same two states share one arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for start, label, end in moves:
        arrows.setdefault((start, end), []).append(label)
    lines = ["stateDiagram-v2", f"    [*] --> {initial}"]
    return "\n".join(
        lines + [f"    {start} --> {end}: {' / '.join(labels)}" for (start, end), labels in arrows.items()]
    )


def _labelled(table: Mapping[tuple[State, Event], State]) -> list[tuple[str, str, str]]:
    return [(start.value, _label(event), end.value) for (start, event), end in table.items()]


def _label(event: StrEnum) -> str:
    return f"({event.value})" if isinstance(event, Membership) else event.value


def _allowed_row(state: UpgradeState) -> str:
    names = ", ".join(f"`{action.value}`" for action in upgrade_state.allowed(state))
    return f"| {state.value} | {names or 'nothing'} |"


if __name__ == "__main__":
    print(state_machines_page(), end="")  # noqa: T201 - this script's whole purpose
