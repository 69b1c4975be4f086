"""What a step is: a name that is recorded once it is applied, and a function that applies it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Only for types: importing alembic costs every process over 0.1 s, and most never apply a step.
    from alembic.operations import Operations


class StepKind(StrEnum):
    """When a step runs: at the start of a node, when the upgrade is finalised, or once that is over."""

    EXPAND = "expand"
    TASK = "task"
    CONTRACT = "contract"


@dataclass(frozen=True)
class Step:
    """One change of schema or data, applied once for each database, as one transaction."""

    name: str
    kind: StepKind
    apply: Callable[[Operations], None]
