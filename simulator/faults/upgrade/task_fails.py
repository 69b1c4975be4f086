"""``upgrade.task_fails``: the data cannot be upgraded, for a reason that lies in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from simulator.faults.db.client import DatabaseClient
from simulator.faults.fault import Fault, FaultFailed, Hold
from simulator.scenario.fields import Whole

if TYPE_CHECKING:
    from simulator.faults.reach import Reach

_FAILED = "SELECT count(*) FROM clusterupgradestate WHERE state = 'UPGRADE_TASKS_FAILED'"
_REASON = "the database refuses the upgrade task: a fault of the rehearsal"
_PUT_ON = {
    "sqlite": (
        "CREATE TRIGGER zdu_fault_task_fails BEFORE INSERT ON upgradehistory "
        "WHEN NEW.step_kind = 'task' AND ({failed}) < {until} "
        "BEGIN SELECT RAISE(ABORT, '{reason}'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION zdu_fault_task_fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.step_kind = 'task' AND ({failed}) < {until} THEN RAISE EXCEPTION '{reason}'; END IF; "
        "RETURN NEW; END $$",
        "CREATE TRIGGER zdu_fault_task_fails BEFORE INSERT ON upgradehistory "
        "FOR EACH ROW EXECUTE FUNCTION zdu_fault_task_fails()",
    ),
}
_TAKE_OFF = {
    "sqlite": ("DROP TRIGGER IF EXISTS zdu_fault_task_fails",),
    "postgresql": (
        "DROP TRIGGER IF EXISTS zdu_fault_task_fails ON upgradehistory",
        "DROP FUNCTION IF EXISTS zdu_fault_task_fails()",
    ),
}


class UpgradeTaskFails(Fault):
    """The database refuses the upgrade tasks (a trigger): the first attempts to finalise end in a failure.

    It took effect as often as the cluster came to UPGRADE_TASKS_FAILED.
    """

    acts_on: ClassVar[str] = "database"
    name: Literal["upgrade.task_fails"]
    """Which fault it is."""
    times: Annotated[Whole, Field(ge=1, le=100)] = 1
    """How many attempts fail; the next one works."""

    async def apply(self, reach: Reach) -> Hold:
        """Put the trigger on. Raises FaultFailed if it is on already, or the database does not let us."""
        client = DatabaseClient(reach.cluster.database)
        try:
            before = await client.number(_FAILED)
            for sql in _PUT_ON[client.kind]:
                await client.run(sql.format(failed=_FAILED, until=before + self.times, reason=_REASON))
        except FaultFailed:
            await client.close()
            raise
        return _TasksFail(client, before)


class _TasksFail(Hold):
    def __init__(self, client: DatabaseClient, before: int) -> None:
        self._client, self._before, self._count = client, before, 0
        self._on = True

    async def fired(self) -> int:
        """How often the tasks have failed meanwhile."""
        if self._on:
            self._count = await self._client.number(_FAILED) - self._before
        return self._count

    async def reset(self) -> None:
        """Take the trigger off. Raises FaultFailed."""
        self._on = False
        try:
            for sql in _TAKE_OFF[self._client.kind]:
                await self._client.run(sql)
        finally:
            await self._client.close()
