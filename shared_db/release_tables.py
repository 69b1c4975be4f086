"""The tables as the SQL of one release knows them: those of the oldest one, and the columns added up to this one.

A release before does not know a column and must not need it; this one writes it in every row, so that it can become
NOT NULL when the last older node is gone. So whatever inserts into, or updates, a table to which a release adds
columns does it by way of this.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Column, MetaData, Table

from shared_db.steps import COLUMNS
from shared_db.steps.bad import NEW_NAME, RENAME_FEATURE, RENAMED_COLUMN, RENAMED_TABLE, SEVERITY


class ReleaseTables:
    """The tables, for the features of one release."""

    def __init__(self, features: Iterable[str] = ()) -> None:
        known = frozenset(features)
        self._added = [column for column in (*COLUMNS, SEVERITY) if column.feature in known]
        self._renames = RENAME_FEATURE in known
        # Definitions of its own, so that the shared ones stay those of the oldest release.
        self._metadata = MetaData()
        self._tables: dict[str, Table] = {}

    def of(self, table: Table) -> Table:
        """The table with the columns that this release knows."""
        if table.name not in self._tables:
            own = table.to_metadata(self._metadata)
            for added in self._added:
                if added.table == table.name:
                    own.append_column(Column(added.name, added.type))
            if self._renames and table.name == RENAMED_TABLE:
                old = own.c[RENAMED_COLUMN]
                own.append_column(Column(NEW_NAME, old.type, key=RENAMED_COLUMN), replace_existing=True)
            self._tables[table.name] = own
        return self._tables[table.name]

    def new_row(self, table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
        """``row`` for an insert, with the columns that this release adds to it."""
        return {**row, **{added.name: added.in_new_row(row) for added in self._added if added.table == table.name}}

    def change(self, table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
        """``values`` for an update, with the columns that follow one of them."""
        following = {
            added.name: added.make(values[added.source])
            for added in self._added
            if added.table == table.name and added.follows and added.source in values
        }
        return {**values, **following}
