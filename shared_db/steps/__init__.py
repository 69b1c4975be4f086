"""What each release does to the schema and the data: expand steps when its first node starts, tasks at the end.

One file for each release. An expand step may only add, so that nodes of the release before keep working on the
expanded schema while the cluster is MIXED. A task runs once all nodes run the new release. Both are written with
alembic's ``Operations``; a step must be quick, a task may take its time.
"""

from shared_db.steps import release_7_3_2
from shared_db.steps.step import Step, StepKind
from zdu.errors import UsageError

_STEPS = {step.name: step for step in release_7_3_2.STEPS}


def find_step(name: str, kind: StepKind) -> Step:
    """The step of that name. Raises UsageError for an unknown one, or one of the other kind."""
    step = _STEPS.get(name)
    if step is None or step.kind is not kind:
        known = ", ".join(name for name, step in _STEPS.items() if step.kind is kind)
        raise UsageError(f"there is no {kind} step {name!r}", hint=f"Known: {known}.")
    return step


__all__ = ["Step", "StepKind", "find_step"]
