"""What each release does to the schema and the data, in steps that nodes of two releases can live with.

Expand steps run when the release's first node starts, tasks when the upgrade is finalised, contract steps once the
cluster is STABLE on it.

An expand step may only add, so that nodes of the releases before keep working on the expanded schema while the
cluster is MIXED. A task runs once all nodes run the new release. A contract step takes away what only older releases
need. All are written with alembic's ``Operations``; a task may take its time, the others must be quick.
"""

from shared_db.steps.added_column import AddedColumn
from shared_db.steps.bad import STEPS as BAD_STEPS
from shared_db.steps.columns import COLUMNS
from shared_db.steps.step import Step, StepKind
from zdu.errors import UsageError

_STEPS = {step.name: step for step in (*(step for column in COLUMNS for step in column.steps()), *BAD_STEPS)}


def find_step(name: str, kind: StepKind) -> Step:
    """The step of that name. Raises UsageError for an unknown one, or one of another kind."""
    step = _STEPS.get(name)
    if step is None or step.kind is not kind:
        known = ", ".join(name for name, step in _STEPS.items() if step.kind is kind)
        raise UsageError(f"there is no {kind} step {name!r}", hint=f"Known: {known}.")
    return step


__all__ = ["COLUMNS", "AddedColumn", "Step", "StepKind", "find_step"]
