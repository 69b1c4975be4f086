"""The tables themselves: created by the set-up, expanded by the first node of a newer release, dropped at the end.

All of it is safe to race: nodes of a new release start at the same time and each of them asks for its steps.
"""

import asyncio
from collections.abc import Sequence

from sqlalchemy import Connection, insert, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared_db.database_time import DatabaseTimeMs
from shared_db.errors import DatabaseError, StatementRefused, StepFailed
from shared_db.steps import Step, StepKind, find_step
from shared_db.tables import metadata, upgradehistory
from shared_db.target import Target
from shared_db.transactions import Transactions
from shared_db.translate import translate

SCHEMA_LIMIT_FACTOR = 6.0
"""How many times the usual time limit a change of schema or an upgrade task may take."""

_CREATION_LOCK = 0x7A6475  # any number that nobody else on the server is likely to use


class SchemaGateway:
    """Tables, and the steps of releases that were applied to them."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._limit_s = transactions.statement_timeout_s * SCHEMA_LIMIT_FACTOR

    async def is_set_up(self) -> bool:
        """Whether the tables exist."""
        async with self._transactions.read() as connection:
            return await connection.run_sync(_has_tables)

    async def create_base(self) -> None:
        """Create the tables of the oldest release, and on PostgreSQL the namespace, where they are missing."""
        async with self._transactions.write(limit_s=self._limit_s) as connection:
            if connection.dialect.name == "postgresql":
                # CREATE ... IF NOT EXISTS can still fail when two processes create the same thing at once.
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({_CREATION_LOCK})"))
                if self._transactions.target.namespace:
                    await connection.execute(
                        text(f'CREATE SCHEMA IF NOT EXISTS "{self._transactions.target.namespace}"')
                    )
            await connection.run_sync(metadata.create_all)

    async def applied(self) -> set[str]:
        """The names of all expand steps and tasks that were applied."""
        async with self._transactions.read() as connection:
            return await _applied(connection)

    async def expand(self, steps: Sequence[str]) -> list[str]:
        """Apply those of the expand steps that are still missing, in this order.

        Returns the ones applied by this call. Raises UsageError for an unknown step and StepFailed if one fails;
        those before it stay applied, and do no harm.
        """
        return await self._apply_missing([find_step(name, StepKind.EXPAND) for name in steps])

    async def contract(self, steps: Sequence[str]) -> list[str]:
        """The same for contract steps. Nodes of older releases cannot work on the tables any more afterwards."""
        return await self._apply_missing([find_step(name, StepKind.CONTRACT) for name in steps])

    async def run_task(self, name: str) -> bool:
        """Run one upgrade task; False if it had been run before.

        Raises UsageError for an unknown task, StepFailed if it fails, in which case nothing of it has happened and
        it may be tried again.
        """
        return await self._apply(find_step(name, StepKind.TASK))

    async def drop(self) -> None:
        """Remove everything: the SQLite file, PostgreSQL's namespace, or our tables if that has no name.

        On SQLite this :class:`~shared_db.database.Database` is of no use afterwards.
        """
        if self._transactions.target.sqlite_file is not None:
            await self._transactions.close()
            _remove_sqlite_files(self._transactions.target)
            return
        async with self._transactions.write(limit_s=self._limit_s) as connection:
            if self._transactions.target.namespace:
                await connection.execute(
                    text(f'DROP SCHEMA IF EXISTS "{self._transactions.target.namespace}" CASCADE')
                )
            else:
                await connection.run_sync(metadata.drop_all)

    async def _apply_missing(self, steps: Sequence[Step]) -> list[str]:
        """Each in a transaction of its own: one that holds the locks of two tables would stand in users' way."""
        if not steps:
            return []
        done = await self.applied()
        return [step.name for step in steps if step.name not in done and await self._apply(step)]

    async def _apply(self, step: Step) -> bool:
        """Apply a step; False if it had been applied before."""
        async with self._transactions.write(serialised_by=upgradehistory, limit_s=self._limit_s) as connection:
            if step.name in await _applied(connection):
                return False
            asked_to_end = _times_asked_to_end()
            try:
                await connection.run_sync(_apply_step, step)
            except (SQLAlchemyError, OSError) as error:
                if _times_asked_to_end() > asked_to_end:
                    # Alembic cleans up after whatever was raised. On a connection that was cut that fails, and the
                    # failure took the place of the wish to end: a task that swallows it would go on for ever.
                    raise asyncio.CancelledError from error
                cause = translate(error, self._transactions.target)
                if type(cause) not in (DatabaseError, StatementRefused):
                    raise cause from error
                raise StepFailed(f"{step.kind} step {step.name} failed: {cause.message}") from error
            await connection.execute(
                insert(upgradehistory).values(
                    step_name=step.name, step_kind=step.kind.value, applied=DatabaseTimeMs()
                )
            )
            return True


def _times_asked_to_end() -> int:
    """How often this task was cancelled and has not ended for it, by a time limit or by its owner."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def _has_tables(connection: Connection) -> bool:
    return inspect(connection).has_table(upgradehistory.name)


async def _applied(connection: AsyncConnection) -> set[str]:
    return {str(name) for name in await connection.scalars(select(upgradehistory.c.step_name))}


def _apply_step(connection: Connection, step: Step) -> None:
    # Here rather than above: importing alembic takes over 0.1 s, and most starts apply nothing.
    from alembic.operations import Operations  # noqa: PLC0415 - see above
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - see above

    step.apply(Operations(MigrationContext.configure(connection)))


def _remove_sqlite_files(target: Target) -> None:
    file = target.sqlite_file
    if file is not None:
        for suffix in ("", "-wal", "-shm"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)
