"""A column that a release adds under running nodes, and the four steps in which that is safe.

1. *Expand*, at the start of the release's first node: the column is added, nullable, because nodes of older releases
   do not know it and go on inserting. From then on nodes of this release and of all later ones write it.
2. *Fill*, an upgrade task: every row that an older node has written, or changed since, gets its value. Until then the
   column must not be relied upon: an older node may have changed what it is made from.
3. *Index*, an upgrade task.
4. *Contract*, once the cluster is STABLE on the release: the column becomes NOT NULL. An older node's inserts would
   fail from now on, which is why this waits until there is no way back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from shared_db.steps.step import Step, StepKind

if TYPE_CHECKING:
    from alembic.operations import Operations
    from sqlalchemy.types import TypeEngine

_BATCH = 500


@dataclass(frozen=True)
class AddedColumn:
    """One column that the release with ``build`` adds to ``table``.

    Its value is ``make`` of the row's ``source``, or without a source always ``constant``. ``follows`` says that it
    changes whenever the source does; a column that does not keeps what it was given.
    """

    build: int
    table: str
    name: str
    type: TypeEngine[Any]
    source: str = ""
    make: Callable[[Any], Any] = lambda value: value
    constant: Any = None
    follows: bool = False

    @property
    def feature(self) -> str:
        """How a release says that its code knows the column."""
        return f"{self.table}.{self.name}"

    @property
    def fill_task(self) -> str:
        """The name of the task that fills it."""
        return self._step_name("fill")

    def in_new_row(self, row: Mapping[str, Any]) -> Any:
        """The value in a row about to be inserted. A source that the database computes, its clock, is copied."""
        if not self.source:
            return self.constant
        value = row[self.source]
        return value if isinstance(value, sa.ClauseElement) else self.make(value)

    def steps(self) -> tuple[Step, ...]:
        """All its steps, in their order."""
        return (
            Step(self._step_name("add"), StepKind.EXPAND, self._add),
            Step(self.fill_task, StepKind.TASK, self._fill),
            Step(self._step_name("index"), StepKind.TASK, self._index),
            Step(self._step_name("require"), StepKind.CONTRACT, self.require),
        )

    def _step_name(self, verb: str) -> str:
        return f"{self.build}-{verb}-{self.table}-{self.name}".replace("_", "-")

    def _add(self, op: Operations) -> None:
        op.add_column(self.table, sa.Column(self.name, self.type, nullable=True))

    def _fill(self, op: Operations) -> None:
        table = sa.table(self.table, sa.column("id"), sa.column(self.name, self.type), sa.column(self.source or "id"))
        own, connection = table.c[self.name], op.get_bind()
        if not self.source:
            connection.execute(sa.update(table).where(own.is_(None)).values({self.name: self.constant}))
            return
        last = -1
        # In Python rather than with SQL's lower(), which knows ASCII only on SQLite: a node writes it in Python too.
        while True:
            columns = (table.c.id, table.c[self.source].label("source"), own.label("own"))
            rows = connection.execute(
                sa.select(*columns).where(table.c.id > last).order_by(table.c.id).limit(_BATCH)
            ).all()
            if not rows:
                return
            last = rows[-1].id
            stale = [
                {"row": row.id, "new": self.make(row.source)}
                for row in rows
                if row.own is None or (self.follows and row.own != self.make(row.source))
            ]
            if stale:
                by_id = sa.update(table).where(table.c.id == sa.bindparam("row"))
                connection.execute(by_id.values({self.name: sa.bindparam("new")}), stale)

    def _index(self, op: Operations) -> None:
        op.create_index(f"zdu_{self.table}_{self.name}", self.table, [self.name])

    def require(self, op: Operations) -> None:
        """Make the column NOT NULL, whatever is missing in it filled first."""
        self._fill(op)  # for what a node of an older release wrote at the last moment, while it was being stopped
        # SQLite cannot change a column: there alembic copies the table, in this one transaction.
        with op.batch_alter_table(self.table) as table:
            table.alter_column(self.name, existing_type=self.type, nullable=False)
