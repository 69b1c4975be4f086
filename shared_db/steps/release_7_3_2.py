"""7.3.2, build 73013: searching summaries without regard to case, in every language, by a column made for it.

The textbook way to change a column's meaning under running nodes: add (nullable, so that older nodes, which do not
know it, can still insert), write it along with the old one, fill what is missing once only new nodes are left, read
it from then on. Until it is filled it must not be read: an older node may have edited the summary after a newer one
wrote the column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from shared_db.steps.step import Step, StepKind
from shared_db.tables import jiraissue

if TYPE_CHECKING:
    from alembic.operations import Operations

COLUMN = "summary_lower"
FILL_TASK = "73012-fill-summary-lower"
_BATCH = 500

_issue = sa.table("jiraissue", sa.column("id"), sa.column("summary"), sa.column(COLUMN))


def _add_column(op: Operations) -> None:
    op.add_column(jiraissue.name, sa.Column(COLUMN, sa.String(), nullable=True))


def _fill(op: Operations) -> None:
    # In Python rather than with SQL's lower(), which knows ASCII only on SQLite: a node writes it in Python too.
    connection = op.get_bind()
    last = -1
    while True:
        rows = connection.execute(
            sa.select(_issue.c.id, _issue.c.summary, _issue.c.summary_lower)
            .where(_issue.c.id > last)
            .order_by(_issue.c.id)
            .limit(_BATCH)
        ).all()
        if not rows:
            return
        last = rows[-1].id
        stale = [{"i": row.id, "s": row.summary.lower()} for row in rows if row.summary_lower != row.summary.lower()]
        if stale:
            by_id = sa.update(_issue).where(_issue.c.id == sa.bindparam("i"))
            connection.execute(by_id.values({COLUMN: sa.bindparam("s")}), stale)


def _index(op: Operations) -> None:
    op.create_index("issue_summary_lower", jiraissue.name, [COLUMN])


STEPS = (
    Step("73013-add-jiraissue-summary-lower", StepKind.EXPAND, _add_column),
    Step(FILL_TASK, StepKind.TASK, _fill),
    Step("73013-index-summary-lower", StepKind.TASK, _index),
)
