"""Expand steps that do what an expand step must not: they take something away from the nodes that still run.

They belong to the flawed releases that can be ordered for a rehearsal, and to none that anybody ever shipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from shared_db.steps.added_column import AddedColumn
from shared_db.steps.step import Step, StepKind

if TYPE_CHECKING:
    from alembic.operations import Operations

RENAMED_TABLE, RENAMED_COLUMN, NEW_NAME = "jiraissue", "updated", "last_updated"
RENAME_FEATURE = f"{RENAMED_TABLE}.{NEW_NAME}"

SEVERITY = AddedColumn(0, "jiraissue", "severity", sa.String(60), constant="normal")
"""A column that is required from its first moment; no build has it."""


def _rename(op: Operations) -> None:
    with op.batch_alter_table(RENAMED_TABLE) as table:
        table.alter_column(RENAMED_COLUMN, new_column_name=NEW_NAME)


def _add_required(op: Operations) -> None:
    op.add_column(SEVERITY.table, sa.Column(SEVERITY.name, SEVERITY.type, nullable=True))
    SEVERITY.require(op)


STEPS = (
    Step("bad-rename-jiraissue-updated", StepKind.EXPAND, _rename),
    Step("bad-not-null-jiraissue-severity", StepKind.EXPAND, _add_required),
)
