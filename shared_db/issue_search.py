"""How a release writes and searches summaries: by the column of the oldest one, or by 7.3.2's ``summary_lower``."""

from sqlalchemy import Column, ColumnElement, MetaData, String, Table, column, false, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared_db.statements import is_storable
from shared_db.steps.release_7_3_2 import COLUMN, FILL_TASK
from shared_db.tables import jiraissue, upgradehistory


class SummaryColumn:
    """The summary as this node's release knows it.

    With the feature every write also writes ``summary_lower``. It is searched only once the upgrade task that fills
    it has run: until then a node of the release before may leave it missing or stale.
    """

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._filled = False
        # A table of its own, so that the shared definition stays that of the oldest release.
        self.table: Table = jiraissue
        if enabled:
            self.table = jiraissue.to_metadata(MetaData())
            self.table.append_column(Column(COLUMN, String()))
        self.known = [self.table.c[column.name] for column in jiraissue.c]

    def values(self, summary: str) -> dict[str, str]:
        """The columns to write for this summary."""
        return {"summary": summary, COLUMN: summary.lower()} if self._enabled else {"summary": summary}

    async def contains(self, connection: AsyncConnection, text: str) -> ColumnElement[bool] | None:
        """The condition for a summary that contains ``text`` in any case; None if every one does."""
        if not text:
            return None
        if not is_storable(text):
            return false()
        if self._enabled and await self._is_filled(connection):
            return column(COLUMN, String()).contains(text.lower(), autoescape=True)
        # Both sides by the database's lower(), which may know fewer letters than Python's.
        escaped = text.replace("/", "//").replace("%", "/%").replace("_", "/_")
        return func.lower(jiraissue.c.summary).like(func.lower(f"%{escaped}%"), escape="/")

    async def _is_filled(self, connection: AsyncConnection) -> bool:
        if not self._filled:
            task = select(upgradehistory.c.id).where(upgradehistory.c.step_name == FILL_TASK)
            self._filled = (await connection.execute(task)).first() is not None
        return self._filled
