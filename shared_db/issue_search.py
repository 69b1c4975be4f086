"""How a release searches summaries: by the column of the oldest one, or by 7.3.2's ``summary_lower``."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Table, false, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared_db.statements import is_storable
from shared_db.steps.columns import SUMMARY_LOWER
from shared_db.tables import upgradehistory


class SummarySearch:
    """The search for summaries as this node's release does it.

    A release that knows ``summary_lower`` searches it only once the upgrade task that fills it has run: until then a
    node of a release before may leave it missing or stale.
    """

    def __init__(self, features: Iterable[str], issues: Table) -> None:
        self._issues = issues
        self._knows_column = SUMMARY_LOWER.feature in features
        self._filled = False

    async def contains(self, connection: AsyncConnection, text: str) -> ColumnElement[bool] | None:
        """The condition for a summary that contains ``text`` in any case; None if every one does."""
        if not text:
            return None
        if not is_storable(text):
            return false()
        if self._knows_column and await self._is_filled(connection):
            return self._issues.c[SUMMARY_LOWER.name].contains(text.lower(), autoescape=True)
        # Both sides by the database's lower(), which may know fewer letters than Python's.
        escaped = text.replace("/", "//").replace("%", "/%").replace("_", "/_")
        return func.lower(self._issues.c.summary).like(func.lower(f"%{escaped}%"), escape="/")

    async def _is_filled(self, connection: AsyncConnection) -> bool:
        if not self._filled:
            task = select(upgradehistory.c.id).where(upgradehistory.c.step_name == SUMMARY_LOWER.fill_task)
            self._filled = (await connection.execute(task)).first() is not None
        return self._filled
